"""An import, the scoring of what waits and a deletion: killed, without room, with readers.

The faults are exact, as in ``test_sqlite_faults.py``. What readers find changes here while the work
is done; it must be one whole state each time. ``MARSAD_TEST_FAULTS=1`` tries many moments on a
larger store.
"""

from __future__ import annotations

import json
import random
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

from pipelines.errors import StoreMissing
from pipelines.query import All, parse
from pipelines.records import Ledger
from pipelines.stores.sqlite import SqliteStore, erase
from tests.conformance.store_suite import balance
from tests.pipelines import interrupted_work
from tests.pipelines.readers import check_with_two_readers
from tests.pipelines.test_sqlite_faults import FAULTS, ROOT, Outcome, moments

POSTS = 1_000 if FAULTS else 120
#: Moments that are tried in each kind of work.
MOMENTS = 20 if FAULTS else 3
#: The posts that are deleted.
GONE = range(0, POSTS, 3)
#: Words of their texts, which no other post has.
TRACES = [f"zqx{n} ".encode() for n in GONE]


class Seen(NamedTuple):
    """What a reader finds in a store."""

    ledger: Ledger
    posts: dict[str, tuple[str, str, str, str]]


def seen(path: Path) -> Seen:
    """Read one store by several ways, and hold them to each other.

    Each way is a read of its own: what another process commits in between is read again.
    """
    with SqliteStore(path, readonly=True) as store:
        while True:
            ledger = balance(store.ledger())
            posts = {
                hit.post.id: (hit.post.text, hit.day, hit.post.model, hit.post.scored)
                for hit in store.scan(All())
            }
            if store.ledger() == ledger:
                return Seen(ledger, posts)


def check_totals(path: Path) -> None:
    """Hold the index, the running totals and the counters of a store at rest to its posts."""
    with SqliteStore(path, readonly=True) as store:
        posts = [hit.post for hit in store.scan(All())]
        final = [post for post in posts if not post.scored]
        for query, expected in (
            ("", len(posts)),
            ("texte", len(posts)),
            ("scored:final", len(final)),
            ("lang:fr scored:provisional", len(posts) - len(final)),
        ):
            assert store.search(parse(query), 5).total == expected, query
        assert sum(one.posts for one in store.sums(All(), "day", "platform")) == len(final)
        assert store.ledger().pending >= len(posts) - len(final)
    with closing(apsw.Connection(str(path))) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.execute("INSERT INTO words (words) VALUES ('integrity-check')")


class Case:
    """A store with work to do, and what is there when it was done to its end."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind = kind
        self.folder = folder
        self.original = folder / "original.db"
        (folder / "posts.ndjson").write_text(_archive(), encoding="utf-8")
        (folder / "ids.txt").write_text("".join(f"forum:{n}\n" for n in GONE), encoding="utf-8")
        if kind != "ingest":
            interrupted_work.ingest(self.original)
        if kind == "delete":
            interrupted_work.score(self.original)
        whole = self.copy("whole")
        self.whole = self.run(whole)
        assert self.whole.said == ""
        self.expected = seen(whole)
        self.check_whole(whole)

    def copy(self, name: str) -> Path:
        path = self.folder / f"{name}.db"
        if self.original.exists():
            shutil.copyfile(self.original, path)
        return path

    def remove(self, path: Path) -> None:
        for file in self.folder.glob(f"{path.name}*"):
            file.unlink()

    def process(self, path: Path, **options: int) -> subprocess.Popen[str]:
        given = [f"{name}={value}" for name, value in options.items()]
        return subprocess.Popen(
            [sys.executable, "-m", "tests.pipelines.failing_disk", self.kind, str(path), *given],
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
        """Hold what a reader finds in the midst of the work to one whole state."""
        try:
            found = seen(path)
        except StoreMissing:
            assert self.kind == "ingest"  # it has not come to its first post
            return
        ledger, posts = found
        for name, (text, day, _, _) in posts.items():
            assert (text, day) == TEXTS[name] or text == EDITED.get(name), name
        provisional = sum(1 for *_, scored in posts.values() if scored)
        if self.kind == "ingest":
            assert provisional == len(posts)
            # What was accepted a moment ago can't be found yet, and is found by the next command.
            hidden = ledger.pending - len(posts)
            assert 0 <= hidden <= interrupted_work.BATCH + len(EDITED)
        if self.kind == "score":
            assert len(posts) == POSTS
        if self.kind == "delete":
            assert len(posts) == POSTS - ledger.deleted

    def check_whole(self, path: Path) -> None:
        """Hold the store to what is there when the work was done to its end at once."""
        assert seen(path) == self.expected
        check_totals(path)
        if self.kind == "delete":
            files = b"".join(one.read_bytes() for one in self.folder.glob(f"{path.name}*"))
            assert [trace for trace in TRACES if trace in files] == []
        if self.kind == "ingest":
            with SqliteStore(path, readonly=True) as store, store.dead_letters() as kept:
                assert [one.reason for one in kept.entries()] == ["no-text"]


def _text(number: int) -> str:
    return " ".join(("mot", f"zqx{number}", "texte", *["long"] * (number % 7)))


#: What a reader may find of each post: its text and day; and its text after an edit.
TEXTS = {f"forum:{n}": (_text(n), "2016-02-27") for n in range(POSTS)}
EDITED = {f"forum:{n}": f"edited zqx{n} texte" for n in (1, POSTS // 2 + 1)}


def _archive() -> str:
    """A file of posts with edits, duplicates and a record without a text."""
    at = "2016-02-27T10:00:00Z"
    records: list[dict[str, object]] = [
        {
            "id": f"{n}",
            "platform": "forum",
            "text": _text(n),
            "author": f"somebody{n % 9}",
            "created_at": at,
        }
        for n in range(POSTS)
    ]
    edits = [
        records[int(name.partition(":")[2])] | {"text": text, "edited_at": "2016-12-01T00:00:00Z"}
        for name, text in EDITED.items()
    ]
    records += [*records[5:8], *edits, {"id": "none", "platform": "forum"}]
    random.Random(7).shuffle(records)
    return "".join(json.dumps(record) + "\n" for record in records)


KINDS = ("ingest", "score", "delete")
#: What takes long, and is much the same in each kind of work.
LONG = pytest.mark.parametrize("case", KINDS if FAULTS else KINDS[:1], indirect=True)


@pytest.fixture(scope="module", params=KINDS)
def case(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Case]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(erase, "PURGE_SHARE", 9)
        yield Case(request.param, tmp_path_factory.mktemp(request.param))


def test_killed_at_any_write_the_same_command_comes_to_the_same_end(case: Case) -> None:
    for moment in moments(case.whole.writes, MOMENTS):
        path = case.copy("killed")
        case.killed(path, moment)
        case.check_readable(path)
        assert case.run(path).said == ""
        case.check_whole(path)
        case.remove(path)


@LONG
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


@LONG
def test_with_the_end_of_its_log_cut_off_it_goes_on_from_an_earlier_state(case: Case) -> None:
    """As when the power goes off on a disk that acknowledged what it had not written."""
    draw = random.Random(11)
    cut = 0
    # A deletion moves its log into the file soon, so that half of the moments are early ones.
    early = moments(case.whole.writes // 30, max(MOMENTS // 2, 2))
    for moment in sorted({*early, *moments(case.whole.writes, MOMENTS)}):
        path = case.copy("cut")
        case.killed(path, moment)
        log = Path(f"{path}-wal")
        # Once a part of the log was moved into the file, the file needs the rest of it.
        before = case.original.read_bytes() if case.original.exists() else b""
        moved = path.stat().st_size > 4096 and path.read_bytes() != before
        if not moved and log.exists() and log.stat().st_size:
            size = draw.randrange(log.stat().st_size)
            with log.open("r+b") as file:
                file.truncate(size)
                file.seek(max(size - 100, 0))
                file.write(draw.randbytes(draw.choice((0, 50))))
            Path(f"{path}-shm").unlink()  # which does not outlive a power cut
            cut += 1
        case.check_readable(path)
        assert case.run(path).said == ""
        case.check_whole(path)
        case.remove(path)
    assert cut


def test_without_room_it_ends_in_clear_words_and_goes_on_when_there_is_some(case: Case) -> None:
    for room in moments(case.whole.grown, MOMENTS)[:-1]:
        path = case.copy("full")
        said = case.run(path, room=room - 1).said
        if room > 1 and said in ("", "not clean"):  # it can do with less, in more writes
            case.check_whole(path)
        else:
            assert said.startswith(f"StoreFull: No room is left for {path}")
            assert "it goes on where it stopped, and what was stored before is whole" in said
        case.check_readable(path)
        assert case.run(path).said == ""
        case.check_whole(path)
        case.remove(path)


def test_two_readers_find_whole_states_from_its_beginning_to_its_end(case: Case) -> None:
    path = case.copy("read")
    check_with_two_readers(lambda: case.process(path), lambda: case.check_readable(path))
    case.run(path)  # what a reader kept from being done
    case.check_whole(path)


def test_a_store_that_another_process_is_making__is_told_as_empty_to_a_reader(
    tmp_path: Path,
) -> None:
    path = tmp_path / "new.db"
    SqliteStore(path).close()
    with closing(apsw.Connection(str(path))) as connection:  # as before its first note
        connection.execute("DELETE FROM meta WHERE name = 'analysis'")
    with pytest.raises(StoreMissing, match="There is nothing in"):
        SqliteStore(path, readonly=True)
