"""A store's file while it is moved, indexed anew or purged: killed, without room, with readers.

The faults are exact: a process is killed at a chosen write of any of the store's files, or these
may grow by so many bytes. ``MARSAD_TEST_FAULTS=1`` tries many moments on a larger store.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import apsw
import msgspec
import pytest

from pipelines.errors import StoreVersion
from pipelines.query import All, parse
from pipelines.records import Ledger, Sum
from pipelines.stores.sqlite import SqliteStore, erase, schema
from tests.conformance.corpus import Feeder, drain, post, scored, tombstone
from tests.pipelines.readers import check_with_two_readers
from tests.pipelines.test_sqlite_store import store_of_0_1

FAULTS = bool(os.environ.get("MARSAD_TEST_FAULTS"))
POSTS = 3_000 if FAULTS else 240
#: Moments that are tried in each kind of work.
MOMENTS = 60 if FAULTS else 3
ROOT = Path(__file__).parents[2]
QUERIES = ("mot", "texte", "lang:fr", "sentiment:negative since:2016-02-01", "id:t:7")


class Outcome(msgspec.Struct, frozen=True):
    """What a process that worked on a failing disk told."""

    said: str
    writes: int
    grown: int


class Seen(NamedTuple):
    """What a reader finds in a store."""

    ledger: Ledger
    posts: dict[str, tuple[str, str]]
    totals: dict[str, int]
    sums: list[Sum]


def seen(path: Path) -> Seen:
    with SqliteStore(path, readonly=True) as store:
        return Seen(
            store.ledger(),
            {hit.post.id: (hit.post.text, hit.day) for hit in store.scan(All())},
            {query: store.search(parse(query), 5).total for query in QUERIES},
            store.sums(All(), "day", "platform"),
        )


class Case:
    """A store with work to do, and what readers are to find before, during and after it."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind = kind
        self.work = "purge" if kind == "purge" else "reindex"
        self.original = folder / "original.db"
        posts = [
            scored(post(f"t:{n}", f"mot zqx{n} texte {n % 7} " * 8, author=f"u_{n % 9}"))
            for n in range(POSTS)
        ]
        if kind == "move":
            store_of_0_1(self.original, posts)
        else:
            with SqliteStore(self.original, timezone="UTC") as store:
                Feeder(store)(*posts)
                drain(store)
                if kind == "purge":
                    store.delete([tombstone(f"t:{n}") for n in range(0, POSTS, 3)])
        self.folder = folder
        whole = self.copy("whole")
        self.whole = self.run(whole)
        assert self.whole.said == ""
        self.expected = seen(whole)
        self.check_whole(whole)

    def copy(self, name: str) -> Path:
        path = self.folder / f"{name}.db"
        shutil.copyfile(self.original, path)
        return path

    def process(self, path: Path, **options: int) -> subprocess.Popen[str]:
        given = [f"{name}={value}" for name, value in options.items()]
        return subprocess.Popen(
            [sys.executable, "-m", "tests.pipelines.failing_disk", self.work, str(path), *given],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, path: Path, **options: int) -> Outcome:
        process = self.process(path, **options)
        output, errors = process.communicate()
        assert process.returncode == 0, errors
        return msgspec.convert(json.loads(output), Outcome)

    def killed(self, path: Path, moment: int) -> None:
        process = self.process(path, kill=moment)
        _, errors = process.communicate()
        assert process.returncode == -signal.SIGKILL, errors

    def check_readable(self, path: Path) -> None:
        """Hold what a reader finds now to what it found before, or to the words of a refusal."""
        try:
            found = seen(path)
        except StoreVersion as refused:
            words = str(refused)
            assert self.kind == "move", words
            assert "run marsad reindex" in words, words
        else:
            assert found == self.expected

    def check_refusal(self, path: Path, said: str) -> None:
        """Hold what work without room says to clear words, and the file to what was there."""
        if self.kind == "purge":  # nobody asked for it just now: `marsad status` tells
            assert said == f"{POSTS // 3} not purged"
        else:
            assert said.startswith(f"StoreFull: No room is left for {path}")
            assert "it goes on where it stopped, and what was stored before is whole" in said
        self.check_readable(path)

    def check_whole(self, path: Path) -> None:
        """Hold the file to what is there when the work was done to its end."""
        assert seen(path) == self.expected
        with closing(apsw.Connection(str(path))) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            connection.execute("INSERT INTO words (words) VALUES ('integrity-check')")
        with SqliteStore(path) as store:
            assert Feeder(store)(post("t:later")).pending == 1
        if self.kind == "purge":
            files = b"".join(one.read_bytes() for one in self.folder.glob(f"{path.name}*"))
            assert b"zqx3 " not in files
            assert path.stat().st_size < self.original.stat().st_size


@pytest.fixture(scope="module", params=["move", "reindex", "purge"])
def case(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Case]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(erase, "PURGE_SHARE", 9)  # the tests say when the file is rewritten
        yield Case(request.param, tmp_path_factory.mktemp(request.param))


def moments(last: int, number: int = MOMENTS) -> list[int]:
    """Return moments from the first to the last one, evenly."""
    return sorted({1 + (last - 1) * n // (number - 1) for n in range(number)})


def test_killed_at_any_write_nothing_is_lost_and_the_next_one_ends_it(case: Case) -> None:
    for moment in moments(case.whole.writes):
        path = case.copy("killed")
        case.killed(path, moment)
        case.check_readable(path)
        assert case.run(path).said == ""
        case.check_whole(path)
        for file in case.folder.glob("killed.db*"):
            file.unlink()


def test_killed_again_and_again_it_goes_on_to_the_same_end(case: Case) -> None:
    path = case.copy("again")
    for _ in range(MOMENTS):
        process = case.process(path, kill=max(case.whole.writes // 3, 2))
        process.communicate()
        case.check_readable(path)
        if process.returncode == 0:
            break
    assert case.run(path).said == ""
    case.check_whole(path)


def test_without_room_it_ends_in_clear_words_and_goes_on_when_there_is_some(case: Case) -> None:
    for room in moments(case.whole.grown)[:-1]:
        path = case.copy("full")
        said = case.run(path, room=room - 1).said
        if room > 1 and said == "":  # it can do with less, in more writes
            case.check_whole(path)
        else:
            case.check_refusal(path, said)
            assert case.run(path).said == ""
            case.check_whole(path)
        for file in case.folder.glob("full.db*"):
            file.unlink()


def test_two_readers_find_the_same_from_its_beginning_to_its_end(case: Case) -> None:
    path = case.copy("read")
    check_with_two_readers(lambda: case.process(path), lambda: case.check_readable(path))
    case.run(path)  # what a reader kept from being done
    case.check_whole(path)


def test_a_reader_that_opens_a_store_as_its_move_begins_is_told_of_the_move(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "posts.db"
    store_of_0_1(path, [scored(post("t:1"))])
    exists = schema._exists

    def begun_meanwhile(connection: apsw.Connection, table: str) -> bool:
        """Let the move begin when the reader has seen that no old table is there."""
        found = exists(connection, table)
        if table == f"old_{schema.OLD[-1]}":
            monkeypatch.setattr(schema, "_exists", exists)
            SqliteStore(path, reindexing=True).close()
        return found

    monkeypatch.setattr(schema, "_exists", begun_meanwhile)
    with pytest.raises(StoreVersion, match="run marsad reindex"):
        SqliteStore(path, readonly=True)


def test_one_state_is_read_to_its_end_while_the_work_is_done(case: Case) -> None:
    if case.kind == "move":
        pytest.skip("nothing is read before it was moved")
    path = case.copy("held")
    with SqliteStore(path, readonly=True) as store:
        hits = store.scan(All())
        first = next(hits)
        said = case.run(path).said
        assert said == (f"{POSTS // 3} not purged" if case.kind == "purge" else "")
        found = {hit.post.id: (hit.post.text, hit.day) for hit in (first, *hits)}
    assert found == case.expected.posts
    assert case.run(path).said == ""
    case.check_whole(path)
