"""Subscribers of a YouTube channel, from the Data API.

Schema: ``channels.list`` with ``part=statistics``,
https://developers.google.com/youtube/v3/docs/channels (revision of 2024-01: ``forHandle``). The
public count is cut to three significant digits (revision of 2019-09), so 1,234,567 subscribers
are 1,230,000 and move in steps of 10,000. Needs an API key; a reading costs one unit of the
10,000 a day. Not verified live.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from urllib.parse import SplitResult, unquote

from ingest.errors import SourceBlocked, SourceChanged, SourceGone
from ingest.sources.counters.base import Answer, Figure, Reader, Request, decoded, whole
from ingest.sources.counters.numbers import significant

#: A channel's id, or its handle.
_ACCOUNT = re.compile(r"UC[A-Za-z0-9_-]{22}|@[\w.·-]{3,30}")
_DIGITS = 3
_HOSTS = {"www.youtube.com", "youtube.com", "m.youtube.com"}


class YouTube(Reader):
    """Channels by id or handle."""

    platform = "youtube"
    form = "youtube:@handle or youtube:UC…"
    needs = "MARSAD_YOUTUBE_KEY"
    schema = date(2024, 1, 1)
    documented = "https://developers.google.com/youtube/v3/docs/channels"
    probe = "@YouTube"
    accounts = _ACCOUNT
    host = "https://www.googleapis.com"

    def recognise(self, address: SplitResult) -> str:
        """``https://www.youtube.com/@handle`` or ``…/channel/UC…``."""
        if address.hostname not in _HOSTS:
            return ""
        account = unquote(address.path).removeprefix("/channel").strip("/").partition("/")[0]
        return account if self.valid(account) else ""

    def request(self, account: str, key: str) -> Request:
        """Ask for the statistics; the key goes into a header, which no log of addresses keeps."""
        by = "forHandle" if account.startswith("@") else "id"
        return Request(
            "/youtube/v3/channels", {"part": "statistics", by: account}, {"X-Goog-Api-Key": key}
        )

    def parse(self, answer: Answer) -> Sequence[Figure]:
        """Return the subscribers, cut to three digits by YouTube."""
        content = decoded(answer)
        if answer.status != 200:
            error = content.get("error")
            words = error.get("message", "") if isinstance(error, dict) else ""
            if answer.status in {400, 401, 403, 429}:
                raise SourceBlocked(f"it answers {answer.status}: {words}"[:300])
            if answer.status == 404:
                raise SourceGone("there is no such channel")
            raise SourceChanged(f"it answers {answer.status}: {words}"[:300])
        items = content.get("items", [])
        if items == []:
            raise SourceGone("there is no such channel (any more)")
        try:
            statistics = items[0]["statistics"]
            hidden = statistics.get("hiddenSubscriberCount")
        except (LookupError, TypeError, AttributeError):
            raise SourceChanged("its answer has no statistics") from None
        if hidden:
            raise SourceBlocked("the channel hides its subscribers")
        value = whole(statistics, "subscriberCount")
        return [Figure("subscribers", value, significant(value, _DIGITS))]
