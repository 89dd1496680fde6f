"""Where ``marsad pages`` has its readings from: a store, a case, or a file."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from ingest.errors import SourceError
from ingest.records import PAGES, Counter, Gap
from ingest.sources.counters.table import Readings, parse_readings
from ingest.watchlist.loader import available, companion
from pipelines.commands._shared.context import chosen_watchlist, configured, on_server, open_store
from pipelines.commands._shared.output import notify
from pipelines.records import Batch, Position
from pipelines.settings import zone
from pipelines.stages import utc_now
from pipelines.stores.protocols import Store

#: Bad rows and gaps told one by one; of more, how many.
TOLD = 20
_COUNTERS = "counters.csv"


def content(file: str) -> tuple[str, bytes]:
    """Return the name and the bytes of a file, `-` for standard input. Raises ``SourceError``."""
    if file == "-":
        return "standard input", sys.stdin.buffer.read()
    try:
        return Path(file).name, Path(file).read_bytes()
    except OSError as error:
        raise SourceError(f"{file} can't be read: {error.strerror}.") from error


def keep(store: Store, name: str, raw: bytes, found: Readings, local: ZoneInfo, source: str) -> int:
    """Store readings; return how many were not there before."""
    digest = hashlib.blake2b(raw, digest_size=16).hexdigest()
    key = f"readings:{digest}:{local.key}:{source}"
    known = {(c.source, c.page, c.metric, c.at) for c in store.counters()}
    position = store.position(key)
    details = {"timezone": local.key, "readings": len(found.counters), "bad": len(found.bad)}
    store.accept(
        Batch(
            position=Position(
                key=key,
                name=name,
                cursor="read",
                done=True,
                metadata=msgspec.json.encode(details).decode(),
            ),
            previous_cursor=position.cursor if position else "",
            notices=found.counters,
        )
    )
    return sum((c.source, c.page, c.metric, c.at) not in known for c in found.counters)


def local_zone(timezone: str | None = None, stored: str = "", case: str | None = None) -> ZoneInfo:
    """Return the zone of times that name none, and of the days in reports.

    That of the option, else the configured one, the store's (``stored``, where it is known), that
    of the watchlist ``case`` (the configured one), the default. Raises
    :class:`~pipelines.errors.SettingsError`.
    """
    name = timezone or configured().timezone or stored
    if not name and (watchlist := chosen_watchlist(case)):
        name = watchlist.timezone
    return zone(name)


def stored_zone(path: str | None) -> str:
    """Return the zone of the store that is named, or lies there; empty without one."""
    if not path and (on_server(None) or not Path(configured().store).exists()):
        return ""
    opened = open_store(path)
    try:
        return opened.status().timezone
    finally:
        opened.close()


def readings(
    name: str | None, store: str | None
) -> tuple[Sequence[Counter], Sequence[Gap], ZoneInfo]:
    """Return readings, gaps of their sources, and the zone that days are counted in."""
    if name is None:
        opened = open_store(store)
        try:
            status = opened.status()
            counters = opened.counters()
        finally:
            opened.close()
        gaps = [gap for gap in status.gaps if gap.source.startswith(PAGES)]
        return counters, gaps, local_zone(stored=status.timezone)
    shipped = companion(name, _COUNTERS) if name in available() else None
    if shipped is not None:
        local = local_zone(case=name)
        found = parse_readings(shipped, f"{name}/{_COUNTERS}", zone=local, now=utc_now())
    else:
        try:
            file, raw = content(name)
        except SourceError as error:
            raise SourceError(f"{error} Readings come with: {', '.join(_cases())}.") from error
        local = local_zone(stored=stored_zone(store))
        found = parse_readings(raw, file, zone=local, now=utc_now())
    tell_bad(name, found)
    return found.counters, (), local


def _cases() -> list[str]:
    """Return the cases that come with published readings."""
    return [name for name in available() if companion(name, _COUNTERS) is not None]


def tell_bad(name: str, found: Readings) -> None:
    """Tell the rows that could not be used."""
    for row in found.bad[:TOLD]:
        notify(f"{name}, line {row.line}: left out, {row.reason}.")
    if len(found.bad) > TOLD:
        notify(f"{name}: {len(found.bad) - TOLD:,} more rows were left out.")
