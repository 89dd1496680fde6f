"""Counts of facets, kept for as long as the store is as it was.

Counting every match takes a store of a million posts some hundred milliseconds, and people ask the
same of one search again and again: its next page, another order, the file for Excel.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable

from cachetools import LRUCache

from pipelines.query import Node
from pipelines.records import Facets
from pipelines.stores.protocols import Store

#: Searches whose counts are kept; with days of a year and some dozen values each takes 50 kB.
KEPT = 200


class FacetCounts:
    """Counts by query, for one state of the store. Safe to use from any thread.

    ``state`` returns what is equal as long as answers are (:meth:`.readers.StoreReaders.state`).
    """

    def __init__(self, state: Callable[[], Hashable]) -> None:
        self._state = state
        self._lock = threading.Lock()
        self._known: LRUCache[Hashable, Facets] = LRUCache(KEPT)

    def __call__(self, store: Store, node: Node) -> Facets:
        """Return the counts of a query. Raises :class:`~pipelines.errors.StoreError`."""
        state = self._state()
        if state is None or "author:" in str(node):  # nothing is kept of who was looked for
            return store.facets(node)
        key = (state, node)
        with self._lock:
            known = self._known.get(key)
        if known is None:
            # counted before a change that came meanwhile, it is found under no later state
            known = store.facets(node)
            with self._lock:
                self._known[key] = known
        return known
