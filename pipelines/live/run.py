"""Running feeds: threads read, the caller's thread makes durable and, when idle, scores."""

from __future__ import annotations

import queue
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec

from ingest.records import Item
from pipelines import metrics
from pipelines.daily import Daily
from pipelines.embedded import position_key
from pipelines.live.reader import SIZE, Came, Ended, Failed, Message, Reader, Subscription, take
from pipelines.live.writer import Writer
from pipelines.records import Ledger
from pipelines.stages import Collector, utc_now
from pipelines.stop import Stop
from pipelines.stores.protocols import Sink

#: Items made durable in one step, of all sources together.
BATCH = 1_024
#: Seconds in which nothing came before the writer looks around.
_TURN = 0.5
#: Seconds between two looks at whether a source is silent against its habit.
_LOOK = 15.0
#: Seconds that threads get to notice that the run is to end.
_GRACE = 2.0


class Outcome(msgspec.Struct, frozen=True):
    """What a run did with one feed."""

    subscription: Subscription
    outcomes: Ledger
    """Of what was read in this run; posts as pending, also if they were scored since."""
    given_up: bool


def run(
    subscriptions: Sequence[Subscription],
    sink: Sink,
    collector: Callable[[Subscription], Collector],
    *,
    watchlist: str = "",
    stop: Stop,
    drain: Callable[[], int] | None = None,
    notify: Callable[[str], None] = lambda message: None,
    now: Callable[[], datetime] = utc_now,
) -> list[Outcome]:
    """Read feeds until all have ended or ``stop`` is set; return what came of each.

    ``collector`` makes the collect stage of a feed, ``watchlist`` is the fingerprint it matches
    with. ``drain`` scores and indexes some of what waits and returns how many posts that were;
    it is called when nothing waits to be made durable, and until nothing waits when all feeds
    have ended. Without it (behind Kafka) nothing is scored here.

    ``sink``, ``drain`` and ``notify`` are called in the caller's thread alone. A stop is clean:
    what was read is durable, and the next run goes on there. Raises
    :class:`~pipelines.errors.StoreError` if the sink fails, after stopping the threads; a
    source that fails is told, and the others go on.
    """
    inbox: queue.Queue[Message] = queue.Queue(SIZE)
    writers = {
        id(subscription): Writer(
            subscription,
            sink,
            collector(subscription),
            live_key(subscription, watchlist),
            watchlist=watchlist,
            notify=notify,
            now=now,
            stopping=stop.is_set,
        )
        for subscription in subscriptions
    }
    metrics.begin("collect")
    for writer in writers.values():
        writer.begin()
    readers = [
        Reader(subscription, writer.cursor, inbox, stop, seen_before=writer.seen_before)
        for subscription, writer in zip(subscriptions, writers.values(), strict=True)
    ]
    for reader in readers:
        reader.start()
    try:
        _loop(inbox, writers, stop, drain, Daily(sink.housekeeping))
    except BaseException:
        stop.set()
        raise
    finally:
        deadline = time.monotonic() + _GRACE
        for reader in readers:
            reader.join(max(0.0, deadline - time.monotonic()))
    while messages := take(inbox, BATCH, 0):
        _write(messages, writers)
    for writer in writers.values():
        writer.stopped()
    while drain and not stop.is_set() and drain():
        pass
    return [Outcome(one.subscription, one.outcomes, one.given_up) for one in writers.values()]


def live_key(subscription: Subscription, watchlist: str) -> str:
    """Identify a source's position.

    What ends is read anew for another watchlist; a live source goes on where it is, since
    beginning anew would lose what was published since.
    """
    return position_key(
        subscription.source, "" if subscription.source.capabilities.live else watchlist
    )


def _loop(
    inbox: queue.Queue[Message],
    writers: dict[int, Writer],
    stop: Stop,
    drain: Callable[[], int] | None,
    housekeeping: Callable[[], None],
) -> None:
    waiting, open_subscriptions = drain is not None, len(writers)
    looked = time.monotonic()
    while open_subscriptions and not stop.is_set():
        metrics.turn()
        housekeeping()
        messages = take(inbox, BATCH, 0 if waiting else _TURN)
        if messages:
            ended, came = _write(messages, writers)
            open_subscriptions -= ended
            waiting = drain is not None and (waiting or came > 0)
        elif waiting and drain is not None:
            waiting = drain() > 0
        if time.monotonic() - looked >= _LOOK:
            looked = time.monotonic()
            for writer in writers.values():
                writer.look()


def _write(messages: Sequence[Message], writers: dict[int, Writer]) -> tuple[int, int]:
    """Make messages durable, of each source in the order they came.

    Returns how many feeds have ended for good, and how many posts wait to be scored.
    """
    ended = came = 0
    items: dict[int, list[Item]] = defaultdict(list)

    def flush(number: int) -> int:
        batch = items.pop(number, [])
        return writers[number].items(batch).pending if batch else 0

    for message in messages:
        number = id(message.subscription)
        if isinstance(message, Came):
            items[number].append(message.item)
            continue
        came += flush(number)
        if isinstance(message, Failed):
            writers[number].failed(message)
            ended += message.pause is None
        else:
            assert isinstance(message, Ended)
            writers[number].ended(again=message.again)
            ended += not message.again
    for number in list(items):
        came += flush(number)
    return ended, came
