"""Followers of a Mastodon account, from its own server.

Schema: ``GET /api/v1/accounts/lookup`` and the entity ``Account``,
https://docs.joinmastodon.org/methods/accounts/#lookup and
https://docs.joinmastodon.org/entities/Account/ (as of 4.5, 2025-10). No key is needed;
servers in "limited federation" or "authorized fetch" mode answer 401. Not verified live.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from urllib.parse import SplitResult

from ingest.errors import SourceBlocked, SourceGone
from ingest.sources.counters.base import Answer, Figure, Reader, Request, decoded, whole

_ACCOUNT = re.compile(r"[A-Za-z0-9_]+(?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?@[A-Za-z0-9.-]+(?::\d+)?")
_PATH = re.compile(r"/(?:@|users/)([A-Za-z0-9_.-]+)/?")


class Mastodon(Reader):
    """Any instance, and software that offers the same API (Pleroma, Akkoma, GoToSocial)."""

    platform = "mastodon"
    form = "mastodon:name@host"
    schema = date(2025, 10, 1)
    documented = "https://docs.joinmastodon.org/methods/accounts/#lookup"
    probe = "Mastodon@mastodon.social"
    accounts = _ACCOUNT

    def recognise(self, address: SplitResult) -> str:
        """``https://host/@name``."""
        match = _PATH.fullmatch(address.path)
        return f"{match[1]}@{address.netloc}" if match else ""

    def base(self, account: str) -> str:
        """Return the account's own server: others know a part of the followers only."""
        return f"https://{account.rpartition('@')[2]}"

    def request(self, account: str, key: str) -> Request:
        """Look the account up by its name."""
        return Request("/api/v1/accounts/lookup", {"acct": account.rpartition("@")[0]})

    def parse(self, answer: Answer) -> Sequence[Figure]:
        """Return the followers, counted one by one."""
        if answer.status in {404, 410}:
            raise SourceGone("there is no such account (any more)")
        content = decoded(answer)
        if answer.status in {401, 403}:
            raise SourceBlocked(f"the server answers {answer.status}: {content.get('error', '')}")
        if content.get("suspended"):
            raise SourceGone("the account is suspended")
        return [Figure("followers", whole(content, "followers_count"))]
