"""Subscribers of a Telegram channel, from its public page ``t.me/channel``.

Telegram publishes no schema of this page. Its form as public scrapers know it, stated in
``snscrape/modules/telegram.py`` of https://github.com/JustAnotherArchivist/snscrape (0.7.0,
2023-06) for ``t.me/s/channel`` and seen in many for ``t.me/channel``:
``<div class="tgme_page_extra">12 345 subscribers</div>``, or
``<span class="counter_value">1.23M</span> <span class="counter_type">subscribers</span>``.
Not verified live.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from urllib.parse import SplitResult

from ingest.errors import SourceChanged, SourceGone
from ingest.mapping.html import Lenient
from ingest.sources.counters.base import Answer, Figure, Reader, Request, refuse_walls
from ingest.sources.counters.numbers import parse_count

_CHANNEL = re.compile(r"[A-Za-z][A-Za-z0-9_]{3,31}")
_HOSTS = {"t.me", "telegram.me", "telegram.dog"}
_EXTRA = re.compile(r"([\d.,KMkm\s\u00a0]+?)\s+(subscribers?|members?)(?:,.*)?", re.DOTALL)
_METRICS = {"s": "subscribers", "m": "members"}
_CLASSES = ("tgme_page_extra", "counter_value", "counter_type")
_VOID = {"img", "br", "meta", "link", "input", "hr", "source", "wbr"}


class Telegram(Reader):
    """Public channels and groups."""

    platform = "telegram"
    form = "telegram:channel"
    page = True
    schema = date(2023, 6, 1)
    documented = "https://github.com/JustAnotherArchivist/snscrape"
    probe = "telegram"
    accounts = _CHANNEL
    host = "https://t.me"

    def recognise(self, address: SplitResult) -> str:
        """``https://t.me/channel`` or ``https://t.me/s/channel``."""
        account = address.path.removeprefix("/s/").strip("/")
        return account if address.hostname in _HOSTS and self.valid(account) else ""

    def request(self, account: str, key: str) -> Request:
        """Ask for the page that every visitor sees."""
        return Request(f"/{account}")

    def parse(self, answer: Answer) -> Sequence[Figure]:
        """Return the subscribers (of a group: the members), as abbreviated as the page has them."""
        if answer.status in {404, 410}:
            raise SourceGone("there is no such page (any more)")
        page = _Page()
        page.feed(answer.body.decode("utf-8", "replace"))
        for words in page.texts("tgme_page_extra"):
            if match := _EXTRA.fullmatch(words):
                return [_figure(match[1], match[2])]
        pairs = zip(page.texts("counter_value"), page.texts("counter_type"), strict=False)
        for value, kind in pairs:
            if kind in {"subscribers", "subscriber", "members", "member"}:
                return [_figure(value, kind)]
        refuse_walls(answer.body)
        if b"tgme_page" not in answer.body:
            raise SourceChanged("its page has another form than the known one")
        # an unknown name is answered with an invitation to write to it
        raise SourceGone("there is no public channel or group of this name (any more)")


def _figure(value: str, kind: str) -> Figure:
    try:
        count = parse_count(value)
    except ValueError:
        raise SourceChanged(f"its page counts {kind} in an unknown form") from None
    return Figure(_METRICS[kind[0]], count.value, count.granularity)


class _Page(Lenient):
    """Collects the texts of the elements that hold counts."""

    def __init__(self) -> None:
        super().__init__()
        self._open: list[str] = []
        self._found: list[tuple[str, list[str]]] = []

    def texts(self, kind: str) -> list[str]:
        """Return the texts of the elements of one class, spaces made single."""
        return [" ".join("".join(parts).split()) for name, parts in self._found if name == kind]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _VOID:
            return
        classes = (dict(attrs).get("class") or "").split()
        kind = next((name for name in _CLASSES if name in classes), "")
        if kind:
            self._found.append((kind, []))
        # an element inside of one that counts belongs to it
        self._open.append(kind or (self._open[-1] if self._open else ""))

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID and self._open:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1]:
            self._found[-1][1].append(data)
