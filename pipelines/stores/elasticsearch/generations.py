"""Generations of the months' indices: re-indexing fills the next one beside the current."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from pipelines.errors import StoreVersion
from pipelines.stores import analysis
from pipelines.stores.elasticsearch.names import Address
from pipelines.stores.elasticsearch.requests import Seen, Write, bulk, get
from pipelines.stores.elasticsearch.server import Server

NAME = "generations"


class Generations(msgspec.Struct, frozen=True, kw_only=True):
    """Which generation is read, and which one is being filled."""

    current: int = 1
    building: int = 0
    """The next one, 0 for none."""
    analysis: int = 1
    """How the current one's words were analysed."""
    target: int = 0
    """How those of the next one are."""
    done: tuple[str, ...] = ()
    """Months that were copied to the next one whole."""

    @property
    def written(self) -> tuple[int, ...]:
        """What every document is written to."""
        return (self.current, self.building) if self.building else (self.current,)


def read(server: Server, names: Address) -> tuple[Generations, Seen | None]:
    """Return the generations as they are now."""
    seen = get(server, names.books, NAME)
    return state_of(seen), seen


def state_of(seen: Seen | None) -> Generations:
    """Return the generations from their document; where there is none there is but the first."""
    return msgspec.convert(seen.source["body"], Generations) if seen else Generations()


def save(server: Server, names: Address, state: Generations, seen: Seen | None) -> Seen | None:
    """Write the generations down; None if somebody else was quicker."""
    body = msgspec.json.encode({"kind": NAME, "body": state})
    write = Write(names.books, NAME, body, create=seen is None, seen=seen)
    result = bulk(server, [write])[0]
    return None if result.conflict else result.seen


def writable(names: Address, state: Generations) -> Generations:
    """Return generations that documents of this Marsad may be written to.

    Raises :class:`StoreVersion` if the next one is filled by another version of Marsad, whose
    documents are others.
    """
    if state.building and state.target != analysis.VERSION:
        raise StoreVersion(
            f"{names} is being re-indexed by another version of Marsad (analysis {state.target}; "
            f"this one has {analysis.VERSION}): upgrade this one, then repeat the command."
        )
    return state


def months(server: Server, names: Address) -> dict[int, dict[str, Any]]:
    """Return the months' indices that are there, by generation and month, with their aliases."""
    found = server.do(lambda es: es.indices.get_alias(index=f"{names.posts}-*"))
    pattern = re.compile(re.escape(names.posts) + r"-(?:g([0-9]+)-)?(.+)")
    result: dict[int, dict[str, Any]] = {}
    for index, state in found.items():
        match = pattern.fullmatch(index)
        if match:
            result.setdefault(int(match[1] or 1), {})[match[2]] = state["aliases"]
    return result
