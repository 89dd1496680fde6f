"""The protocols that every source fulfils, and what a live source is given to work with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import msgspec

from ingest.records import Item

if TYPE_CHECKING:
    from ingest.http.client import Client


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What a source can give."""

    live: bool = False
    """Posts as they are published, without end. A source without it ends when it has read what
    there is, and can be read again later."""
    history: bool = False
    """What was published before it was asked, and so what an interruption missed."""
    deletions: bool = False
    counters: bool = False


class Source(Protocol):
    """Something that yields records, from a saved place on.

    ``name`` says to its user what is read, and stands in gaps and saved places; ``Post.source``
    is the same without what may name an account. ``key`` identifies the input and how it is read,
    so that the same input is recognised and a changed mapping reads it anew.
    """

    name: str
    capabilities: Capabilities

    @property
    def key(self) -> str:
        """Identity of the input and of how it is read."""

    def open(self, cursor: str) -> Iterator[Item]:
        """Yield the records that come after ``cursor`` (all of them for the empty cursor).

        Bad input is yielded as :class:`~ingest.records.Reject` and never ends the iteration.
        Raises :class:`~ingest.errors.SourceError` when the source can't be read (any further).
        """


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wants of a live source: one target, from one address."""

    url: str
    """Base address without a slash at its end: the platform's own, or another."""
    target: str = ""
    """One channel, tag, video, feed…; empty where the source takes none."""
    since: datetime | None = None
    """Inclusive. A saved cursor that is later counts more."""
    until: datetime | None = None
    """Exclusive. A live source ends there."""
    secrets: Mapping[str, str] = {}
    """Keys and tokens by the name of their environment variable, those that are set."""
    timezone: str = ""
    """Zone of dates that name none; empty: UTC is assumed, and the posts say so."""


class Means(msgspec.Struct, frozen=True, kw_only=True):
    """What a live source has to work with. May be used by several threads."""

    client: Client
    """Asks over HTTP, politely; raises :class:`~ingest.stop.Stopped` when the run is to end."""
    now: Callable[[], datetime]
    """The time in UTC, in whole milliseconds."""
    sleep: Callable[[float], None]
    """Wait for so many seconds; raises :class:`~ingest.stop.Stopped` when the run is to end."""
    stopped: Callable[[], bool]
    """Whether the run is to end: what waits for a socket looks here every second."""
    say: Callable[[str], None] = lambda message: None
    """Tell people something that is no error."""


class LiveSource(Source, Protocol):
    """A source on a platform, made by its class with an :class:`Order` and :class:`Means`.

    One object reads one target; several objects run in threads of their own. What
    :meth:`~Source.open` does is the same every time it is called with the same cursor:

    * It yields :class:`~ingest.records.Item` in an order in which every cursor is a place to go
      on from: what was yielded before it is never needed again, what comes after it is still
      to come. After a short overlap posts may come twice (the store knows them).
    * ``--since`` and ``--until`` of the order hold; without a cursor and ``since`` a live
      source begins now, and one with history with all that the platform offers. What a ``since``
      later than the saved place leaves out comes when a later order wants it; of a source
      that goes on behind it, as streams do, it is a :class:`~ingest.records.Gap`.
    * It yields a :class:`~ingest.records.Heartbeat` whenever it knows that it is listening and
      that nothing was missed: with every page of an answer, and every few seconds of a quiet
      stream. The runner keeps one a minute.
    * It yields a :class:`~ingest.records.Gap` where it learns that the platform can't give
      back what a cursor asks for.
    * It ends when nothing more will come: at the end of what there is, or at ``until``. An
      interruption of a stream is no end: it raises.
    * It raises :class:`~ingest.errors.SourceBlocked`, ``SourceChanged``, ``SourceGone`` or
      plain ``SourceError`` (network, errors of the server) with the ``body`` that came instead
      and, where the platform says so, the seconds to ``wait``. It never waits for long and
      never tries again by itself: the runner opens it again from the last cursor, and records
      the gap.

    ``version`` is raised with every change of what its pure ``map_item`` makes of an item.
    """

    version: int


@runtime_checkable
class Begins(Protocol):
    """A live source that begins now where nobody says ``since``, and can go back to this now.

    The runner makes that place durable before it opens the source. Otherwise a run that ends
    before its first post is stored would lose what is published until the next one begins.
    """

    def present(self) -> str:
        """Return the cursor of this moment, without asking the platform.

        Empty where the order wants another beginning: then reading begins there each time.
        """


class MakesSource(Protocol):
    """The class of a live source."""

    def __call__(self, order: Order, means: Means) -> LiveSource:
        """Make a source; raises :class:`~ingest.errors.SourceError` for a target that no
        platform could have. Nothing is asked of the platform yet."""
