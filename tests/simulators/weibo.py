"""m.weibo.cn on this machine: the timeline of one account, as its mobile pages load it.

Posts are made from ``tests/ingest/fixtures/weibo/``, whose README says where fields come from.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from tests.simulators.base import moment
from tests.simulators.http import FIXTURES, Answer, Asked, HttpSimulator, in_json, serving

USER = 1234567890
NAME = "guancha"
PAGE = 10
_EPOCH = 515_483_463


def number(at: datetime, serial: int = 0) -> int:
    """The id of a post of this moment."""
    return ((int(at.timestamp()) - _EPOCH) << 22) + serial


def fixture(name: str) -> bytes:
    return (FIXTURES / "weibo" / f"{name}.json").read_bytes()


class Weibo(HttpSimulator):
    """One account."""

    name = "weibo"
    target = str(USER)

    def __init__(self) -> None:
        super().__init__()
        self.posts: list[dict[str, Any]] = []
        self.pinned: list[dict[str, Any]] = []
        self.busy = False
        """Whether it tells everybody that there is nothing."""
        self._published = 0

    def mblog(self, at: datetime, text: str = "", **fields: Any) -> dict[str, Any]:
        made: dict[str, Any] = json.loads(fixture("mblog"))
        native = str(number(at))
        made |= {"id": native, "mid": native, "bid": f"Q{native[-8:]}"}
        made["created_at"] = at.strftime("%a %b %d %H:%M:%S +0000 %Y")
        return {**made, **({"text": text} if text else {}), **fields}

    def publish(self, count: int) -> Sequence[str]:
        ids = []
        for _ in range(count):
            self._published += 1
            at = moment(self._published)
            self.posts.append(self.mblog(at, f"post number {self._published}"))
            ids.append(f"weibo:{number(at)}")
        return ids

    def accounts(self) -> Sequence[str]:
        return [json.loads(fixture("mblog"))["user"]["screen_name"], self.target]

    def answer(self, asked: Asked) -> Answer:
        if asked.path == f"/n/{NAME}":
            return Answer(b"", 302, {"Location": f"/u/{USER}"})
        if asked.path == f"/u/{USER}":
            return Answer(b"<html><body>a page made for browsers</body></html>")
        if asked.path.startswith("/n/"):
            return Answer('<html><p class="h5-4con">用户不存在</p></html>'.encode())
        if asked.path != "/api/container/getIndex":
            return Answer(b"", 404)
        known = asked.query.get("value") == str(USER)
        if "containerid" not in asked.query:
            return self._about(known=known)
        if not known or self.busy or not self.posts:
            return Answer(fixture("nothing"))
        assert asked.query["containerid"] == f"107603{USER}"
        return self._timeline(asked.query.get("since_id"))

    def _about(self, *, known: bool) -> Answer:
        user = json.loads(fixture("mblog"))["user"] | {"statuses_count": len(self.posts)}
        return in_json({"ok": 1, "data": {"userInfo": user} if known else {}})

    def _timeline(self, since_id: str | None) -> Answer:
        posts = self.posts[::-1]
        start = 1 + [post["id"] for post in posts].index(since_id) if since_id else 0
        shown = posts[start : start + PAGE]
        info: dict[str, Any] = {"containerid": f"107603{USER}", "v_p": 42, "total": len(posts)}
        if start + PAGE < len(posts):
            info["since_id"] = int(shown[-1]["id"])
        cards = [{"card_type": 9, "itemid": "x", "scheme": "x", "mblog": post} for post in shown]
        if not since_id:
            cards = [{"card_type": 9, "mblog": post} for post in self.pinned] + cards
        return in_json({"ok": 1, "data": {"cardlistInfo": info, "cards": cards}})


@contextmanager
def weibo() -> Iterator[Weibo]:
    simulator = Weibo()
    with serving(simulator):
        yield simulator
