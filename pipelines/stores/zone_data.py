"""Which edition of the zone data a store's days were counted with.

Governments change their clocks, so another edition may count a post on another day or hour. A
store records the edition and a hash of the rules that it had for the store's zone; editions with
the same rules count alike.
"""

from __future__ import annotations

import msgspec

from ingest import zones
from pipelines.errors import StoreVersion


class ZoneData(msgspec.Struct, frozen=True):
    """An edition of the zone data, as it was for one zone; empty where none was recorded."""

    zone: str = ""
    edition: str = ""
    """As IANA names it: ``2026c``."""
    rules: str = ""
    """Hash of the zone's offsets, of :func:`ingest.zones.rules`."""

    def __str__(self) -> str:
        return f"{self.zone} {self.edition} {self.rules}"


def current(zone: str) -> ZoneData:
    """Return what this machine has for a zone."""
    return ZoneData(zone, zones.edition(), zones.rules(zone))


def parse(text: str) -> ZoneData:
    """Return what was recorded as ``str`` of one."""
    return ZoneData(*text.split())


def differs(stored: ZoneData) -> bool:
    """Say whether days were counted by other rules than this machine's.

    Where the editions are the same nothing is computed.
    """
    return stored.edition not in {"", zones.edition()} and stored.rules != zones.rules(stored.zone)


def require(store: str, stored: ZoneData) -> None:
    """Raise :class:`StoreVersion` where this machine's zone data are older and count otherwise."""
    if differs(stored) and zones.newer(stored.edition, zones.edition()):
        raise StoreVersion(
            f"The days of {store} were counted with newer zone data ({stored.edition}) than this "
            f"machine has ({zones.edition()}), which know other rules for {stored.zone}: new posts "
            "would lie on other days. Update the zone data here: pip install --upgrade tzdata."
        )


def notice(store: str, stored: ZoneData) -> str:
    """Return what to tell a user of a store whose days this machine would count otherwise."""
    if not differs(stored):
        return ""
    if zones.newer(stored.edition, zones.edition()):
        remedy = "update the zone data of this machine (pip install --upgrade tzdata)"
    else:
        remedy = "run marsad reindex, which counts the days anew"
    return (
        f"The days of {store} were counted with the zone data {stored.edition}; those of this "
        f"machine ({zones.edition()}) know other rules for {stored.zone}, so that posts may lie on "
        f"another day or hour than shown: {remedy}."
    )
