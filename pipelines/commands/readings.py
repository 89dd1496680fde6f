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
from ingest.watchlist import available, companion
from ingest.watchlist import load as load_watchlist
from pipelines.commands.common import configured, open_store, say
from pipelines.settings import zone
from pipelines.stages import utc_now
from pipelines.stores.base import Batch, Position, Store

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
                details=msgspec.json.encode(details).decode(),
            ),
            previous_cursor=position.cursor if position else "",
            notices=found.counters,
        )
    )
    return sum((c.source, c.page, c.metric, c.at) not in known for c in found.counters)


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
        return counters, gaps, zone(status.timezone or configured().timezone)
    local = zone(configured().timezone)
    shipped = companion(name, _COUNTERS) if name in available() else None
    if shipped is not None:
        case = load_watchlist(name)
        local = zone(case.timezone) if case else local
        found = parse_readings(shipped, f"{name}/{_COUNTERS}", zone=local, now=utc_now())
    else:
        try:
            file, raw = content(name)
        except SourceError as error:
            raise SourceError(f"{error} Readings come with: {', '.join(_cases())}.") from error
        found = parse_readings(raw, file, zone=local, now=utc_now())
    tell_bad(name, found)
    return found.counters, (), local


def _cases() -> list[str]:
    """Return the cases that come with published readings."""
    return [name for name in available() if companion(name, _COUNTERS) is not None]


def tell_bad(name: str, found: Readings) -> None:
    """Tell the rows that could not be used."""
    for row in found.bad[:TOLD]:
        say(f"{name}, line {row.line}: left out, {row.reason}.")
    if len(found.bad) > TOLD:
        say(f"{name}: {len(found.bad) - TOLD:,} more rows were left out.")
