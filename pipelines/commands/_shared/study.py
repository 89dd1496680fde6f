"""A store records the study that its posts are matched for, so that it can be read without it."""

from __future__ import annotations

from ingest.watchlist.loader import Watchlist, parse, texts
from pipelines.commands._shared.context import configured
from pipelines.records import Study
from pipelines.stores.protocols import Store


def record_study(store: Store, name: str | None, case: Watchlist | None) -> None:
    """Record the watchlist ``case``, which the option ``name`` or the settings name.

    Nothing is written where the store has it already, and without a watchlist.
    """
    if case is None:
        return
    toml, events = texts(name or configured().watchlist)
    study = Study(fingerprint=case.fingerprint, watchlist=toml, events=events)
    if store.study() != study:
        store.put_study(study)


def recorded_watchlist(store: Store) -> Watchlist | None:
    """Return the watchlist that a store recorded, ``None`` without one."""
    study = store.study()
    return parse(study.watchlist, "the watchlist that the store recorded") if study else None
