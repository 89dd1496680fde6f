"""Which explanation of the page a failure has: by its class, as :mod:`pipelines.errors` lists them.

The message of an error is English; the page says in the reader's language what happened and what
to do (``templates/_failure.html``), and shows the message below it for those who look after the
store.
"""

from __future__ import annotations

from typing import Literal

from pipelines.commands._shared.context import on_server

Kind = Literal[
    "error",
    "busy",
    "full",
    "missing",
    "model",
    "not-found",
    "query",
    "server",
    "slow",
    "source",
    "store",
    "unforeseen",
    "version",
]

_KINDS: dict[str, Kind] = {
    "StoreMissing": "missing",
    "StoreBusy": "busy",
    "StoreFull": "full",
    "StoreSlow": "slow",
    "StoreVersion": "version",
    "QueryError": "query",
    "ModelError": "model",
    "SourceError": "source",
    "MappingError": "source",
    "InternalError": "unforeseen",
}


def kind_of(name: str, store: str) -> Kind:
    """Return the explanation for an error's class, where ``store`` is asked."""
    if name == "StoreError":
        return "server" if on_server(store) else "store"
    return _KINDS.get(name, "error")
