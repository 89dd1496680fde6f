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

_NAME = "generations"


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
    seen = get(server, names.books, _NAME)
    if seen is None:
        return Generations(), None
    return msgspec.convert(seen.source["body"], Generations), seen


def save(server: Server, names: Address, state: Generations, seen: Seen | None) -> Seen | None:
    """Write the generations down; None if somebody else was quicker."""
    body = msgspec.json.encode({"kind": _NAME, "body": state})
    write = Write(names.books, _NAME, body, create=seen is None, seen=seen)
    result = bulk(server, [write])[0]
    return None if result.conflict else result.seen


def writable(server: Server, names: Address) -> Generations:
    """Return the generations for writing to them.

    Raises :class:`StoreVersion` if the next one is filled by another version of Marsad, whose
    documents are others.
    """
    state, _ = read(server, names)
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
