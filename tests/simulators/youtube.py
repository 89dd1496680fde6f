"""Google's Data API on this machine: threads and answers under one video.

Resources are made from ``tests/ingest/fixtures/youtube/``, whose README names the documents.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.simulators.base import moment
from tests.simulators.http import FIXTURES, Answer, Asked, HttpSimulator, in_json, serving

KEY = "a-key"
VIDEO = "vIdeoFictif"
CHANNEL = "UCabcdefghijklmnopqrstuv"
SHOWN = 2
"""Answers that a thread shows by itself."""


def fixture(name: str) -> dict[str, Any]:
    text = (FIXTURES / "youtube" / f"{name}.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


@dataclass
class Comment:
    native: str
    text: str
    published: str = "2026-11-01T00:01:00Z"
    updated: str = ""
    replies: list[Comment] = field(default_factory=list)

    def resource(self, parent: str = "") -> dict[str, Any]:
        made = fixture("comment") | {"id": self.native}
        made["snippet"] |= {
            "textDisplay": self.text,
            "textOriginal": self.text,
            "publishedAt": self.published,
            "updatedAt": self.updated or self.published,
            **({"parentId": parent} if parent else {}),
        }
        return made

    def thread(self) -> dict[str, Any]:
        made = fixture("thread") | {"id": self.native}
        made["snippet"] |= {
            "topLevelComment": self.resource(),
            "totalReplyCount": len(self.replies),
        }
        if self.replies:
            shown = [reply.resource(self.native) for reply in self.replies[-SHOWN:]]
            made["replies"] = {"comments": shown}
        return made


def error(code: int, reason: str, message: str = "No.") -> Answer:
    made = fixture("error")
    made["error"] |= {"code": code, "message": message}
    made["error"]["errors"][0] |= {"message": message, "reason": reason}
    return in_json(made, code)


class YouTube(HttpSimulator):
    """One video. ``comments`` are its threads, the newest last."""

    name = "youtube"
    target = VIDEO
    secrets: Mapping[str, str] = {"MARSAD_YOUTUBE_KEY": KEY}

    def __init__(self) -> None:
        super().__init__()
        self.comments: list[Comment] = []
        self.page = 10
        """Entries of a page: fewer than a page may hold, so that tests need fewer."""
        self.forgets = False
        """Whether it knows no page token, not even those that it has just given."""

    def publish(self, count: int) -> Sequence[str]:
        ids = []
        for _ in range(count):
            number = len(self.comments) + 1
            date = moment(number).isoformat().replace("+00:00", "Z")
            self.comments.append(Comment(f"Ugz{number:04}", f"post number {number}", date))
            ids.append(f"youtube:Ugz{number:04}")
        return ids

    def accounts(self) -> Sequence[str]:
        return [fixture("comment")["snippet"]["authorChannelId"]["value"]]

    def answer(self, asked: Asked) -> Answer:
        if asked.headers.get("X-Goog-Api-Key") != KEY:
            return error(400, "badRequest", "API key not valid. Please pass a valid API key.")
        query = asked.query
        if asked.path == "/youtube/v3/channels" and "forHandle" in query:
            found = [{"kind": "youtube#channel", "id": CHANNEL}] * (query["forHandle"] == "@canal")
            return self._listed("channel", found, query)
        if asked.path == "/youtube/v3/comments":
            return self._replies(query)
        if asked.path != "/youtube/v3/commentThreads":
            return Answer(b"Not Found", 404)
        if query.get("videoId") != VIDEO and query.get("allThreadsRelatedToChannelId") != CHANNEL:
            return error(404, "videoNotFound")
        assert query["order"] == "time"
        assert query["textFormat"] == "plainText"
        threads = [comment.thread() for comment in reversed(self.comments)]
        return self._listed("commentThread", threads, query)

    def _replies(self, query: dict[str, str]) -> Answer:
        for comment in self.comments:
            if comment.native == query["parentId"]:
                replies = [reply.resource(comment.native) for reply in comment.replies]
                return self._listed("comment", replies, query)
        return error(404, "commentNotFound")

    def _listed(self, kind: str, entries: Sequence[Any], query: dict[str, str]) -> Answer:
        """A page of a list; its token names the entry after which the page begins."""
        names = [entry["id"] for entry in entries]
        token = query.get("pageToken", "")
        if token and (self.forgets or token.removeprefix("after-") not in names):
            return error(400, "processingFailure", "The page token is not valid.")
        start = names.index(token.removeprefix("after-")) + 1 if token else 0
        size = min(self.page, int(query.get("maxResults", 20)))
        shown = entries[start : start + size]
        more = {"nextPageToken": f"after-{shown[-1]['id']}"} if start + size < len(entries) else {}
        info = {"totalResults": len(entries), "resultsPerPage": size}
        return in_json(
            {"kind": f"youtube#{kind}ListResponse", **more, "pageInfo": info, "items": shown}
        )


@contextmanager
def youtube() -> Iterator[YouTube]:
    simulator = YouTube()
    with serving(simulator):
        yield simulator
