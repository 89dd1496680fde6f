"""A deletion that is killed and repeated holds for writers that looked in between.

Writers remember which tombstones are not there. On a server nothing but the order of requests ties
what they remember to what is written, so a deletion is killed after each of its writes.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner

from ingest.records import Post
from pipelines.commands import delete
from pipelines.commands._shared.output import count
from pipelines.records import Collected
from pipelines.stores.elasticsearch import ElasticsearchStore, purge
from pipelines.stores.elasticsearch.address import address
from pipelines.stores.elasticsearch.indices import Indices, Write, Written
from pipelines.stores.protocols import Store
from tests.conformance.corpus import Feeder, drain, post, tombstone
from tests.conformance.test_elasticsearch import empty
from tests.pipelines.an_elasticsearch import stored
from tests.servers import Elastic

#: Long forms are run as well (`MARSAD_TEST_FAULTS=1`); read before tests hide the variable.
FAULTS = bool(os.environ.get("MARSAD_TEST_FAULTS"))

WORDS = "une phrase que personne ne doit plus lire"
FIRST, SECOND, THIRD = (f"twitter:69000000000000000{n}" for n in (1, 2, 3))
ORIGINAL = post(FIRST, WORDS, author="u_a")
#: Without a date nothing else is known by it.
REPOST = post(SECOND, WORDS, created_at=None, author="u_b", repost_of=FIRST)
#: It names neither the first post nor its author.
OF_REPOST = post(THIRD, WORDS, author="u_c", repost_of=SECOND)
TWIN = post("archive:f:1", WORDS, author="u_d")


class Case(NamedTuple):
    """What is stored, a deletion, and a post that may never come in after it."""

    before: Callable[[Store], object]
    deletion: Callable[[Store], object]
    post: Post


def _stored(*posts: Post) -> Callable[[Store], object]:
    def store_them(store: Store) -> None:
        Feeder(store)(*posts)
        drain(store)

    return store_them


def _deleted(name: str = "", author: str = "") -> Callable[[Store], object]:
    return lambda store: store.delete([tombstone(name, author)])


def _brought(*posts: Post) -> Callable[[Store], object]:
    """A writer's batch of posts that are refused: what repeats them is deleted with them."""
    return lambda store: Feeder(store, "refused")(*posts)


CASES = {
    "command": Case(_stored(post("t:9")), _deleted(FIRST), ORIGINAL),
    "command: its reposts": Case(_stored(ORIGINAL, REPOST), _deleted(author="u_a"), OF_REPOST),
    "command: its twin": Case(_stored(ORIGINAL), _deleted(FIRST), TWIN),
    "source": Case(
        _stored(post("t:9")),
        lambda store: Feeder(store, "source")(tombstones=[tombstone(FIRST)]),
        ORIGINAL,
    ),
    "refused: its reposts": Case(_deleted(FIRST), _brought(REPOST), OF_REPOST),
    "refused: its twin": Case(_deleted(author="u_a"), _brought(ORIGINAL), TWIN),
    "index worker: a twin": Case(
        _deleted(author="u_a"), lambda store: store.write_tombstones([], [ORIGINAL]), TWIN
    ),
}


class Remembering:
    """A writer that has asked whether the post was deleted, and brings it later."""

    def __init__(self, url: str, given: Post) -> None:
        self.store = ElasticsearchStore(url)
        self.post = given

    def look(self) -> None:
        """Learn which tombstones there are at this moment."""
        self.store.deleted_ids([Collected(self.post)])

    def write(self) -> None:
        """Bring the post."""
        Feeder(self.store, "other")(self.post)
        drain(self.store)

    def close(self) -> None:
        self.store.close()


class StandingStill(Remembering):
    """A writer that stands still between its look for tombstones and its documents."""

    def __init__(self, url: str, given: Post) -> None:
        super().__init__(url, given)
        self._looked, self._goes_on = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._work)
        self._failed: BaseException | None = None

    def look(self) -> None:
        self._thread.start()
        assert self._looked.wait(120)

    def write(self) -> None:
        self._goes_on.set()
        self._thread.join()
        assert self._failed is None

    def close(self) -> None:
        self._goes_on.set()
        super().close()

    def _work(self) -> None:
        bulk = self.store.indices.bulk

        def late(writes: Sequence[Write], **more: Any) -> list[Written]:
            if any("-posts-" in one.where for one in writes):
                self._looked.set()
                assert self._goes_on.wait(120)
            return bulk(writes, **more)

        self.store.indices.bulk = late  # type: ignore[method-assign]
        try:
            super().write()
        except BaseException as error:
            self._failed = error
        finally:
            self._looked.set()  # a post that is refused is not written


@contextmanager
def after_each_write(
    monkeypatch: pytest.MonkeyPatch, url: str, event: Callable[[Sequence[Write]], None]
) -> Iterator[ElasticsearchStore]:
    """Open a store; after each of its bulk requests let something happen."""
    bulk = Indices.bulk
    with ElasticsearchStore(url) as store, monkeypatch.context() as patch:

        def told(self: Indices, writes: Sequence[Write], **more: Any) -> list[Written]:
            written = bulk(self, writes, **more)
            if self is store.indices and writes:
                event(writes)
            return written

        patch.setattr(Indices, "bulk", told)
        yield store


def moments(monkeypatch: pytest.MonkeyPatch, url: str, case: Case) -> list[int]:
    """After which of its writes a deletion is killed: all, or those of tombstones."""
    kinds: list[bool] = []

    def event(writes: Sequence[Write]) -> None:
        kinds.append(writes[0].where.endswith("-tombstones"))

    with after_each_write(monkeypatch, url, event) as store:
        case.before(store)
        kinds.clear()
        case.deletion(store)
    assert any(kinds)
    return [number for number, kind in enumerate(kinds, 1) if kind or FAULTS]


def kill(
    monkeypatch: pytest.MonkeyPatch, url: str, case: Case, moment: int, look: Callable[[int], None]
) -> None:
    """Make a deletion that is killed after so many writes."""
    done = itertools.count(1)

    def event(writes: Sequence[Write]) -> None:
        number = next(done)
        look(number)
        if number == moment:
            raise KeyboardInterrupt

    with after_each_write(monkeypatch, url, event) as store:
        look(0)
        try:
            case.deletion(store)
        except KeyboardInterrupt:
            return
        assert FAULTS  # of its last writes, some depend on the time


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
@pytest.mark.parametrize("kind", [Remembering, StandingStill])
def test_a_deletion_that_is_killed_and_repeated__holds_for_a_writer_that_looked_before(
    url: str,
    real_elasticsearch: Elastic,
    monkeypatch: pytest.MonkeyPatch,
    kind: type[Remembering],
    case: Case,
) -> None:
    back = []
    for moment in moments(monkeypatch, url, case):
        # One that remembers looks after each write; one that stands still has looked once.
        at = [range(moment)] if kind is Remembering else [[n] for n in range(moment)]
        for looks in at if FAULTS else at[-1:]:
            empty(real_elasticsearch, address(url).prefix)
            with ElasticsearchStore(url) as store:
                case.before(store)
            with closing(kind(url, case.post)) as other:
                kill(
                    monkeypatch,
                    url,
                    case,
                    moment,
                    lambda n, other=other, looks=looks: other.look() if n in looks else None,
                )
                with ElasticsearchStore(url) as store:
                    case.deletion(store)
                other.write()
            if case.post.id in stored(url):
                back.append((moment, looks))
    assert back == []


def test_a_deletion_that_is_killed__holds_once_another_writer_has_cleaned_up(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = CASES["command"]

    def event(writes: Sequence[Write]) -> None:
        other.look()
        if writes[0].where.endswith("-tombstones"):
            raise KeyboardInterrupt

    with closing(Remembering(url, case.post)) as other:
        with after_each_write(monkeypatch, url, event) as store, pytest.raises(KeyboardInterrupt):
            case.deletion(store)
        monkeypatch.setattr(purge, "_released", lambda *_: True)
        with ElasticsearchStore(url) as store:
            while not purge.purge(store.indices):
                pass
        other.write()
    assert stored(url) == {}


@pytest.mark.parametrize("erased", [0, 1, 2])
def test_a_list_whose_deletion_was_killed__is_deleted_when_the_command_runs_again(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, erased: int
) -> None:
    bulk = Indices.bulk
    requests = itertools.count()

    def killed(self: Indices, writes: Sequence[Write], **more: Any) -> list[Written]:
        """Write one post a request, and end before the one after the last."""
        if not any("-posts-" in one.where for one in writes):
            return bulk(self, writes, **more)
        written = []
        for one in writes:
            if next(requests) == erased:
                raise KeyboardInterrupt
            written += bulk(self, [one], **more)
        return written

    with ElasticsearchStore(url) as store, monkeypatch.context() as patch:
        _stored(ORIGINAL, REPOST, OF_REPOST, post("t:9"))(store)
        patch.setattr(Indices, "bulk", killed)
        with pytest.raises(KeyboardInterrupt):
            _deleted(FIRST)(store)
    assert len(stored(url)) == 4 - erased
    listed = tmp_path / "ids.txt"
    listed.write_text(f"{FIRST}\n")
    for removed in (3 - erased, 0):
        told = CliRunner().invoke(delete.command, ["--from", str(listed), "--store", url])
        assert told.exit_code == 0
        assert f"{count(removed, 'post')} deleted" in told.output
        assert list(stored(url)) == ["t:9"]
