"""Ids and accounts in addresses of Facebook posts, for all tools that give only the address."""

from __future__ import annotations

import re

_POST = re.compile(
    r"facebook\.com/(?:groups/[\w.-]+/(?:permalink|posts)|[\w.-]+/(?:posts|videos|photos)"
    r"(?:/[\w.-]+)*?)/(?:[\w-]+:)?(\w+)/?(?:[?#]|$)"
)
_QUERY = re.compile(r"facebook\.com/[\w./-]*\?(?:.*&)?(?:story_fbid|fbid|v)=(\w+)")
_ACCOUNT = re.compile(r"facebook\.com/(?!groups/)([\w.-]+)/(?:posts|videos|photos)/")


def post_id(url: str) -> str:
    """Return the id of a post without its page, as it stands in the address; else nothing."""
    match = _POST.search(url) or _QUERY.search(url)
    return match[1] if match else ""


def account_of(url: str) -> str:
    """Return the account that an address names, by its handle or its number; else nothing."""
    match = _ACCOUNT.search(url)
    return match[1] if match else ""
