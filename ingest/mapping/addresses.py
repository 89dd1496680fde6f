"""Posts by their addresses: which platform, and which native id, an address names.

The forms are those that the platforms' own sites use. An id is written as the source of the
platform writes it, so that a post met twice is one post.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit


class Address(NamedTuple):
    """What an address says of a post; the account is empty where it names none."""

    platform: str
    native: str
    account: str = ""


_Reader = Callable[[str, str, str], "Address | None"]


def _by_path(platform: str, pattern: str, native: str = "{id}") -> _Reader:
    compiled = re.compile(pattern, re.IGNORECASE)

    def reader(host: str, path: str, query: str) -> Address | None:
        found = compiled.match(path)
        if found is None:
            return None
        groups = found.groupdict()
        account = groups.get("account") or ""
        return Address(platform, native.format(id=groups["id"], account=account), account)

    return reader


_TWITTER = _by_path(
    "twitter", r"/(?:i/web/|i/|(?P<account>\w{1,50})/)status(?:es)?/(?P<id>\d{1,20})(?!\d)"
)
_TIKTOK = _by_path("tiktok", r"/@(?P<account>[^/]+)/(?:video|photo)/(?P<id>\d{6,20})(?!\d)")
_INSTAGRAM = _by_path(
    "instagram", r"/(?:(?P<account>[\w.]+)/)?(?:p|reels?|tv)/(?P<id>[\w-]{5,40})(?:/|$)"
)
_THREADS = _by_path("threads", r"/@(?P<account>[^/]+)/post/(?P<id>[\w-]{5,40})(?:/|$)")
_BLUESKY = _by_path(
    "bluesky",
    r"/profile/(?P<account>[\w.:%-]+)/post/(?P<id>\w+)(?:/|$)",
    "at://{account}/app.bsky.feed.post/{id}",
)
_VK = _by_path("vk", r"/(?:[^?]*?)wall(?P<id>-?\d+_\d+)(?!\d)")
_TELEGRAM_CHANNEL = _by_path(
    "telegram", r"/(?:s/)?(?!c/)(?P<account>[a-z]\w{3,})/(?P<id>\d+)(?:/|$)", "{account}/{id}"
)
_TELEGRAM_PRIVATE = _by_path(
    "telegram", r"/c/(?P<account>\d+)/(?P<id>\d+)(?:/|$)", "channel{account}/{id}"
)


def _telegram(host: str, path: str, query: str) -> Address | None:
    found = _TELEGRAM_CHANNEL(host, path, query) or _TELEGRAM_PRIVATE(host, path, query)
    return found._replace(account="") if found and path.startswith("/c/") else found


def _youtube(host: str, path: str, query: str) -> Address | None:
    fields = parse_qs(query)
    video = fields.get("v", [""])[0]
    if short := re.match(r"/(?:shorts|live|embed)/([\w-]{11})(?:/|$)", path):
        video = short[1]
    if host == "youtu.be":
        video = path[1:12]
    comment = fields.get("lc", [""])[0]
    native = comment or video
    return Address("youtube", native) if re.fullmatch(r"[\w.-]{11,80}", native) else None


_FACEBOOK_PATH = re.compile(
    r"/(?:groups/[\w.-]+/(?:permalink|posts)"
    r"|(?P<account>[\w.-]+)/(?:posts|videos|photos)(?:/[\w.-]+)*?)/(?:[\w-]+:)?(?P<id>\w+)/?$"
)


def _facebook(host: str, path: str, query: str) -> Address | None:
    fields = parse_qs(query)
    comment = fields.get("comment_id", [""])[0]
    native = comment or next(
        (fields[name][0] for name in ("story_fbid", "fbid", "v") if name in fields), ""
    )
    found = _FACEBOOK_PATH.match(path)
    native = native or (found["id"] if found else "")
    account = (found["account"] or "") if found and not comment else ""
    return Address("facebook", native, account) if re.fullmatch(r"\w{5,200}", native) else None


_REDDIT_PATH = re.compile(
    r"/(?:(?:r|u|user)/[^/]+/)?comments/(?P<post>[0-9a-z]{2,13})"
    r"(?:/[^/]*(?:/(?P<comment>[0-9a-z]{2,13}))?)?/?$"
)


def _reddit(host: str, path: str, query: str) -> Address | None:
    found = _REDDIT_PATH.match(path)
    if found is None:
        return None
    native = f"t1_{found['comment']}" if found["comment"] else f"t3_{found['post']}"
    return Address("reddit", native)


_SITES: dict[str, _Reader] = {
    "twitter.com": _TWITTER,
    "x.com": _TWITTER,
    "tiktok.com": _TIKTOK,
    "instagram.com": _INSTAGRAM,
    "threads.net": _THREADS,
    "threads.com": _THREADS,
    "bsky.app": _BLUESKY,
    "t.me": _telegram,
    "telegram.me": _telegram,
    "youtube.com": _youtube,
    "youtu.be": _youtube,
    "facebook.com": _facebook,
    "reddit.com": _reddit,
    "vk.com": _VK,
    "vk.ru": _VK,
}
# Any host of the Fediverse: `/@name/113…`, `/users/name/statuses/113…`. Ids are times in
# milliseconds and 16 bits (docs.joinmastodon.org/entities/Status/#id), so they are long.
_STATUS = re.compile(
    r"/(?:@(?P<account>\w[\w.-]*)|users/(?P<user>\w[\w.-]*)/statuses)/(?P<id>\d{15,20})/?$"
)
_AT_URI = re.compile(r"at://(?P<account>did:[\w:.%-]+|[\w.-]+)/app\.bsky\.feed\.post/\w+")


@lru_cache(maxsize=1024)
def _site_of(host: str) -> _Reader | None:
    labels = host.split(".")
    names = (".".join(labels[start:]) for start in range(len(labels) - 1))
    return next((_SITES[name] for name in names if name in _SITES), None)


def post_at(url: str) -> Address | None:
    """Return the post that an address names, ``None`` if it names none; never raises."""
    url = url.strip()
    if found := _AT_URI.fullmatch(url):
        return Address("bluesky", url, found["account"])
    if url[:4].lower() != "http":
        return None
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").removeprefix("www.")
    except ValueError:
        return None
    if (site := _site_of(host)) is not None:
        return site(host, parts.path, parts.query)
    if found := _STATUS.match(parts.path):
        account = found["account"] or found["user"]
        return Address("mastodon", f"{host}/{found['id']}", f"{account}@{host}")
    return None
