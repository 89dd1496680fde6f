"""Following the counters of pages: each at its interval, each reading durable at once.

What happens to a page is written down when it happens: a reading with a heartbeat, or a gap
from the last moment that is accounted for until now, with its cause. The input's position holds
that moment, so a watch that was killed, and taken up again later, leaves a gap as well.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import msgspec

from ingest.errors import SourceBlocked, SourceChanged, SourceError, SourceGone
from ingest.records import PAGES, Counter, Gap, Heartbeat
from ingest.sources.counters.fetch import Refusal
from ingest.sources.counters.registry import Figure, Reader
from pipelines.daily import Daily
from pipelines.live.retry_policy import code, named
from pipelines.live.state import words
from pipelines.records import Batch, Position
from pipelines.retry import RetryPolicy
from pipelines.stages import utc_now
from pipelines.stores.protocols import Store

#: A page that was not looked at for so many intervals has a gap.
LATE = 3
#: The longest pause between two tries, by why the last one failed: who is gone for good need
#: not be asked every hour, a network may be back any minute.
PAUSES: dict[type[SourceError], timedelta] = {
    SourceGone: timedelta(hours=24),
    SourceBlocked: timedelta(hours=6),
    SourceChanged: timedelta(hours=6),
}
_PAUSE = timedelta(hours=1)


class Watched(msgspec.Struct, frozen=True):
    """A page to follow."""

    page: str
    """As readings call it: the watchlist's entity, else ``platform:account``."""
    reader: Reader
    account: str
    key: str = ""
    base: str = ""

    @property
    def source(self) -> str:
        """Where its readings come from."""
        return f"{PAGES}{self.reader.platform}:{self.account}"


class Reads(Protocol):
    """What asks the platforms."""

    def read(
        self, reader: Reader, account: str, key: str, base: str = ""
    ) -> list[Figure] | Refusal:
        """Return the counters of an account, or why they could not be read."""


class _Turn:
    """Where the following of one page stands."""

    __slots__ = ("failures", "last", "page", "reads", "successes")

    def __init__(self, page: Watched) -> None:
        self.page = page
        self.failures = 0
        """In a row."""
        self.reads = 0
        self.successes = 0
        self.last: dict[str, int] = {}


def watch(
    store: Store,
    pages: Sequence[Watched],
    fetcher: Reads,
    *,
    every: timedelta,
    times: int | None = None,
    notify: Callable[[str], None] = lambda message: None,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], datetime] = utc_now,
) -> list[Watched]:
    """Read every page's counters every so often, for ever or so many times.

    Returns the pages that could not be read a single time. Raises
    :class:`~pipelines.errors.StoreError` if the store fails; a page that fails is told, and the
    others go on.
    """
    turns = [_Turn(page) for page in pages]
    queue = [(clock(), place) for place in range(len(turns))]
    heapq.heapify(queue)
    expire = Daily(store.housekeeping)
    while queue:
        expire()
        due, place = queue[0]
        sleep(max(0.0, due - clock()))
        turn = turns[place]
        pause = _once(store, turn, fetcher, every, notify, now)
        turn.reads += 1
        if times is not None and turn.reads >= times:
            heapq.heappop(queue)
            continue
        # from when it was due, so that readings don't drift; never sooner than from now
        following = max(due + every.total_seconds(), clock() + pause)
        heapq.heapreplace(queue, (following, place))
    return [turn.page for turn in turns if not turn.successes]


def _once(
    store: Store,
    turn: _Turn,
    fetcher: Reads,
    every: timedelta,
    notify: Callable[[str], None],
    now: Callable[[], datetime],
) -> float:
    """Try to read a page once; return the seconds to wait at least before the next time."""
    page = turn.page
    result = fetcher.read(page.reader, page.account, page.key, page.base)
    at = now()
    if isinstance(result, Refusal):
        turn.failures += 1
        cause = f"{type(result.error).__name__}: {result.error}"
        _save(store, page, at, [], cause, every)
        with store.dead_letters() as dead_letters:
            kept = dead_letters.put_answer(
                page.source, at, result.body, reason=code(result.error), detail=str(result.error)
            )
        pause = max(backoff(result.error, turn.failures, every), result.wait)
        notify(
            f"{page.source.removeprefix(PAGES)}: {named(result.error)}"
            f"; next try in {words(pause)} at the earliest"
            + (f"; its answer is kept: marsad dead show {kept}" if kept else "")
        )
        return pause
    turn.failures = 0
    turn.successes += 1
    counters = [
        Counter(
            source=page.source,
            page=page.page,
            metric=figure.metric,
            value=figure.value,
            at=at,
            granularity=figure.granularity,
        )
        for figure in result
    ]
    _save(store, page, at, counters, "", every)
    for counter in counters:
        notify(_sentence(counter, turn.last.get(counter.metric)))
        turn.last[counter.metric] = counter.value
    return 0.0


def backoff(error: SourceError, failures: int, every: timedelta) -> float:
    """Return the seconds to wait after so many failures in a row: doubling up to a limit."""
    longest = max(PAUSES.get(type(error), _PAUSE), every)
    return RetryPolicy(every.total_seconds(), longest.total_seconds()).delay(failures)


def _save(
    store: Store,
    page: Watched,
    at: datetime,
    counters: Sequence[Counter],
    cause: str,
    every: timedelta,
) -> None:
    key = f"watch:{page.page}:{page.source}"
    position = store.position(key)
    known = datetime.fromisoformat(position.cursor) if position else at
    late = at - known > every * LATE
    notices: list[Gap | Heartbeat | Counter] = []
    if cause:
        cause = f"not watched, then {cause}" if late else cause
        notices.append(Gap(source=page.source, start=known, end=at, cause=cause))
    else:
        if late and not _failing(position):
            notices.append(Gap(source=page.source, start=known, end=at, cause="not watched"))
        elif _failing(position):
            # the page came back somewhere between the last try and now
            notices.append(Gap(source=page.source, start=known, end=at, cause=_failing(position)))
        notices += [*counters, Heartbeat(source=page.source, at=at)]
    store.accept(
        Batch(
            position=Position(
                key=key,
                name=page.source,
                cursor=at.isoformat(),
                metadata=msgspec.json.encode({"cause": cause}).decode(),
            ),
            previous_cursor=position.cursor if position else "",
            notices=notices,
        )
    )


def _failing(position: Position | None) -> str:
    """Return why the last try failed, empty if it did not."""
    if position is None or not position.metadata:
        return ""
    details: dict[str, str] = msgspec.json.decode(position.metadata, type=dict[str, str])
    return details.get("cause", "")


def _sentence(counter: Counter, before: int | None) -> str:
    step = f" ± {counter.granularity:,}" if counter.granularity > 1 else ""
    change = f" ({counter.value - before:+,})" if before is not None else ""
    return (
        f"{counter.at:%Y-%m-%d %H:%M:%S} UTC  {counter.page}  {counter.value:,}{step} "
        f"{counter.metric}{change}"
    )
