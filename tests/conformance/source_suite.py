"""What every source on a platform must do, whatever the platform.

A source takes part with a class of its own, whose ``simulator`` fixture gives its platform on this
machine (:mod:`tests.simulators`)::

    class TestBluesky(SourceSuite):
        @pytest.fixture
        def simulator(self) -> Iterator[Jetstream]:
            with jetstream() as simulator:
                yield simulator
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ingest.errors import SourceBlocked, SourceChanged, SourceError, SourceGone
from ingest.http.client import Client
from ingest.mapping import items, unexpected
from ingest.mapping.posts import Frame, build
from ingest.privacy.keyring import Keyring
from ingest.privacy.protector import Protector
from ingest.records import Gap, Heartbeat, Item, Post, Reject, Tombstone, encode
from ingest.sources import responses
from ingest.sources.base import LiveSource, Means, Order
from ingest.sources.registry import find, make
from pipelines.live.choose import means as real_means
from pipelines.live.reader import Subscription
from pipelines.live.run import run
from pipelines.stages import Collector, collected_tombstone
from pipelines.stop import Stop
from pipelines.stores.sqlite import SqliteStore
from tests.simulators.base import START, Fault, Simulator, moment

#: A day on which all that simulators publish is in the past.
NOW = datetime(2026, 12, 1, tzinfo=UTC)
#: More than fits into a page of any platform that has pages.
MANY = 45

ERRORS: dict[Fault, type[SourceError]] = {
    Fault.TOO_MANY: SourceBlocked,
    Fault.BROKEN: SourceError,
    Fault.HTML: SourceChanged,
    Fault.LOGIN: SourceBlocked,
    Fault.CAPTCHA: SourceBlocked,
    Fault.HALF: SourceError,
    Fault.NOWHERE: SourceError,
    Fault.CHANGED: SourceChanged,
    Fault.MISSING: SourceGone,
}
#: Faults after which there is something to look at.
WITH_BODY = (Fault.TOO_MANY, Fault.BROKEN, Fault.HTML, Fault.LOGIN, Fault.CAPTCHA, Fault.CHANGED)


class World:
    """A source's platform, and what reads it without ever waiting."""

    def __init__(self, simulator: Simulator, folder: Path) -> None:
        self.simulator = simulator
        self.folder = folder
        self.client = Client(sleep=lambda seconds: None)

    def source(self, **order: Any) -> LiveSource:
        """The source, reading what there is until now."""
        entry = find(self.simulator.name)
        given = {"since": START, "until": NOW, **order}
        means = Means(
            client=self.client,
            now=lambda: NOW + timedelta(minutes=1),
            sleep=lambda seconds: None,
            stopped=lambda: False,
        )
        what = Order(
            url=self.simulator.url,
            target=self.simulator.target,
            secrets=self.simulator.secrets,
            **given,
        )
        return make(entry, what, means)

    def items(self, cursor: str = "", **order: Any) -> list[Item]:
        return list(self.source(**order).open(cursor))

    def protector(self) -> Protector:
        return Protector(Keyring().use())

    def store(self) -> SqliteStore:
        return SqliteStore(self.folder / "marsad.db")

    def run(self, *, limit: int | None = None, stop: Stop | None = None) -> None:
        """What ``marsad ingest`` does, without scoring."""
        stop = stop or Stop()
        source = self.source() if limit is not None else self._live(stop)
        protector = self.protector()
        with self.store() as store:
            run(
                [
                    Subscription(
                        source=source, label=self.simulator.name, live=limit is None, limit=limit
                    )
                ],
                store,
                lambda subscription: Collector(protector, None, origin=subscription.source.key),
                stop=stop,
            )

    def _live(self, stop: Stop) -> LiveSource:
        order = Order(
            url=self.simulator.url,
            target=self.simulator.target,
            since=START,
            secrets=self.simulator.secrets,
        )
        return make(find(self.simulator.name), order, real_means(stop))

    def waiting(self) -> list[Post]:
        with self.store() as store:
            return store.pending(100_000)


def posts(items: Sequence[Item]) -> list[str]:
    return [item.record.id for item in items if isinstance(item.record, Post)]


class SourceSuite:
    """The suite. ``exact``: going on from a cursor gives nothing a second time."""

    exact = True

    @pytest.fixture
    def world(self, simulator: Simulator, tmp_path: Path) -> Iterator[World]:
        world = World(simulator, tmp_path)
        yield world
        world.client.close()

    # What is read

    def test_every_post_comes_once(self, world: World) -> None:
        published = world.simulator.publish(MANY)
        assert sorted(posts(world.items())) == sorted(published)

    def test_a_post_says_what_it_is_and_when_it_was_written(self, world: World) -> None:
        world.simulator.publish(3)
        source = world.source()
        for item in source.open(""):
            if isinstance(post := item.record, Post):
                assert post.id.startswith(f"{post.platform}:")
                assert type(post.id) is type(post.reply_to) is type(post.repost_of) is str
                # without what may name an account
                assert source.name == post.source or source.name.startswith(f"{post.source}:")
                assert post.author
                assert post.version > 0
                assert post.created_at is not None
                assert post.text.startswith("post number ")

    def test_only_posts_since_and_until_come(self, world: World) -> None:
        published = world.simulator.publish(12)
        found = posts(world.items(since=moment(4), until=moment(9)))
        assert sorted(found) == sorted(published[3:8])

    def test_what_is_listened_to_gives_signs_of_life(self, world: World) -> None:
        world.simulator.publish(1)
        beats = [item for item in world.items() if isinstance(item.record, Heartbeat)]
        assert beats
        assert all(beat.record.at == NOW + timedelta(minutes=1) for beat in beats)

    def test_where_nothing_was_published_nothing_comes(self, world: World) -> None:
        assert posts(world.items()) == []

    # Going on

    def test_every_cursor_is_a_place_to_go_on_from(self, world: World) -> None:
        world.simulator.publish(MANY)
        items = world.items()
        whole = posts(items)
        for place in range(0, len(items), max(1, len(items) // 12)):
            rest = posts(items[place + 1 :])
            found = posts(world.items(items[place].cursor))
            if self.exact:
                assert sorted(found) == sorted(rest)
            else:
                assert set(rest) <= set(found) <= set(whole)

    def test_from_the_last_cursor_on_only_what_is_new_comes(self, world: World) -> None:
        world.simulator.publish(5)
        last = world.items()[-1].cursor
        new = world.simulator.publish(3)
        found = posts(world.items(last))
        assert sorted(found) == sorted(new) if self.exact else set(new) <= set(found)

    def test_a_reading_until_a_day_between_two_others_leaves_nothing_out(
        self, world: World
    ) -> None:
        published = world.simulator.publish(MANY)
        items = world.items()
        begun = items[: len(items) // 4]
        part = world.items(begun[-1].cursor, until=moment(20))
        rest = world.items(part[-1].cursor if part else begun[-1].cursor)
        assert {*posts(begun), *posts(part), *posts(rest)} == set(published)

    def test_a_reading_from_a_later_day_on_leaves_nothing_out_for_good(self, world: World) -> None:
        live = find(world.simulator.name).capabilities.live  # which begins now without a date
        early = world.simulator.publish(5)
        first = world.items(since=START if live else None)
        middle = world.simulator.publish(20)
        part = world.items(first[-1].cursor, since=moment(20))
        stopped = part[len(part) // 2]
        late = world.simulator.publish(3)
        for place in (part[-1], stopped):
            wanted = world.items(place.cursor, since=moment(22))
            rest = world.items(wanted[-1].cursor, since=None)
            cut = part[: part.index(place) + 1]
            found = {*posts(first), *posts(cut), *posts(wanted), *posts(rest)}
            assert found == {*early, *middle, *late} - self._skipped([*part, *wanted], middle)
            if self.exact:
                assert not {*posts(rest)} & {*early, *posts(wanted)}
                assert posts(world.items(rest[-1].cursor, since=None)) == []

    def _skipped(self, items: Sequence[Item], published: Sequence[str]) -> set[str]:
        """Return what of posts 6 and following lies in gaps, which say that it was left out."""
        gaps = [item.record for item in items if isinstance(item.record, Gap)]
        assert all("left out" in gap.cause for gap in gaps)
        return {
            post_id
            for number, post_id in enumerate(published, start=6)
            if any(gap.start <= moment(number) < gap.end for gap in gaps if gap.end)
        }

    def test_stopped_at_any_item_nothing_is_lost_and_nothing_doubled(self, world: World) -> None:
        published = list(world.simulator.publish(20))
        for limit in (1, 2, 3, 5, 8, 13):
            world.run(limit=limit)
            published += world.simulator.publish(2)
        world.run(limit=1_000)
        protect = world.protector()
        ids = [self.protected(protect, post_id, world) for post_id in published]
        assert sorted(post.id for post in world.waiting()) == sorted(ids)
        with world.store() as store:
            ledger = store.ledger()
        assert ledger.pending == len(published)
        assert ledger.received == ledger.pending + ledger.duplicate
        assert ledger.dead == 0

    def protected(self, protector: Protector, post_id: str, world: World) -> str:
        record = Post(id=post_id, platform=post_id.partition(":")[0], text="")
        return protector.protect(record).post.id

    def test_a_mistake_of_ours_in_reading_one_item_costs_that_item_alone(
        self, world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        world.simulator.publish(5)
        whole = posts(world.items())
        calls = itertools.count()

        def stumbles(values: dict[str, object], frame: Frame) -> Post:
            if next(calls) == 2:
                raise ZeroDivisionError(values["text"])
            return build(values, frame)

        monkeypatch.setattr(unexpected, "told", set())
        monkeypatch.setattr(items, "build", stumbles)
        monkeypatch.setattr(responses, "build", stumbles)
        read = world.items()
        [bad] = [item.record for item in read if isinstance(item.record, Reject)]
        assert (bad.reason, bad.detail) == ("mapping-failed", "unexpected ZeroDivisionError")
        assert b"post number" in bad.raw
        assert len(posts(read)) == 4
        assert set(posts(read)) < set(whole)
        assert "ZeroDivisionError" in caplog.text
        assert "post number" not in caplog.text  # nor on any other way to a log

    # What comes instead of posts

    @pytest.mark.parametrize("fault", ERRORS, ids=lambda fault: fault.name.lower())
    def test_what_comes_instead_is_an_error_of_the_source(self, world: World, fault: Fault) -> None:
        world.simulator.publish(3)
        world.simulator.fail(fault)
        with pytest.raises(ERRORS[fault]) as caught:
            world.items()
        error = caught.value
        if fault is Fault.BROKEN:
            assert type(error) is SourceError
        if fault in WITH_BODY:
            assert error.body
        assert error.wait == (7 if fault is Fault.TOO_MANY else 0)
        assert str(error)

    @pytest.mark.parametrize("fault", ERRORS, ids=lambda fault: fault.name.lower())
    def test_after_it_reading_goes_on_where_it_was(self, world: World, fault: Fault) -> None:
        published = world.simulator.publish(4)
        last = world.items()[-1].cursor
        world.simulator.fail(fault)
        with pytest.raises(SourceError):
            world.items(last)
        published = [*published, *world.simulator.publish(3)]
        world.simulator.fail(None)
        found = posts(world.items(last))
        assert set(published[4:]) <= set(found) <= set(published)

    def test_a_name_that_cannot_be_is_told_before_anything_is_asked(self, world: World) -> None:
        if find(world.simulator.name).targets == "none":
            return
        order = Order(
            url=world.simulator.url, target="no such / thing?", secrets=world.simulator.secrets
        )
        means = Means(
            client=world.client,
            now=lambda: NOW,
            sleep=lambda seconds: None,
            stopped=lambda: False,
        )
        with pytest.raises(SourceError, match="no such"):
            make(find(world.simulator.name), order, means)

    # People

    def test_no_account_is_seen_after_protection_nor_one_that_was_asked_for(
        self, world: World
    ) -> None:
        world.simulator.publish(8)
        protector = world.protector()
        for item in world.items():
            if isinstance(item.record, Post):
                post = msgspec.structs.replace(protector.protect(item.record).post, text="")
                shown = encode(post).decode().casefold()
                for name in world.simulator.accounts():
                    assert name.casefold() not in shown

    def test_a_post_deleted_on_the_platform_is_deleted_here(self, world: World) -> None:
        if not find(world.simulator.name).capabilities.deletions:
            return
        first, second, third = world.simulator.publish(3)
        protector = world.protector()
        with listening(world):
            until(lambda: len(world.waiting()) == 3)
            world.simulator.delete(second)
            until(lambda: len(world.waiting()) == 2)
        kept = {post.id for post in world.waiting()}
        gone = collected_tombstone(
            protector, Tombstone(platform=world.simulator.name, id=second)
        ).tombstone.id
        assert gone not in kept
        assert kept == {self.protected(protector, one, world) for one in (first, third)}
        world.run(limit=1_000)
        assert gone not in {post.id for post in world.waiting()}

    def test_what_is_no_post_is_no_gap_and_nothing_dead(self, world: World) -> None:
        world.simulator.publish(3)
        kinds = {type(item.record) for item in world.items()}
        assert kinds <= {Post, Heartbeat}
        assert not kinds & {Gap, Reject}


class listening:  # noqa: N801 - reads as a word
    """Runs the source in a thread, for ever, until the block ends."""

    def __init__(self, world: World) -> None:
        self._stop = Stop()
        self._thread = threading.Thread(target=world.run, kwargs={"stop": self._stop})

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()


def until(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    """Ask again and again until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.05)
