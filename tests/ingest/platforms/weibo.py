"""m.weibo.cn on this machine: timelines as its pages load them; all posts are invented.

Fields are those that snscrape reads and public clients name, see
``tests/ingest/fixtures/weibo/README.md``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from tests.ingest.platforms.serving import Answer, Asked, Served, in_json, served

USER = 1234567890
PAGE = 10
_EPOCH = 515_483_463


def number(seconds: int, serial: int = 0) -> int:
    """The id of a post of this moment."""
    return ((seconds - _EPOCH) << 22) + serial


def user(name: str = "观察者", uid: int = USER) -> dict[str, Any]:
    return {
        "id": uid,
        "screen_name": name,
        "verified": False,
        "description": "",
        "statuses_count": 3,
        "followers_count": "2.4万",
        "follow_count": 2,
        "avatar_hd": "https://wx1.example/a.jpg",
    }


def mblog(native: int, text: str, **fields: Any) -> dict[str, Any]:
    return {
        "id": str(native),
        "mid": str(native),
        "bid": f"N{native % 100_000}",
        "created_at": "Mon Mar 02 10:00:00 +0800 2026",
        "text": text,
        "user": user(),
        "reposts_count": 1,
        "comments_count": 2,
        "attitudes_count": 3,
        "pic_num": 0,
        "isLongText": False,
        "isTop": 0,
        "mblogtype": 0,
        **fields,
    }


def timeline(posts: Sequence[Mapping[str, Any]], since_id: int | None) -> Answer:
    """A page of posts, given from the newest on; ``since_id`` is where the last one ended."""
    start = 0 if since_id is None else 1 + [int(post["id"]) for post in posts].index(since_id)
    shown = posts[start : start + PAGE]
    info: dict[str, Any] = {"containerid": f"107603{USER}", "v_p": 42, "total": len(posts)}
    if start + PAGE < len(posts):
        info["since_id"] = int(shown[-1]["id"])
    cards = [{"card_type": 9, "itemid": "x", "scheme": "x", "mblog": post} for post in shown]
    return in_json({"ok": 1, "data": {"cardlistInfo": info, "cards": cards, "scheme": "x"}})


#: What Weibo says instead of a login page to whoever asks without being logged in.
LOGIN = in_json({"ok": -100, "url": "https://passport.weibo.com/sso/signin?entry=wapsso"})
#: "There is nothing here yet", byte by byte as snscrape expects it.
NOTHING = Answer(
    b'{"ok":0,"msg":"\\u8fd9\\u91cc\\u8fd8\\u6ca1\\u6709\\u5185\\u5bb9","data":{"cards":[]}}'
)


@contextmanager
def weibo(posts: Sequence[Mapping[str, Any]], name: str = "guancha") -> Iterator[Served]:
    def answer(asked: Asked) -> Answer:
        if asked.path == f"/n/{name}":
            return Answer(b"", 302, {"Location": f"/u/{USER}"})
        if asked.path == f"/u/{USER}":
            return Answer(b"<html><body>a page made for browsers</body></html>")
        if asked.path.startswith("/n/"):
            return Answer('<html><p class="h5-4con">用户不存在</p></html>'.encode())
        if asked.path == "/api/container/getIndex" and asked.query.get("value") == str(USER):
            assert asked.query["containerid"] == f"107603{USER}"
            since_id = asked.query.get("since_id")
            return timeline(posts, int(since_id) if since_id else None)
        return NOTHING

    with served(answer) as platform:
        yield platform
