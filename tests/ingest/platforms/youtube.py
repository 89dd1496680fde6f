"""Google's Data API on this machine: threads and answers of one video; all comments are invented.

Fields and reasons are those of https://developers.google.com/youtube/v3/docs/commentThreads,
…/comments and …/errors, see ``tests/ingest/fixtures/youtube/README.md``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.ingest.platforms.serving import Answer, Asked, Served, in_json, served

KEY = "a-key"
VIDEO = "dQhYpothetc"
CHANNEL = "UCabcdefghijklmnopqrstuv"
SHOWN = 2
"""Answers that a thread shows by itself."""


@dataclass
class Comment:
    native: str
    text: str
    published: str = "2026-03-02T10:00:00Z"
    updated: str = ""
    author: str = "UCwriterwriterwriterwrit"
    replies: list[Comment] = field(default_factory=list)

    def resource(self, parent: str = "") -> dict[str, Any]:
        snippet = {
            "channelId": CHANNEL,
            "textDisplay": self.text,
            "textOriginal": self.text,
            "authorDisplayName": "@somebody",
            "authorProfileImageUrl": "https://yt3.example/a.jpg",
            "authorChannelUrl": f"http://www.youtube.com/channel/{self.author}",
            "authorChannelId": {"value": self.author},
            "canRate": True,
            "viewerRating": "none",
            "likeCount": 3,
            "publishedAt": self.published,
            "updatedAt": self.updated or self.published,
        }
        if parent:
            snippet["parentId"] = parent
        return {"kind": "youtube#comment", "etag": "e", "id": self.native, "snippet": snippet}

    def thread(self) -> dict[str, Any]:
        thread: dict[str, Any] = {
            "kind": "youtube#commentThread",
            "etag": "e",
            "id": self.native,
            "snippet": {
                "channelId": CHANNEL,
                "videoId": VIDEO,
                "topLevelComment": self.resource(),
                "canReply": True,
                "totalReplyCount": len(self.replies),
                "isPublic": True,
            },
        }
        if self.replies:
            shown = [reply.resource(self.native) for reply in self.replies[-SHOWN:]]
            thread["replies"] = {"comments": shown}
        return thread


def error(code: int, reason: str, message: str = "No.") -> Answer:
    told = {"message": message, "domain": "youtube.commentThread", "reason": reason}
    return in_json({"error": {"code": code, "message": message, "errors": [told]}}, code)


def listed(kind: str, entries: Sequence[dict[str, Any]], asked: Asked, page: int) -> Answer:
    """A page of a list; tokens say at which entry it begins."""
    token = asked.query.get("pageToken", "at-0")
    if not token.removeprefix("at-").isdecimal():
        return error(400, "processingFailure", "The page token is not valid.")
    start = int(token.removeprefix("at-"))
    size = min(page, int(asked.query.get("maxResults", 20)))
    more = {"nextPageToken": f"at-{start + size}"} if start + size < len(entries) else {}
    return in_json(
        {
            "kind": f"youtube#{kind}ListResponse",
            "etag": "e",
            **more,
            "pageInfo": {"totalResults": len(entries), "resultsPerPage": size},
            "items": entries[start : start + size],
        }
    )


@contextmanager
def youtube(comments: Sequence[Comment], page: int = 100) -> Iterator[Served]:
    """Serve threads, given from the newest on."""

    def answer(asked: Asked) -> Answer:
        if asked.headers.get("X-Goog-Api-Key") != KEY:
            return error(400, "badRequest", "API key not valid. Please pass a valid API key.")
        query = asked.query
        if asked.path == "/youtube/v3/channels" and "forHandle" in query:
            found = [{"kind": "youtube#channel", "id": CHANNEL}] * (query["forHandle"] == "@canal")
            return listed("channel", found, asked, page)
        if asked.path == "/youtube/v3/comments":
            for comment in comments:
                if comment.native == query["parentId"]:
                    replies = [reply.resource(comment.native) for reply in comment.replies]
                    return listed("comment", replies, asked, page)
            return error(404, "commentNotFound")
        if asked.path != "/youtube/v3/commentThreads":
            return Answer(b"Not Found", 404)
        if query.get("videoId") != VIDEO and query.get("allThreadsRelatedToChannelId") != CHANNEL:
            return error(404, "videoNotFound")
        assert query["order"] == "time"
        assert query["textFormat"] == "plainText"
        return listed("commentThread", [each.thread() for each in comments], asked, page)

    with served(answer) as platform:
        yield platform
