"""What other writers of the same store may have changed: tombstones, and generations of months.

Who decides about posts or writes documents goes by what was there when it looked last, however
long ago, and looks again after it has written: if something is another, it does again what that
concerns. So looking before is spared, and both are read in one request.
"""

from __future__ import annotations

import logging
from typing import NamedTuple

from pipelines.errors import StoreError
from pipelines.stores.elasticsearch import books, generations, setup
from pipelines.stores.elasticsearch.generations import Generations
from pipelines.stores.elasticsearch.names import Address
from pipelines.stores.elasticsearch.requests import get_all
from pipelines.stores.elasticsearch.server import Server

log = logging.getLogger(__name__)


class Moment(NamedTuple):
    """What there was when somebody looked."""

    deletions: int
    """Another number whenever tombstones were written meanwhile."""
    generations: Generations
    """Those that documents are written to."""


class Watch:
    """One writer's memory of when it looked last."""

    def __init__(self, server: Server, names: Address) -> None:
        """Remember nothing yet."""
        self._server = server
        self._names = names
        self._last: Moment | None = None

    def last(self) -> Moment:
        """Return what there was at the last look."""
        return self._last or self.look()

    def look(self) -> Moment:
        """Return what there is now; where months of another generation are read since, see to it.

        Raises :class:`~pipelines.errors.StoreVersion` if another version of Marsad re-indexes.
        """
        wanted = {self._names.books: (books.DELETIONS, generations.NAME)}
        found = get_all(self._server, wanted)[self._names.books]
        stones, state = found.get(books.DELETIONS), found.get(generations.NAME)
        now = Moment(
            books.deletions_of(stones),
            generations.writable(self._names, generations.state_of(state)),
        )
        before, self._last = self._last, now
        if before is not None and before.generations.current != now.generations.current:
            self._follow()
        return now

    def _follow(self) -> None:
        # Who re-indexed may have been killed in between: then those who search would go on
        # finding what is written, and deleted, in the other generation alone.
        try:
            setup.follow(self._server, self._names)
        except StoreError as error:
            log.warning("The alias %s was not brought to its months: %s", self._names.posts, error)
