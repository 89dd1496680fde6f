"""From what somebody wants to feeds: which sources, from where, since when."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import msgspec

from ingest.errors import SourceError
from ingest.http.client import Client
from ingest.sources.base import Means, Order
from ingest.sources.registry import Entry, find, make, secrets
from ingest.stop import Stopped
from pipelines.live.reader import Subscription
from pipelines.stages import utc_now
from pipelines.stop import Stop

_DURATION = re.compile(r"(\d+)\s*([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_STREAMS = {"ws", "wss"}


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Some targets of one source, and how to read them."""

    source: str
    label: str = ""
    """What metrics call it; the source's name if empty."""
    targets: Sequence[str] = ()
    url: str = ""
    """Base address; the configured one or the platform's own if empty."""
    since: datetime | None = None
    until: datetime | None = None
    every: timedelta | None = None
    limit: int | None = None
    persistent: bool = False
    timezone: str = ""
    """Zone of dates that name none, for sources whose dates may."""


def means(stop: Stop, say: Callable[[str], None] = lambda message: None) -> Means:
    """Return what sources work with in a run that ends when ``stop`` is set.

    Its client is to be closed at the end.
    """

    def sleep(seconds: float) -> None:
        if stop.wait(seconds):
            raise Stopped

    client = Client(sleep=sleep, say=say)
    return Means(client=client, now=utc_now, sleep=sleep, stopped=stop.is_set, say=say)


def subscriptions(
    wanted: Sequence[Wanted],
    given: Means,
    *,
    environ: Mapping[str, str],
    urls: Mapping[str, str],
) -> list[Subscription]:
    """Return a feed for each target.

    ``environ`` holds keys and tokens, ``urls`` the configured addresses by source. Raises
    :class:`~ingest.errors.SourceError` for a source, target or address that can't be, and for a
    key that is missing.
    """
    made: dict[str, Subscription] = {}
    for one in wanted:
        entry = check(one)
        keys = secrets(entry, environ)
        for target in targets(entry, one.targets):
            order = Order(
                url=address(entry, one.url, urls),
                target=target,
                since=one.since,
                until=one.until,
                secrets=keys,
                timezone=one.timezone,
            )
            source = make(entry, order, given)
            if source.key in made:
                raise SourceError(f"{source.name} is named twice: name it once")
            made[source.key] = Subscription(
                source=source,
                label=one.label or entry.name,
                live=source.capabilities.live and one.until is None,
                every=one.every,
                limit=one.limit,
                persistent=one.persistent,
                since=one.since,
                until=one.until,
            )
    return list(made.values())


def check(one: Wanted) -> Entry:
    """Return the source that is wanted. Raises :class:`~ingest.errors.SourceError`."""
    entry = find(one.source)
    if one.every and one.every.total_seconds() < entry.slowest:
        raise SourceError(
            f"{entry.name} is not to be read every {one.every.total_seconds():.0f} s, so as to "
            f"burden nobody; write {entry.slowest}s or more"
        )
    return entry


def targets(entry: Entry, named: Sequence[str]) -> Sequence[str]:
    """Return the targets to read. Raises :class:`~ingest.errors.SourceError`."""
    if entry.targets == "none" and named:
        raise SourceError(f"{entry.name} takes no targets, but {named[0]!r} was named")
    if entry.targets == "required" and not named:
        raise SourceError(f"{entry.name} needs what to read: {entry.target}")
    return list(dict.fromkeys(named)) or [""]


def address(entry: Entry, url: str, urls: Mapping[str, str]) -> str:
    """Return the base address of a source. Raises :class:`~ingest.errors.SourceError`.

    A configured address that is no stream's is that of counters where a stream is needed.
    """
    configured = urls.get(entry.name, "")
    if _streams(configured) != _streams(entry.url):
        configured = ""
    chosen = (url or configured or entry.url).rstrip("/")
    parts = urlsplit(chosen)
    if chosen and (not parts.netloc or parts.scheme not in {"http", "https", *_STREAMS}):
        raise SourceError(f"{chosen!r} is no address: write it whole, as in {entry.url}")
    return chosen


def duration(text: str) -> timedelta:
    """Return a time such as ``90s``, ``10m``, ``2h`` or ``1d``. Raises ``ValueError``.

    A bare number is none: who means minutes would ask a platform each so many seconds.
    """
    if text.strip().isdecimal():
        number = text.strip()
        raise ValueError(
            f"{number!r} has no unit: write {number}s, {number}m, {number}h or {number}d"
        )
    match = _DURATION.fullmatch(text.strip())
    seconds = int(match[1]) * _SECONDS[match[2]] if match else 0
    if not 1 <= seconds <= 366 * 86_400:
        raise ValueError(f"{text!r} is no time such as 90s, 10m, 2h or 1d")
    return timedelta(seconds=seconds)


def _streams(url: str) -> bool:
    return urlsplit(url).scheme in _STREAMS
