"""snscrape's ``WeiboUserScraper`` on its way through the pages of one timeline."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from ingest.errors import SourceGone
from ingest.http.client import Client, refuse_walls
from ingest.mapping.objects import parse_object
from ingest.mapping.tool import Record, dig
from ingest.sources.snscrape.loader import scraper_module
from ingest.sources.snscrape.transport import Transport
from ingest.sources.weibo.page import Nothing, Odd, content_of, prepare

_HOME = "https://m.weibo.cn"
_NAMES = "/n/"


class Status(msgspec.Struct, frozen=True):
    """One post of a timeline, or what is known of one that can't be read."""

    number: int
    record: Record = {}
    """What snscrape made of it."""
    pinned: bool = False
    """It stands above newer ones."""
    odd: Odd | None = None


class Timeline:
    """The posts of an account from the newest on. ``user`` is its number, or its name."""

    def __init__(self, client: Client, base: str, user: int | str) -> None:
        self.pages = 0
        """Pages that were read."""
        self._odd: list[Odd] = []
        self._pinned: set[str] = set()
        # its own repetitions would wait without looking whether the run is to end
        self._scraper = scraper_module("weibo").WeiboUserScraper(user, retries=0)
        self._transport = Transport(client, _HOME, base, self._page, unfollowed=_NAMES)
        self._transport.carry(self._scraper)

    def __iter__(self) -> Iterator[Status]:
        """Yield posts. Raises :class:`~ingest.errors.SourceError`."""
        try:
            yield from self._statuses()
        except Nothing:
            if self.pages or self._posts():
                raise

    def _posts(self) -> int:
        """Return how many posts Weibo says that the account has."""
        with self._transport.errors():
            return int(self._scraper.entity.statusesCount)

    def _statuses(self) -> Iterator[Status]:
        with self._transport.errors():
            for post in self._scraper.get_items():
                number = int(post.id)
                pinned = post.id in self._pinned
                if not pinned:
                    yield from self._odd_above(number)
                yield Status(number, parse_object(post.json().encode()), pinned)
        yield from self._odd_above(-1)
        if not self.pages:
            raise SourceGone("there is no account of this name (any more)")

    def _odd_above(self, number: int) -> Iterator[Status]:
        while self._odd and self._odd[0].number > number:
            odd = self._odd.pop(0)
            yield Status(odd.number, odd=odd)

    def _page(self, url: str, body: bytes) -> bytes:
        if url.startswith(_HOME + _NAMES):
            refuse_walls(body)
            return body
        if "containerid=" not in url:  # about the account
            if not isinstance(dig(content_of(body), "data", "userInfo"), dict):
                raise SourceGone("there is no account of this number (any more)", body=body)
            return body
        page = prepare(body, self._read)
        self.pages += 1
        self._odd.extend(page.odd)
        self._pinned.update(page.pinned)
        return page.body

    def _read(self, post: dict[str, object]) -> None:
        read = self._scraper._mblog_to_item(post)
        int(read.id)
        read.json()
