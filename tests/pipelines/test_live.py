"""The runner of live sources: nothing lost, gaps written down, sources that keep no other."""

from __future__ import annotations

import itertools
import queue
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner

from ingest.errors import SourceBlocked, SourceChanged, SourceError, SourceGone
from ingest.privacy.keyring import Keyring
from ingest.privacy.protector import Protector
from ingest.records import Gap, Heartbeat, Item, Post, Record, Reject, Tombstone, unfilled
from ingest.sources.base import Capabilities
from ingest.stop import Stopped
from pipelines.commands.status import command as status
from pipelines.commands.status import joined
from pipelines.errors import StoreBusy
from pipelines.live.reader import Came, Message, Reader, Subscription, take
from pipelines.live.retry_policy import TRIES, gives_up, pause
from pipelines.live.run import Outcome, live_key, run
from pipelines.live.silence import POSTS, SHORTEST, TIMES, ActivityBaseline
from pipelines.live.state import source_status
from pipelines.live.writer import Writer
from pipelines.records import Batch, Ledger, Position, Sum
from pipelines.stages import Collector
from pipelines.stop import Stop
from pipelines.stores.sqlite import SqliteStore
from pipelines.trends import rows

START = datetime(2026, 11, 1, tzinfo=UTC)


class Scripted:
    """A source that does what a test wrote down: an item a line, or an error."""

    version = 1

    def __init__(self, *script: Record | Exception, history: bool = True, live: bool = True):
        self.name = "scripted"
        self.key = f"scripted:{id(self)}"
        self.capabilities = Capabilities(live=live, history=history)
        self.script = list(script)
        self.opened: list[str] = []

    def open(self, cursor: str) -> Iterator[Item]:
        """An error is said once: the next time, reading goes on behind it."""
        self.opened.append(cursor)
        for place in range(int(cursor or 0), len(self.script)):
            step = self.script[place]
            if isinstance(step, Exception):
                self.script[place] = Heartbeat(source=self.name, at=START)
                raise step
            yield Item(step, str(place + 1))


def post(number: int) -> Post:
    return Post(id=f"scripted:{number}", platform="scripted", text=f"post {number}", version=1)


class World:
    """A store and a clock that stands still until a test moves it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.at = START
        self.told: list[str] = []
        self.store = SqliteStore(folder / "marsad.db")

    def now(self) -> datetime:
        return self.at

    def fail(self, source: Scripted, error: SourceError, hours: float) -> None:
        """A run in which a source could not be read for some hours, ended when that is told."""
        stop = Stop()

        def fails(cursor: str) -> Iterator[Item]:
            self.at += timedelta(hours=hours)
            raise error

        reads, source.open = source.open, fails  # type: ignore[method-assign]
        self.told.clear()
        self.run(source, stop=stop, live=True, persistent=True, heard=stop.set)
        source.open = reads  # type: ignore[method-assign]

    def run(
        self,
        *sources: Scripted,
        drain: Callable[[], int] | None = None,
        stop: Stop | None = None,
        heard: Callable[[], None] = lambda: None,
        **subscription: object,
    ) -> list[Outcome]:
        """``heard`` is called whenever something is told."""

        def tell(message: str) -> None:
            self.told.append(message)
            heard()

        protector = Protector(Keyring().use())
        return run(
            [
                Subscription(source=one, label="test", **{"live": False, **subscription})
                for one in sources
            ],  # type: ignore[arg-type]
            self.store,
            lambda subscription: Collector(protector, None, origin=subscription.source.key),
            stop=stop or Stop(),
            drain=drain,
            notify=tell,
            now=self.now,
        )

    def status(self) -> str:
        """What ``marsad status`` says."""
        done = CliRunner().invoke(status, ["--store", str(self.folder / "marsad.db")])
        assert done.exit_code == 0, done.output
        return done.stdout

    def gaps(self) -> list[Gap]:
        return self.store.status().gaps

    def ids(self) -> list[str]:
        return [one.id for one in self.store.pending(1_000)]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.store.close()


# What becomes durable


def test_all_sources_are_read_at_once_and_made_durable(world: World) -> None:
    many = [Scripted(*(post(10 * n + k) for k in range(5))) for n in range(4)]
    outcomes = world.run(*many)
    assert sorted(world.ids()) == sorted(
        f"scripted:{10 * n + k}" for n in range(4) for k in range(5)
    )
    assert [one.outcomes.received for one in outcomes] == [5, 5, 5, 5]


def test_the_next_run_goes_on_at_the_saved_place(world: World) -> None:
    source = Scripted(post(1), post(2), post(3))
    world.run(source, limit=2)
    assert world.ids() == ["scripted:1", "scripted:2"]
    world.run(source)
    assert source.opened == ["", "2"]
    assert world.ids() == ["scripted:1", "scripted:2", "scripted:3"]


class Beginning(Scripted):
    """A source that begins with what comes next, like a stream."""

    at = 1

    def present(self) -> str:
        return str(self.at)


def test_a_source_that_begins_now_keeps_that_place_before_anything_is_read(world: World) -> None:
    stop = Stop()
    source = Beginning(post(0), Heartbeat(source="scripted", at=START), post(2), post(3))

    def killed(cursor: str) -> Iterator[Item]:
        stop.set()
        raise Stopped

    reads, source.open = source.open, killed  # type: ignore[method-assign]
    world.run(source, stop=stop)
    source.open, source.at = reads, 3  # type: ignore[method-assign]
    world.run(source)
    assert source.opened == ["1"]
    assert world.ids() == ["scripted:2", "scripted:3"]


def test_one_that_was_given_up_before_it_was_heard_begins_anew(world: World) -> None:
    source = Beginning(post(0), SourceGone("no such server"), post(2), post(3))
    assert [one.given_up for one in world.run(source, live=True)] == [True]
    source.at = 3
    world.run(source)
    assert source.opened == ["1", "3"]
    assert world.ids() == ["scripted:3"]


def test_one_whose_address_holds_nothing_has_not_begun_even_if_it_is_tried_on(
    world: World,
) -> None:
    source = Beginning(post(0), post(1), post(2), post(3))
    world.fail(source, SourceGone("no such server"), hours=1)
    source.at = 3
    world.run(source)
    assert source.opened == ["3"]
    assert [gap.filled for gap in world.gaps()] == [False] * len(world.gaps())


def test_one_that_was_away_from_the_first_moment_on_goes_on_from_there_and_says_so(
    world: World,
) -> None:
    source = Beginning(post(0), post(1), post(2), post(3))
    world.fail(source, SourceError("no network"), hours=1)
    source.at = 3
    world.at += timedelta(hours=2)
    world.run(source)
    assert source.opened == ["1"]
    assert any("it goes on from where it was first started" in told for told in world.told)
    assert unfilled(world.gaps()) == []


def test_what_comes_once_more_after_an_interruption_is_no_success(world: World) -> None:
    class Stuck(Scripted):
        def open(self, cursor: str) -> Iterator[Item]:
            yield Item(post(1), "here")
            raise SourceError("it ended")

    subscription, inbox, stop = (
        Subscription(source=Stuck(), label="test"),
        queue.Queue[Message](),
        Stop(),
    )
    pauses: list[float | None] = []
    reader = Reader(subscription, "", inbox, stop)
    reader._wait = pauses.append  # type: ignore[assignment,method-assign]
    while len(pauses) < 4:
        reader._once()
    assert pauses == [1, 2, 4, 8]


@pytest.mark.parametrize("places", [["here", "here"], ["here", "there", "here"]])
def test_a_source_that_ends_is_given_up_where_it_never_gets_further_however_long_it_takes(
    world: World, places: list[str]
) -> None:
    class Stuck(Scripted):
        def open(self, cursor: str) -> Iterator[Item]:
            for place in places:
                yield Item(post(1), place)
            raise SourceError("page 80 fails")

    subscription, inbox = (
        Subscription(source=Stuck(), label="test", live=False),
        queue.Queue[Message](),
    )
    seconds = itertools.count(0, 100)
    reader = Reader(subscription, "", inbox, Stop(), clock=lambda: float(next(seconds)))
    pauses: list[float | None] = []
    reader._wait = pauses.append  # type: ignore[assignment,method-assign]
    tries = 1
    while reader._once() and tries < 20:
        tries += 1
    assert (tries, pauses) == (TRIES, [1, 2, 4, 8])


def test_a_limit_counts_posts_deletions_and_what_can_not_be_used(world: World) -> None:
    tombstone = Tombstone(platform="scripted", id="scripted:9")
    beat = Heartbeat(source="scripted", at=START)
    source = Scripted(
        beat, post(1), beat, tombstone, Reject(reason="item-unknown", raw=b"x"), post(2)
    )
    world.run(source, limit=3)
    assert world.store.ledger() == Ledger(received=3, pending=1, deleted=1, dead=1)


def test_an_item_that_can_not_be_used_is_kept_and_counted_once_however_often_it_is_read(
    world: World,
) -> None:
    bad = [Reject(reason="item-unknown", raw=b"a"), Reject(reason="item-unknown", raw=b"b")]
    rounds = [*bad, post(1), *bad, post(2), *bad, post(3)]
    first, second = Scripted(*rounds[:6]), Scripted(*rounds)
    second.key = first.key
    world.run(first)
    world.run(second)
    with world.store.dead_letters() as dead_letters:
        entries = dead_letters.entries()
        assert len(entries) == 2
        assert len({entry.line for entry in entries}) == 2
    assert world.store.ledger() == Ledger(received=5, pending=3, dead=2)


def test_somebody_else_who_reads_the_same_source_is_noticed(world: World) -> None:
    source = Scripted(post(1), post(2))
    world.run(source, limit=1)
    key = live_key(Subscription(source=source, label="test"), "")
    position = Position(key=key, name="scripted", cursor="elsewhere")
    with pytest.raises(StoreBusy):
        world.store.accept(Batch(position=position, previous_cursor="not there"))


def test_scoring_waits_until_nothing_is_to_be_made_durable_and_then_catches_up(
    world: World,
) -> None:
    durable_when_scored: list[int] = []
    waiting = [3]

    def drain() -> int:
        durable_when_scored.append(len(world.ids()))
        waiting[0] -= 1
        return max(0, waiting[0])

    world.run(Scripted(*(post(n) for n in range(50))), drain=drain)
    assert durable_when_scored[-1] == 50
    assert waiting[0] <= 0


def test_a_stop_while_the_rest_is_scored_leaves_what_waits_for_the_next_run(world: World) -> None:
    stop = Stop()
    scored: list[int] = []

    def drain() -> int:
        scored.append(len(world.ids()))
        if scored.count(5) == 3:  # all was read before
            stop.set()
        return 1

    world.run(Scripted(*(post(n) for n in range(5))), drain=drain, stop=stop)
    assert scored.count(5) == 3


def test_reader__waits_while_the_queue_is_full() -> None:
    subscription = Subscription(
        source=Scripted(*(post(n) for n in range(5))), label="test", live=False
    )
    inbox: queue.Queue[Message] = queue.Queue(2)
    reader = Reader(subscription, "", inbox, Stop())
    reader.start()
    taken: list[Message] = []
    while len(taken) < 6:  # five posts, and that the source ended
        assert inbox.qsize() <= 2
        taken += take(inbox, 1, 1.0)
    reader.join()
    assert [one.item.record.id for one in taken[:5] if isinstance(one, Came)] == [
        f"scripted:{n}" for n in range(5)
    ]


def test_reader__that_waits_for_room_ends_with_the_run() -> None:
    subscription = Subscription(source=Scripted(post(1), post(2)), label="test", live=False)
    inbox: queue.Queue[Message] = queue.Queue(1)
    stop = Stop()
    reader = Reader(subscription, "", inbox, stop)
    reader.start()
    while not inbox.full():
        pass
    stop.set()
    reader.join()
    assert inbox.qsize() == 1


# What is not known


def test_a_refusal_is_a_gap_with_its_cause_and_its_answer_is_kept(world: World) -> None:
    source = Scripted(post(1), SourceBlocked("it wants a login", body=b"<form>"), post(2))
    (outcome,) = world.run(source)
    assert outcome.given_up
    (gap,) = world.gaps()
    assert gap.cause == "SourceBlocked: it wants a login"
    with world.store.dead_letters() as dead_letters:
        (answer,) = dead_letters.entries(kind="answer")
        assert (answer.origin, answer.reason, answer.size) == ("scripted", "blocked", 6)
        kept = dead_letters.get(answer.number)
    assert kept is not None
    assert kept.raw == b"<form>"
    assert any(f"marsad dead show {answer.number}" in told for told in world.told)
    assert world.ids() == ["scripted:1"]


def test_the_others_go_on(world: World) -> None:
    good = Scripted(*(post(n) for n in range(20)))
    outcomes = world.run(Scripted(SourceGone("no such channel")), good)
    assert [one.given_up for one in outcomes] == [True, False]
    assert len(world.ids()) == 20


def test_a_mistake_in_one_source_keeps_no_other(
    world: World, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    world.run(Scripted(post(9), KeyError("mine")), Scripted(*(post(n) for n in range(5))))
    assert any("unexpected KeyError" in message for message in world.told)
    assert not any("mine" in message for message in world.told)
    logged = caplog.text + capfd.readouterr().err
    assert "KeyError" in logged  # with where it was, and none of its words, which may be a post's
    assert "mine" not in logged
    assert len(world.ids()) == 6


def test_what_a_platform_gives_back_afterwards_fills_the_gap(world: World) -> None:
    source = Scripted(post(1), SourceBlocked("too fast", wait=0.01), post(2))
    world.run(source)
    recorded = world.gaps()
    assert [gap.filled for gap in recorded] == [False, True]
    assert unfilled(recorded) == []
    assert world.ids() == ["scripted:1", "scripted:2"]


def test_so_it_does_when_the_run_was_ended_meanwhile(world: World) -> None:
    source = Scripted(post(1), post(2))
    world.run(source, limit=1)
    world.fail(source, SourceError("no network"), hours=3)
    assert unfilled(world.gaps())
    world.at += timedelta(hours=1)
    world.run(source)
    assert unfilled(world.gaps()) == []
    assert "could not be read" not in world.status()


@pytest.mark.parametrize(
    "narrowed",
    [{"since": START + timedelta(hours=2)}, {"until": START + timedelta(hours=9)}],
    ids=["since", "until"],
)
def test_a_run_that_leaves_out_a_part_fills_no_gap_of_an_earlier_one(
    world: World, narrowed: dict[str, datetime]
) -> None:
    source = Scripted(post(1), post(2))
    world.run(source, limit=1)
    world.fail(source, SourceError("no network"), hours=3)
    world.run(source, **narrowed)
    assert unfilled(world.gaps()) == world.gaps() != []


def test_what_a_later_date_leaves_out_is_a_gap_until_a_whole_reading_fills_it(
    world: World,
) -> None:
    source = Scripted(post(1), post(2), post(3), post(4), live=False)
    days = [START + timedelta(days=day) for day in range(9)]
    world.run(source, limit=1)
    world.at = days[5]
    world.run(source, since=days[3])
    (gap,) = unfilled(world.gaps())
    assert (gap.start, gap.end, gap.lasting) == (days[0], days[3], False)
    assert "--since" in gap.cause
    for narrowed in ({"since": days[3]}, {"until": days[8]}, {"limit": 1}):
        world.at += timedelta(seconds=30)
        world.run(source, **narrowed)
        assert unfilled(world.gaps()) == [gap]
    world.run(source)
    assert unfilled(world.gaps()) == []
    assert "(read afterwards)" in world.status()


def test_what_a_source_says_is_not_kept_stays_a_gap_whatever_is_read_afterwards(
    world: World,
) -> None:
    lost = Gap(source="scripted", start=START, end=START + timedelta(hours=1), cause="too old")
    source = Scripted(post(1), Heartbeat(source="scripted", at=START), lost, post(2))
    world.run(source, limit=1)
    world.fail(source, SourceError("no network"), hours=3)
    world.run(source)
    assert [gap.cause for gap in unfilled(world.gaps())] == ["too old"]


def test_what_it_does_not_give_back_stays_a_gap(world: World) -> None:
    source = Scripted(post(1), SourceError("the stream ended"), post(2), history=False)
    world.run(source)
    assert [gap.filled for gap in world.gaps()] == [False, False]
    assert unfilled(world.gaps()) == world.gaps()


def test_an_interruption_between_runs_is_a_gap_where_nothing_is_given_back(world: World) -> None:
    source = Scripted(post(1), post(2), history=False)
    world.run(source, limit=1)
    world.at += timedelta(hours=3)
    world.run(source)
    (gap,) = world.gaps()
    assert (gap.start, gap.end, gap.cause) == (START, START + timedelta(hours=3), "not running")


def test_and_none_where_the_platform_keeps_what_was_published(world: World) -> None:
    source = Scripted(post(1), post(2))
    world.run(source, limit=1)
    world.at += timedelta(hours=3)
    world.run(source)
    assert world.gaps() == []


def test_and_none_where_what_is_there_is_read_now_and_then(world: World) -> None:
    source = Scripted(post(1), post(2), history=False, live=False)
    world.run(source, limit=1)
    world.at += timedelta(hours=3)
    world.run(source)
    assert world.gaps() == []


def test_what_a_source_says_is_missing_is_written_down(world: World) -> None:
    missing = Gap(source="scripted", start=START, end=START + timedelta(hours=1), cause="too old")
    world.run(Scripted(missing, post(1)))
    (gap,) = world.gaps()
    assert (gap.start, gap.end, gap.cause) == (missing.start, missing.end, "too old")


def test_heartbeats_are_kept_once_a_minute(world: World) -> None:
    beats = [Heartbeat(source="scripted", at=START) for _ in range(50)]
    world.run(Scripted(*beats, post(1)))
    kept = world.store._connection.execute(
        "SELECT count(*) FROM notices WHERE kind = 'heartbeat'"
    ).fetchone()
    assert kept == (1,)


def test_status_says_when_a_source_was_heard_last_and_why_it_fails(world: World) -> None:
    world.run(Scripted(post(1), SourceChanged("another page")))
    (position,) = world.store.status().inputs
    found = source_status(position)
    assert found is not None
    assert (found.source, found.last_seen) == ("scripted", START)
    assert found.last_error == "SourceChanged: another page"
    heard_last = "last read 2026-11-01 00:00:00 UTC, could not be read since: SourceChanged"
    assert f"source scripted: {heard_last}" in world.status()


def test_status_says_so_of_a_source_that_never_worked(world: World) -> None:
    world.run(Scripted(SourceChanged("another page")))
    said = world.status()
    assert "source scripted: never read, could not be read: SourceChanged: another page" in said
    assert "input scripted" not in said


def test_tries_that_fail_are_one_gap_and_those_of_seconds_are_summed_up(world: World) -> None:
    def gap(start: float, minutes: float, cause: str = "SourceError: away") -> Gap:
        begun = START + timedelta(minutes=start)
        end = begun + timedelta(minutes=minutes)
        return Gap(source="one", start=begun, end=end, cause=cause)

    tries = [gap(0, 2), gap(2, 4), gap(60, 0.1), gap(70, 0.2), gap(80, 5, "SourceGone: gone")]
    tries += [gap(180, 0.5, "blocked"), gap(200, 0, "SourceGone: never was")]
    assert joined(tries) == [gap(0, 6), *tries[2:]]
    world.run(Scripted(*tries))
    assert [line for line in world.status().splitlines() if line.startswith("gap")] == [
        "gap one: 2026-11-01 00:00:00 UTC to 2026-11-01 00:06:00 UTC, SourceError: away",
        "gap one: 2026-11-01 01:20:00 UTC to 2026-11-01 01:25:00 UTC, SourceGone: gone",
        "gap one: 2026-11-01 03:00:00 UTC to 2026-11-01 03:00:30 UTC, blocked",
        "gap one: 2 times for less than a minute, 18 s in all, the last time "
        "2026-11-01 01:10:00 UTC, SourceError: away",
    ]


# How patient it is


def test_pauses_grow_up_to_a_limit_that_depends_on_the_cause() -> None:
    assert [pause(SourceError(), n) for n in range(1, 9)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert [pause(SourceBlocked(), n) for n in (1, 2, 50)] == [30, 60, 3_600]
    assert pause(SourceGone(), 50) == 21_600


def test_a_platform_is_left_alone_for_as_long_as_it_asks() -> None:
    assert pause(SourceBlocked(wait=7_200), 1) == 7_200
    assert pause(SourceError(wait=3), 9) == 3


@pytest.mark.parametrize(
    ("error", "failures", "endless", "fresh", "expected"),
    [
        (SourceError(), 4, False, False, False),
        (SourceError(), 5, False, False, True),
        (SourceError(), 500, True, True, False),
        (SourceBlocked(), 1, False, False, True),
        (SourceBlocked(wait=60), 1, False, False, False),
        (SourceBlocked(wait=86_400), 1, False, False, True),
        (SourceBlocked(), 1, True, True, False),
        (SourceGone(), 1, False, False, True),
        (SourceGone(), 1, True, False, False),
        (SourceGone(), 1, True, True, True),
        (SourceChanged(), 1, True, True, True),
        (SourceChanged(), 1, True, False, False),
    ],
)
def test_what_makes_no_sense_is_not_tried_again(
    error: SourceError, failures: int, endless: bool, fresh: bool, expected: bool
) -> None:
    assert gives_up(error, failures, endless=endless, fresh=fresh) is expected


# Silence


def used_to(gap: timedelta) -> ActivityBaseline:
    """The habit of a source that gave something this often, for two weeks."""
    baseline, at = ActivityBaseline().listening(START), START
    while at < START + timedelta(days=14) or baseline.posts < POSTS:
        at += gap
        baseline = baseline.gave(1, at)
    return baseline


@pytest.mark.parametrize("gap", [timedelta(minutes=5), timedelta(hours=2)])
def test_a_silence_is_unlike_a_source_after_three_of_its_longest(gap: timedelta) -> None:
    baseline = used_to(gap)
    assert baseline.quiet_since is not None
    limit = baseline.quiet_since + max(SHORTEST, TIMES * gap)
    assert baseline.silent(limit) is None
    assert baseline.silent(limit + timedelta(seconds=1)) is not None


def test_a_quiet_night_counts_as_usual_too() -> None:
    baseline, day = ActivityBaseline().listening(START), START
    for _ in range(3):
        for minute in range(60):
            baseline = baseline.gave(1, day + timedelta(hours=12, minutes=minute))
        day += timedelta(days=1)
    assert baseline.silent(day + timedelta(hours=11)) is None


def test_a_source_without_a_baseline_is_never_silent() -> None:
    baseline = ActivityBaseline().listening(START).gave(POSTS - 1, START + timedelta(seconds=1))
    assert baseline.silent(START + timedelta(days=30)) is None


def test_time_in_which_nobody_listened_is_no_silence() -> None:
    baseline = used_to(timedelta(minutes=5))
    assert baseline.quiet_since is not None
    later = baseline.quiet_since + timedelta(days=3)
    assert baseline.listening(later).silent(later + timedelta(minutes=10)) is None


def test_a_baseline_forgets_what_is_older_than_two_weeks() -> None:
    baseline = used_to(timedelta(hours=5))
    assert baseline.quiet_since is not None
    for _ in range(15 * 24 * 6):
        baseline = baseline.gave(1, baseline.quiet_since + timedelta(minutes=10))
    assert max(baseline.longest.values()) == 600


def test_a_silence_is_told_once(world: World) -> None:
    source = Scripted(history=False)
    protector = Protector(Keyring().use())
    writer = Writer(
        Subscription(source=source, label="test"),
        world.store,
        Collector(protector, None),
        "key",
        watchlist="",
        notify=world.told.append,
        now=world.now,
    )
    for number in range(POSTS):
        world.at += timedelta(minutes=1)
        writer.items([Item(post(number), str(number))])
    world.at += timedelta(minutes=11)
    writer.look()
    writer.look()
    assert len(world.told) == 1
    assert "longest usual gap" in world.told[0]


class Silent(Scripted):
    """Gives a sign of life after eleven minutes, again and again until somebody wonders."""

    world: World

    def open(self, cursor: str) -> Iterator[Item]:
        self.world.at += timedelta(minutes=11)
        while not self.world.told:
            time.sleep(0.01)
            yield Item(Heartbeat(source=self.name, at=self.world.at), cursor)
        self.world.at += timedelta(minutes=2)
        yield Item(Heartbeat(source=self.name, at=self.world.at), cursor)


def test_a_run_warns_of_a_silence_and_status_shows_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_module("pipelines.live.run"), "_LOOK", 0.0)
    talking, silent = Scripted(*(post(n) for n in range(POSTS))), Silent()
    silent.key, silent.world = talking.key, world
    world.run(talking, live=True)
    assert world.told == []
    world.run(silent, live=True)
    (told,) = world.told
    assert told.startswith("Warning: scripted: no posts for 11 min")
    assert "Warning: scripted: no posts for 13 min then" in world.status()


# What charts make of gaps


def test_a_chart_counts_a_gap_until_it_is_filled() -> None:
    days = [Sum(day, "", "fr", "neutral", 1, 0.0, 1.0, 0.0) for day in ("2026-11-01", "2026-11-03")]
    noon, later = datetime(2026, 11, 2, 12, tzinfo=UTC), datetime(2026, 11, 2, 14, tzinfo=UTC)
    gap = Gap(source="one", start=noon, end=later, cause="SourceError: away")
    filled = Gap(source="one", start=noon, end=later, cause="SourceError: away", filled=True)
    elsewhere = Gap(source="two", start=noon, end=later, cause="x", filled=True)

    def states(*gaps: Gap) -> list[str]:
        return [row.state for row in rows(days, "day", zone=ZoneInfo("UTC"), gaps=gaps)]

    assert states() == ["few", "zero", "few"]
    assert states(gap) == ["few", "unknown", "few"]
    assert states(gap, filled) == ["few", "zero", "few"]
    assert states(gap, elsewhere) == ["few", "unknown", "few"]


def test_a_gap_that_is_filled_in_part_stays() -> None:
    gap = Gap(source="one", start=START, end=START + timedelta(hours=2))
    part = Gap(source="one", start=START, end=START + timedelta(hours=1), filled=True)
    assert unfilled([gap, part]) == [gap]
    assert unfilled([Gap(source="one", start=START), part]) == [Gap(source="one", start=START)]


def test_a_stream_that_breaks_off_every_minute_for_weeks_is_read_in_no_time() -> None:
    minute = timedelta(minutes=1)
    gaps = []
    for number in range(50_000):
        start = START + number * minute
        gaps.append(Gap(source="one", start=start, end=start + minute / 9))
        gaps.append(Gap(source="one", start=start, end=start + minute / 9, filled=True))
    open_gap = Gap(source="one", start=START + minute / 2, end=START + minute)
    assert unfilled([*gaps, open_gap]) == [open_gap]
