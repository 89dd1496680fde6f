"""snscrape's ``TelegramChannelScraper`` on its way through the pages of one channel."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

import bs4
import msgspec

from ingest.errors import SourceChanged
from ingest.http.client import Client
from ingest.mapping.objects import parse_object
from ingest.mapping.tool import Record
from ingest.sources.snscrape.loader import scraper_module
from ingest.sources.snscrape.transport import Transport
from ingest.sources.telegram.page import Beside, Odd, prepare, refused

_HOME = "https://t.me"
_URL = re.compile(r"https://t\.me/s/(\w+/(\d+))")


class Message(msgspec.Struct, frozen=True):
    """One message of a channel, or what is known of one that can't be read."""

    number: int
    record: Record = {}
    """What snscrape made of it, with what the page says beside that under ``beside``."""
    date: datetime | None = None
    odd: Odd | None = None


class Preview:
    """The messages of a channel from the newest on.

    ``page`` is the channel's name, with ``?before=N`` to begin below message N.
    """

    def __init__(self, client: Client, base: str, page: str) -> None:
        self.pages = 0
        """Pages that were read."""
        self.shown = 0
        """Messages that stood on them."""
        self._first_empty_allowed = "?" in page
        self._beside: dict[str, Beside] = {}
        self._odd: list[Odd] = []
        self._scraper = scraper_module("telegram").TelegramChannelScraper(page)
        self._transport = Transport(client, _HOME, base, self._page)
        self._transport.carry(self._scraper)

    def __iter__(self) -> Iterator[Message]:
        """Yield messages. Raises :class:`~ingest.errors.SourceError`."""
        with self._transport.errors():
            for post in self._scraper.get_items():
                found = _URL.fullmatch(post.url)
                assert found  # or it would have been taken off the page
                number = int(found[2])
                yield from self._odd_above(number)
                record = parse_object(post.json().encode())
                if beside := self._beside.pop(found[1], None):
                    record["beside"] = msgspec.to_builtins(beside)
                yield Message(number, record, post.date)
        yield from self._odd_above(-1)

    def _odd_above(self, number: int) -> Iterator[Message]:
        while self._odd and self._odd[0].number > number:
            odd = self._odd.pop(0)
            yield Message(odd.number, odd=odd)

    def _page(self, url: str, body: bytes) -> bytes:
        if error := refused(url, body):
            raise error
        page = prepare(body, self._read)
        if not page.messages and (self.pages or not self._first_empty_allowed):
            raise SourceChanged("its page has no messages of the known form", body=body)
        self.pages += 1
        self.shown += page.messages
        self._beside.update(page.beside)
        self._odd.extend(page.odd)
        return page.body

    def _read(self, message: bs4.Tag) -> None:
        soup = bs4.BeautifulSoup(str(message), "lxml")
        (post,) = self._scraper._soup_to_items(soup, _HOME)
        found = _URL.fullmatch(post.url)
        if not found or found[1] != message["data-post"]:
            raise ValueError(f"its link is {post.url[:100]}")
