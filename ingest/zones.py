"""Time zones from the newest zone data of this machine.

Python reads the system's zone files first and the ``tzdata`` package only where there are none
(:mod:`zoneinfo`), so that an old system shifts days although a newer package is installed: Morocco
is at UTC since 20 September 2026 (IANA 2026c). This module compares the two editions and reads the
newer one. Whoever needs a zone takes it from here.
"""

from __future__ import annotations

import hashlib
import re
import zoneinfo
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import tzdata

_EDITION = re.compile(r"(\d{4})([a-z]{1,2})")
_VERSION_LINE = re.compile(r"#\s*version\s+(\S+)")
#: What the names of zones begin with that are of a place; others are older names of theirs.
_REGIONS = frozenset(
    (
        *("Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia"),
        *("Europe", "Indian", "Pacific"),
    )
)
#: Hours of UTC that are compared, for each day of these years: who changes rules changes them.
_FIRST, _LAST = datetime(2004, 1, 1, tzinfo=UTC), datetime(2037, 12, 31, tzinfo=UTC)


@cache
def edition() -> str:
    """Return the edition of the zone data in use, such as ``2026c``; it is chosen once."""
    system, package = system_edition(zoneinfo.TZPATH), str(tzdata.IANA_VERSION)
    if newer(package, system):
        zoneinfo.reset_tzpath(())
        ZoneInfo.clear_cache()
        return package
    return system


def system_edition(folders: tuple[str, ...]) -> str:
    """Return the edition of the first folder with zone files, empty where it names none."""
    for folder in map(Path, folders):
        if not (folder / "UTC").exists():
            continue
        for name, pattern in (("tzdata.zi", _VERSION_LINE), ("+VERSION", _EDITION)):
            try:
                with (folder / name).open(encoding="ascii", errors="replace") as file:
                    found = pattern.match(file.readline())
            except OSError:
                continue
            if found:
                return found[1] if name == "tzdata.zi" else found[0]
        return ""
    return ""


def newer(one: str, other: str) -> bool:
    """Say whether one edition is newer than another; an unknown one is the oldest."""
    return _order(one) > _order(other)


def _order(name: str) -> tuple[int, int, str]:
    found = _EDITION.match(name)
    return (int(found[1]), len(found[2]), found[2]) if found else (0, 0, "")


def zone(name: str) -> ZoneInfo:
    """Return a time zone by its IANA name, from the newest data.

    Raises ``ValueError`` for a name that the data do not have.
    """
    edition()
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"no time zone is called {name!r}") from error


@cache
@cache
def names() -> tuple[str, ...]:
    """Return the names of zones for people to choose from: UTC, then those of places."""
    edition()
    found = zoneinfo.available_timezones()
    return ("UTC", *sorted(name for name in found if name.partition("/")[0] in _REGIONS))


def rules(name: str) -> str:
    """Return a short hash of a zone's offsets on all days of 2004 to 2037.

    Two editions with the same hash count the same days in this zone. Raises ``ValueError``.
    """
    local = zone(name)
    hasher = hashlib.blake2b(digest_size=6)
    moment = _FIRST
    while moment <= _LAST:
        offset = moment.astimezone(local).utcoffset() or timedelta()
        hasher.update(int(offset.total_seconds()).to_bytes(4, "big", signed=True))
        moment += timedelta(hours=12)
    return hasher.hexdigest()
