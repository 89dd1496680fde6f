"""Followers of a Bluesky account, from the public AppView.

Schema: the lexicon ``app.bsky.actor.getProfile`` with ``app.bsky.actor.defs#profileViewDetailed``,
https://docs.bsky.app/docs/api/app-bsky-actor-get-profile, as of 2025-10. No key is needed.
Not verified live.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from urllib.parse import SplitResult

from ingest.errors import SourceBlocked, SourceChanged, SourceGone
from ingest.sources.counters.base import Answer, Figure, Reader, Request, decoded, whole

_ACTOR = re.compile(r"did:[a-z]+:[A-Za-z0-9._:%-]+|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_PATH = re.compile(r"/profile/([^/]+)/?")


class Bluesky(Reader):
    """Accounts by handle or DID."""

    platform = "bluesky"
    form = "bluesky:handle"
    schema = date(2025, 10, 1)
    documented = "https://docs.bsky.app/docs/api/app-bsky-actor-get-profile"
    probe = "bsky.app"
    accounts = _ACTOR
    host = "https://public.api.bsky.app"

    def recognise(self, address: SplitResult) -> str:
        """``https://bsky.app/profile/handle``."""
        match = _PATH.fullmatch(address.path) if address.hostname == "bsky.app" else None
        return match[1] if match and self.valid(match[1]) else ""

    def request(self, account: str, key: str) -> Request:
        """Ask for the detailed profile."""
        return Request("/xrpc/app.bsky.actor.getProfile", {"actor": account})

    def parse(self, answer: Answer) -> Sequence[Figure]:
        """Return the followers, counted one by one."""
        content = decoded(answer)
        if answer.status == 400:
            error, words = str(content.get("error", "")), str(content.get("message", ""))
            if error in {"AccountTakedown", "AccountDeactivated"} or "not found" in words.lower():
                raise SourceGone(f"there is no such account (any more): {words or error}")
            raise SourceChanged(f"it finds the question wrong: {words or error}")
        if answer.status in {401, 403}:
            raise SourceBlocked(f"it answers {answer.status}")
        return [Figure("followers", whole(content, "followersCount"))]
