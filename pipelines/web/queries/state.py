"""The state of a store: what ``marsad status`` and ``marsad dead list`` show."""

from __future__ import annotations

import msgspec

from ingest.records import Gap, unfilled
from pipelines.commands.status import joined
from pipelines.dead_letters.queue import Entry
from pipelines.live.state import SourceStatus, source_status
from pipelines.records import Position, Status
from pipelines.stores.protocols import Store
from pipelines.web.queries.posts import Study, study

#: Positions of workers on topics, which are no inputs.
_TOPICS = "kafka:"
#: Dead letters that the page lists.
NEWEST = 50


class State(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a store with its sources and dead letters."""

    status: Status
    study: Study
    sources: list[SourceStatus]
    inputs: list[Position]
    gaps: list[Gap]
    dead: list[Entry]


def state(store: Store, *, dead: bool) -> State:
    """Return the state; ``dead`` with the newest dead letters (never their text)."""
    status = store.status()
    entries: list[Entry] = []
    if dead:
        with store.dead_letters() as letters:
            entries = letters.entries(limit=NEWEST)
    files = [one for one in status.inputs if not one.key.startswith(_TOPICS)]
    return State(
        status=status,
        study=study(store),
        sources=[found for one in files if (found := source_status(one))],
        inputs=[one for one in files if source_status(one) is None],
        gaps=joined(unfilled(status.gaps)),
        dead=entries,
    )
