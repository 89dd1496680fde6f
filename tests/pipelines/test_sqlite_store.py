"""What only a store in one file must do: its rights, its versions, crashes, locks, full disks."""

from __future__ import annotations

import os
import random
import resource
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import cast
from zoneinfo import ZoneInfo

import apsw
import msgspec
import pytest

from ingest.records import Post, encode
from nlp.crossscript import key
from pipelines import stages
from pipelines.errors import StoreBusy, StoreError, StoreFull, StoreMissing, StoreVersion
from pipelines.query import All, parse
from pipelines.records import Batch, CollectedTombstone, Ledger, Position
from pipelines.stores.sqlite import SqliteStore, erase, numbers, reindex, schema, twins
from tests.conformance.corpus import (
    NOW,
    Feeder,
    attitude,
    corpus,
    dead_letter,
    document,
    drain,
    fill,
    post,
    scored,
    tombstone,
)
from tests.conformance.store_suite import QUERIES, ids

UTC = ZoneInfo("UTC")
ROOT = Path(__file__).parents[2]


def python(script: str, *arguments: str, **options: object) -> subprocess.Popen[str]:
    """Start another process that runs a script with this project's modules."""
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,  # type: ignore[call-overload]
    )


class TestOpening:
    def test_a_new_store_is_readable_by_its_owner_alone(self, tmp_path: Path) -> None:
        previous = os.umask(0)
        try:
            with SqliteStore(tmp_path / "a.db") as store, store.writer("test"):
                Feeder(store)(post("t:1"), dead=[dead_letter(1)])
                modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in tmp_path.iterdir()}
        finally:
            os.umask(previous)
        assert {"a.db", "a.db-wal", "a.db-shm", "a.db.lock", "a.db.dead"} == set(modes)
        assert set(modes.values()) == {0o600}

    def test_reading_where_there_is_no_store_says_what_to_do(self, tmp_path: Path) -> None:
        with pytest.raises(StoreError, match=r"no store at .*a\.db: run marsad ingest first"):
            SqliteStore(tmp_path / "a.db", readonly=True)
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("readonly", [False, True])
    def test_a_folder_is_no_store(self, tmp_path: Path, readonly: bool) -> None:
        with pytest.raises(StoreError, match="is a folder"):
            SqliteStore(tmp_path, readonly=readonly)

    @pytest.mark.parametrize("readonly", [False, True])
    def test_another_file_is_no_store_and_stays_as_it_is(
        self, tmp_path: Path, readonly: bool
    ) -> None:
        path = tmp_path / "notes.txt"
        path.write_text("only notes, nothing else\n" * 100)
        before = path.read_bytes()
        with pytest.raises(StoreError, match=r"notes\.txt is no store of Marsad"):
            SqliteStore(path, readonly=readonly)
        assert path.read_bytes() == before

    @pytest.mark.parametrize("readonly", [False, True])
    def test_another_programs_database_is_refused(self, tmp_path: Path, readonly: bool) -> None:
        path = tmp_path / "other.db"
        with closing(apsw.Connection(str(path))) as connection:
            connection.execute("CREATE TABLE other (x)")
        with pytest.raises(StoreError, match="no store of Marsad"):
            SqliteStore(path, readonly=readonly)

    def test_a_missing_folder_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(StoreError, match=r"the folder .*nowhere is not there"):
            SqliteStore(tmp_path / "nowhere" / "a.db")

    def test_a_reader_does_not_write(self, tmp_path: Path) -> None:
        SqliteStore(tmp_path / "a.db").close()
        with (
            SqliteStore(tmp_path / "a.db", readonly=True) as store,
            pytest.raises(StoreError, match="for reading only"),
        ):
            Feeder(store)(post("t:1"))

    def test_days_of_two_time_zones_do_not_mix(self, tmp_path: Path) -> None:
        path = tmp_path / "a.db"
        with SqliteStore(path, timezone="Africa/Casablanca") as store, store.writer("ingest"):
            assert store.status().timezone == "Africa/Casablanca"
        with (
            SqliteStore(path, timezone="Asia/Tokyo") as store,
            pytest.raises(StoreError, match="time zone Africa/Casablanca, but Asia/Tokyo"),
            store.writer("ingest"),
        ):
            pass

    def test_a_zone_for_new_stores_changes_none_that_is_there(self, tmp_path: Path) -> None:
        path = tmp_path / "a.db"
        for offered in ("Asia/Beirut", "Asia/Tokyo"):
            with SqliteStore(path, new_timezone=offered) as store, store.writer("ingest"):
                assert store.timezone() == "Asia/Beirut"
        with SqliteStore(path, readonly=True, new_timezone="Asia/Tokyo") as store:
            assert store.timezone() == "Asia/Beirut"


RIGHTS = """
import os, sys
from pipelines.errors import StoreError
from pipelines.stores.sqlite import SqliteStore
if os.geteuid() == 0:
    os.setgid(65534); os.setuid(65534)
try:
    SqliteStore(sys.argv[1], readonly=sys.argv[2] == "reader").status()
    print("opened")
except StoreError as error:
    print(error)
"""


class TestRights:
    """As an ordinary account; where the tests run as root, as ``nobody``."""

    def run(self, change: Callable[[Path], None], how: str) -> str:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            folder.chmod(0o755)
            with SqliteStore(folder / "a.db") as store:
                fill(store)
            change(folder)
            process = python(RIGHTS, str(folder / "a.db"), how)
            output, errors = process.communicate()
            folder.chmod(0o755)
        assert process.returncode == 0, errors
        return output

    @pytest.mark.parametrize("how", ["reader", "writer"])
    def test_a_store_of_another_account_is_refused_in_clear_words(self, how: str) -> None:
        output = self.run(lambda folder: (folder / "a.db").chmod(0), how)
        assert "a.db can't be" in output
        assert "Permission denied" in output

    def test_a_read_only_store_can_be_read(self) -> None:
        def change(folder: Path) -> None:
            (folder / "a.db").chmod(0o444)
            folder.chmod(0o555)

        assert self.run(change, "reader") == "opened\n"
        assert "Permission denied" in self.run(change, "writer")


def store_of_0_1(path: Path, posts: Sequence[Post] | None = None) -> Path:
    """A store as Marsad 0.1 wrote it: its tables, the corpus, and a post that waits."""
    posts = corpus() if posts is None else posts
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        schema.migrate(connection, path, schema.STEPS[:2])
        for number, one in enumerate(posts, 1):
            body = encode(one).decode()
            rank = "{} {} {}".format(*one.rank())
            connection.execute(
                "INSERT INTO bodies (rowid, rank, watchlist, post) VALUES (?, ?, ?, ?)",
                (number, rank, one.watchlist, body),
            )
            connection.execute(
                "INSERT INTO posts (rowid, id, day, hour, created, platform, author, source, "
                "language, label, negative, neutral, positive, flags, model) "
                "VALUES (?, ?, '', '', NULL, ?, ?, ?, ?, '', 0, 0, 0, '', ?)",
                (number, one.id, one.platform, one.author, one.source, one.language, one.model),
            )
        connection.execute(
            "INSERT INTO queue (id, rank, watchlist, author, weight, post) "
            "VALUES ('t:1', '0 0 d', '', '', 1, ?)",
            ('{"id":"t:1","platform":"t","text":"vieux","digest":"d"}',),
        )
        connection.execute(
            "INSERT INTO counters VALUES ('received', ?), ('accepted', ?)", [len(posts) + 1] * 2
        )
        connection.execute("INSERT INTO meta VALUES ('timezone', 'UTC'), ('analysis', '1')")
    return path


class TestVersions:
    @pytest.mark.parametrize("readonly", [False, True])
    def test_a_store_of_marsad_0_1_is_refused_and_told_how_to_move_it(
        self, tmp_path: Path, readonly: bool
    ) -> None:
        path = store_of_0_1(tmp_path / "a.db")
        before = path.read_bytes()
        with pytest.raises(StoreVersion, match=r"written by Marsad 0\.1.*run marsad reindex"):
            SqliteStore(path, readonly=readonly)
        assert path.read_bytes() == before

    def test_reindex_moves_what_a_store_of_marsad_0_1_holds(self, tmp_path: Path) -> None:
        path = store_of_0_1(tmp_path / "a.db")
        with SqliteStore(path, reindexing=True) as store:
            assert store.reindex(UTC) == 13
        with SqliteStore(path) as store:
            assert {hit.post.id: hit.post for hit in store.scan(All())} == {
                p.id: p for p in corpus()
            }
            assert {query: " ".join(ids(store, query)) for query in QUERIES} == QUERIES
            assert [p.id for p in store.pending(9)] == ["t:1"]
            assert store.ledger() == Ledger(received=13, indexed=12, pending=1)
            assert Feeder(store)(*corpus()).duplicate == 12
            assert store.search(parse("honte"), 9).total == 2

    def test_a_move_that_stops_half_way_goes_on(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(reindex, "BATCH", 5)
        path = store_of_0_1(tmp_path / "a.db")

        def stopped(posts: int) -> None:
            raise KeyboardInterrupt

        for _ in range(2):
            with SqliteStore(path, reindexing=True) as store, pytest.raises(KeyboardInterrupt):
                store.reindex(UTC, stopped)
            with pytest.raises(StoreVersion, match="run marsad reindex"):
                SqliteStore(path)
        with SqliteStore(path, reindexing=True) as store:
            assert store.reindex(UTC) == 3
        with SqliteStore(path) as store:
            assert {hit.post.id for hit in store.scan(All())} == {p.id for p in corpus()}
            assert store.status().posts == 12

    def test_a_store_of_marsad_0_1_without_posts_is_taken_over(self, tmp_path: Path) -> None:
        path = tmp_path / "a.db"
        with closing(apsw.Connection(str(path))) as connection:
            schema.migrate(connection, path, schema.STEPS[:2])
        with SqliteStore(path) as store:
            fill(store)
            assert store.status().posts == 12

    @pytest.mark.parametrize(
        ("analysed", "told"),
        [
            (2, r"analysed by an older Marsad .analysis 2.*run marsad reindex"),
            (3, rf"older Marsad .schema 4; this one has {schema.VERSION}.*run marsad reindex"),
        ],
    )
    def test_reading_an_older_store_changes_nothing_in_it(
        self, tmp_path: Path, analysed: int, told: str
    ) -> None:
        path = tmp_path / "a.db"
        with SqliteStore(path) as store:
            fill(store)
        with closing(apsw.Connection(str(path))) as connection:
            connection.execute("PRAGMA user_version = 4")
            connection.execute("UPDATE meta SET value = ? WHERE name = 'analysis'", (analysed,))
        before = path.read_bytes()
        with pytest.raises(StoreVersion, match=told):
            SqliteStore(path, readonly=True)
        assert path.read_bytes() == before

    def test_reading_an_older_store_without_posts_says_that_it_is_empty(
        self, tmp_path: Path
    ) -> None:
        for version in range(1, schema.VERSION):
            path = tmp_path / f"{version}.db"
            with closing(apsw.Connection(str(path))) as connection:
                schema.migrate(connection, path, schema.STEPS[:version])
            with pytest.raises(StoreMissing, match="run marsad ingest first"):
                SqliteStore(path, readonly=True)

    def test_an_older_store_of_page_readings_or_deletions_alone_is_not_called_empty(
        self, tmp_path: Path
    ) -> None:
        for version, row in (
            (1, "INSERT INTO tombstones VALUES ('id', 'twitter:1')"),
            (4, "INSERT INTO notices VALUES ('counter', 'facebook', '2016-02-27', '{}')"),
        ):
            path = tmp_path / f"{version}.db"
            with closing(apsw.Connection(str(path))) as connection:
                schema.migrate(connection, path, schema.STEPS[:version])
                connection.execute(row)
            with pytest.raises(StoreVersion, match="run marsad reindex"):
                SqliteStore(path, readonly=True)
            with SqliteStore(path, reindexing=True) as store:
                assert store.reindex(UTC) == 0
            SqliteStore(path, readonly=True).close()

    def test_a_writer_of_a_store_that_a_later_marsad_changed_is_told_so(
        self, tmp_path: Path
    ) -> None:
        with SqliteStore(tmp_path / "a.db") as store:
            fill(store)
            with closing(apsw.Connection(str(tmp_path / "a.db"))) as connection:
                connection.execute("PRAGMA user_version = 99")
            with pytest.raises(StoreVersion, match=r"later Marsad .schema 99; .* upgrade"):
                Feeder(store)(post("t:1"))

    @pytest.mark.parametrize("readonly", [False, True])
    def test_a_newer_store_is_refused_and_stays_as_it_is(
        self, tmp_path: Path, readonly: bool
    ) -> None:
        path = tmp_path / "a.db"
        SqliteStore(path).close()
        with closing(apsw.Connection(str(path))) as connection:
            connection.execute("PRAGMA user_version = 99")
        with pytest.raises(StoreVersion, match=r"later Marsad .schema 99; .* upgrade"):
            SqliteStore(path, readonly=readonly)
        with closing(apsw.Connection(str(path))) as connection:
            assert connection.execute("PRAGMA user_version").fetchone() == (99,)

    def test_a_step_that_fails_leaves_the_old_version_whole(self, tmp_path: Path) -> None:
        path = tmp_path / "a.db"
        with SqliteStore(path) as store:
            fill(store)

        def failing(connection: apsw.Connection) -> None:
            connection.execute("DROP TABLE posts")
            raise RuntimeError

        with closing(apsw.Connection(str(path))) as connection:
            with pytest.raises(RuntimeError):
                schema.migrate(connection, path, [*schema.STEPS, failing])
            assert schema.check(connection, path) == schema.VERSION
        with SqliteStore(path, readonly=True) as store:
            assert store.status().posts == 12


class TestConcurrency:
    def test_a_second_import_is_refused_and_told_who_the_first_is(self, tmp_path: Path) -> None:
        path = tmp_path / "a.db"
        with SqliteStore(path) as first, SqliteStore(path) as second:
            with (
                first.writer("marsad ingest archive posts.csv"),
                pytest.raises(StoreBusy) as caught,
                second.writer("marsad ingest archive other.csv"),
            ):
                pass
            message = str(caught.value)
            assert "`marsad ingest archive posts.csv`" in message
            assert f"process {os.getpid()}, since 20" in message
            assert "wait until it has ended" in message
            with second.writer("marsad ingest archive other.csv"):
                pass

    def test_others_read_and_delete_while_one_imports(self, tmp_path: Path) -> None:
        path = tmp_path / "a.db"
        with (
            SqliteStore(path) as importer,
            importer.writer("ingest"),
            SqliteStore(path, readonly=True) as reader,
            SqliteStore(path) as other,
        ):
            feed = Feeder(importer)
            feed(post("t:1"), post("t:2"))
            assert reader.ledger().pending == 2
            drain(importer)
            assert reader.search(All(), 9).total == 2
            assert other.delete([tombstone("t:1")]).posts == 1
            assert feed(post("t:1"), post("t:3")) == Ledger(received=2, deleted=1, pending=1)
            assert reader.search(All(), 9).total == 1

    def test_a_scan_sees_one_state_to_its_end(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("pipelines.stores.sqlite.erase.READERS", 0.0)
        with SqliteStore(tmp_path / "a.db") as store:
            fill(store)
            scan = store.scan(All())
            first = next(scan)
            Feeder(store)(post("a:first"))
            drain(store)
            store.delete([tombstone("youtube:04")])
            rest = [hit.post.id for hit in scan]
            assert len([first, *rest]) == 12
            assert "youtube:04" in rest
            assert "a:first" not in rest


HELD = """
import sys, time
from pipelines.stores.sqlite import SqliteStore
with SqliteStore(sys.argv[1]) as store, store.writer("marsad ingest"):
    print("held", flush=True)
    time.sleep(600)
"""

IMPORT = """
import sys
from pipelines.stores.sqlite import SqliteStore
from tests.conformance.corpus import Feeder, drain, dead_letter, post, tombstone
with SqliteStore(sys.argv[1]) as store, store.writer("marsad ingest"):
    feed = Feeder(store)
    drain(store)  # as the runner does: what waits is indexed before more is read
    while True:
        position = store.position("input")
        n = int(position.cursor) if position else 0
        if n == 40:
            break
        feed(
            *(post(f"t:{(n * 7 + k) % 150}", f"texte {k}", version=n) for k in range(20)),
            tombstones=[tombstone(f"t:{n}")],
            filtered=3,
            dead=[dead_letter(n)],
        )
        drain(store)
        print(n, flush=True)
"""


def finished(path: Path) -> tuple[Ledger, dict[str, str], int]:
    process = python(IMPORT, str(path))
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    with SqliteStore(path, readonly=True) as store:
        posts = {hit.post.id: hit.post.text for hit in store.scan(All())}
        with store.dead_letters() as dead_letters:
            return store.ledger(), posts, len(dead_letters.entries())


class TestKilling:
    def test_a_killed_writer_holds_nothing(self, tmp_path: Path) -> None:
        path = tmp_path / "a.db"
        process = python(HELD, str(path))
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with SqliteStore(path) as store:
            with pytest.raises(StoreBusy, match=f"process {process.pid}"), store.writer("other"):
                pass
            process.kill()
            process.communicate()
            with store.writer("other"):
                pass

    def test_killed_at_any_moment_it_goes_on_to_the_same_end(self, tmp_path: Path) -> None:
        expected = finished(tmp_path / "whole.db")
        assert expected[0].received == 40 * 25
        path = tmp_path / "killed.db"
        chance = random.Random(2016)
        for _ in range(5):
            process = python(IMPORT, str(path))
            assert process.stdout is not None
            for _ in range(chance.randrange(1, 7)):
                acknowledged = int(process.stdout.readline() or 39)
            time.sleep(chance.random() * 0.02)  # any moment of the next batch
            process.kill()
            process.communicate()
            with SqliteStore(path) as store:
                ledger = store.ledger()
                position = store.position("input")
                assert position is not None
                assert int(position.cursor) > acknowledged
                assert ledger.received == int(position.cursor) * 25
                assert ledger.dead == int(position.cursor)
        assert finished(path) == expected


FULL = """
import sys
from pipelines.errors import StoreFull
from pipelines.stores.sqlite import SqliteStore
from tests.conformance.corpus import Feeder, drain, post
with SqliteStore(sys.argv[1]) as store, store.writer("marsad ingest"):
    feed = Feeder(store)
    try:
        for n in range(100):
            feed(*(post(f"t:{n}-{k}", "mot " * 50) for k in range(50)))
            drain(store)
    except StoreFull as error:
        print(error)
"""


DELETE = """
import sys
from pipelines.stores.sqlite import SqliteStore
from tests.conformance.corpus import tombstone
with SqliteStore(sys.argv[1]) as store:
    print(store.delete([tombstone("t:299")]))
"""


class TestFullDisk:
    def check(self, path: Path, message: str) -> None:
        assert f"No room is left for {path}" in message
        assert "repeat the command" in message
        with SqliteStore(path) as store:
            before = store.ledger()
            position = store.position("input")
            assert position is not None
            assert before.received == 50 * int(position.cursor) > 0
            drain(store)
            Feeder(store)(post("t:more"))
            drain(store)
            assert store.ledger() == Ledger(
                received=before.received + 1, indexed=before.received + 1
            )
        with closing(apsw.Connection(str(path))) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            connection.execute("INSERT INTO words (words) VALUES ('integrity-check')")

    def test_no_more_pages_end_clearly_and_the_store_goes_on(self, tmp_path: Path) -> None:
        path = tmp_path / "a.db"

        def overfill(store: SqliteStore) -> None:
            for n in range(1000):
                Feeder(store)(*(post(f"t:{n}-{k}", "mot " * 50) for k in range(50)))
                drain(store)

        with SqliteStore(path, max_pages=400) as store, pytest.raises(StoreFull) as caught:
            overfill(store)
        self.check(path, str(caught.value))

    @pytest.mark.parametrize("limit", [300_000, 900_000])
    def test_a_limit_of_the_system_ends_clearly_and_the_store_goes_on(
        self, tmp_path: Path, limit: int
    ) -> None:
        path = tmp_path / "a.db"
        process = python(
            FULL,
            str(path),
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        )
        output, errors = process.communicate()
        assert process.returncode == 0, errors
        self.check(path, output)

    def test_deleting_works_where_there_is_no_room_for_cleaning(self, tmp_path: Path) -> None:
        path = tmp_path / "a.db"
        with SqliteStore(path) as store:
            Feeder(store)(*(post(f"t:{n}", f"zqxrare{n} " + "mot " * 200) for n in range(300)))
            drain(store)
        limit = path.stat().st_size // 2
        process = python(
            DELETE,
            str(path),
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        )
        output, errors = process.communicate()
        assert output == "Deletion(posts=1, tombstones=1, clean=False)\n", errors
        with SqliteStore(path) as store:
            assert store.search(All(), 1).total == 299
        assert b"zqxrare299 " not in path.read_bytes()
        assert b"zqxrare298 " in path.read_bytes()


class TestErasing:
    """After a deletion no file holds the text or its words."""

    def bytes_of(self, folder: Path) -> bytes:
        return b"".join(p.read_bytes() for p in sorted(folder.iterdir()))

    def test_no_byte_of_a_deleted_text_is_left(self, tmp_path: Path) -> None:
        chance = random.Random(7)

        def rare(number: int, version: int) -> str:
            dead_letters = random.Random(number * 10 + version)
            return "zq" + "".join(dead_letters.choice("bdfgklmnrst") for _ in range(12))

        def text(number: int, version: int) -> str:
            words = ["honte"] * chance.choice([0, 5, 30, 300])
            return " ".join([*words, rare(number, version), *words])

        with SqliteStore(tmp_path / "a.db") as store:
            feed = Feeder(store)
            for begin in range(0, 600, 100):
                feed(*(post(f"t:{n}", text(n, 1), version=1) for n in range(begin, begin + 100)))
                if begin % 200:
                    drain(store)
                edited = chance.sample(range(begin + 100), 20)
                feed(*(post(f"t:{n}", text(n, 2), version=2) for n in edited))
            everything = self.bytes_of(tmp_path)
            deleted = chance.sample(range(600), 80)
            assert any(rare(n, 1).encode() in everything for n in deleted)
            deletion = store.delete([tombstone(f"t:{n}") for n in deleted])
            assert (deletion.posts, deletion.clean) == (80, True)
            left = self.bytes_of(tmp_path)
            for number in deleted:
                for version in (1, 2):
                    word = rare(number, version)
                    assert word.encode() not in left
                    assert key(word).encode() + b" " not in left
            assert store.search(All(), 1).total + store.ledger().pending > 0

    def test_a_deletion_leaves_no_byte_of_a_text_though_the_file_is_not_rewritten(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(erase, "PURGE_SHARE", 9)
        chance = random.Random(9)

        def word(number: int) -> str:
            dead_letters = random.Random(number)
            return "zq" + "".join(dead_letters.choice("bdfgklmnrst") for _ in range(12))

        with SqliteStore(tmp_path / "a.db") as store:
            feed = Feeder(store)
            for begin in range(0, 3000, 100):
                moment = NOW + timedelta(seconds=chance.randrange(3_000_000))
                feed(
                    *(
                        post(f"t:{n}", f"{word(n)} {'honte ' * (n % 50)}", created_at=moment)
                        for n in range(begin, begin + 100)
                    )
                )
                drain(store)
            removed = chance.sample(range(3000), 60)
            path = tmp_path / "a.db"
            with closing(apsw.Connection(str(path))) as connection:
                rows = connection.execute("SELECT id, post FROM posts JOIN bodies ON seq = body")
                stored = dict(rows)
            before = self.bytes_of(tmp_path)
            assert all(stored[f"t:{n}"] in before for n in removed)
            assert store.delete([tombstone(f"t:{n}") for n in removed]).clean
            left = self.bytes_of(tmp_path)
            for number in removed:
                assert word(number).encode() not in left
                assert key(word(number)).encode() + b" " not in left
                assert stored[f"t:{number}"] not in left
            assert store.search(All(), 1).total == 2940

    @pytest.mark.parametrize("many", [3, 300])
    def test_a_deletion_of_an_author_leaves_no_byte_however_many_posts(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, many: int
    ) -> None:
        monkeypatch.setattr(erase, "PURGE_SHARE", 9)
        with SqliteStore(tmp_path / "a.db") as store:
            rare = [post(f"t:{n}", f"zqxrare{n} mot", author="u_a") for n in range(many)]
            Feeder(store)(*rare, *(post(f"v:{n}", f"wort{n} mot") for n in range(300)))
            drain(store)
            assert store.delete([tombstone(author="u_a")]).posts == many
            assert b"zqxrare" not in self.bytes_of(tmp_path)
            assert store.search(parse("mot"), 9).total == 300

    def test_the_file_is_rewritten_when_a_day_has_passed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(erase, "PURGE_SHARE", 9)
        path = tmp_path / "a.db"
        with SqliteStore(path) as store:
            Feeder(store)(*(post(f"t:{n}", f"texte {n} " * 50) for n in range(500)))
            drain(store)
            store.delete([tombstone(f"t:{n}") for n in range(400)])
            size = path.stat().st_size
        SqliteStore(path).close()
        assert path.stat().st_size == size
        monkeypatch.setattr(erase, "PURGE_AFTER", timedelta(0))
        with SqliteStore(path) as store:
            assert path.stat().st_size < size / 2
            assert store.search(All(), 1).total == 100
            assert [hit.post.text for hit in store.scan(parse("id:t:450"))] == ["texte 450 " * 50]

    def test_a_waiting_post_is_erased_too(self, tmp_path: Path) -> None:
        with SqliteStore(tmp_path / "a.db") as store:
            Feeder(store)(post("t:1", "zqxrare mot"), post("t:2"))
            assert b"zqxrare" in self.bytes_of(tmp_path)
            store.delete([tombstone("t:1")])
            assert b"zqxrare" not in self.bytes_of(tmp_path)

    def test_while_a_reader_holds_on_the_next_opening_cleans(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("pipelines.stores.sqlite.erase.READERS", 0.0)
        with SqliteStore(tmp_path / "a.db") as store:
            Feeder(store)(post("t:1", "zqxrare mot"), post("t:2"))
            drain(store)
            scan = store.scan(All())
            next(scan)
            deletion = store.delete([tombstone("t:1")])
            assert (deletion.posts, deletion.clean) == (1, False)
            assert store.search(All(), 9).total == 1
            scan.close()  # type: ignore[attr-defined]
            with SqliteStore(tmp_path / "a.db"):
                assert b"zqxrare" not in self.bytes_of(tmp_path)

    def test_deletions_of_a_stream_are_cleaned_by_the_end_of_the_import(
        self, tmp_path: Path
    ) -> None:
        with SqliteStore(tmp_path / "a.db") as store:
            with store.writer("ingest"):
                feed = Feeder(store)
                feed(post("t:1", "zqxrare mot"), post("t:2", "zqxmore mot"))
                drain(store)
                feed(tombstones=[tombstone("t:1")])
                feed(tombstones=[tombstone("t:2")])
            left = self.bytes_of(tmp_path)
            assert b"zqxrare" not in left
            assert b"zqxmore" not in left

    def test_what_becomes_a_dead_letter_is_forgotten_with_the_post(self, tmp_path: Path) -> None:
        with SqliteStore(tmp_path / "a.db") as store:
            raw = [
                b'{"id": 4711, "text": "zqxrare"',
                b'{"id": 47110, "text": "zqxother"',
                '{"id": "4811", "text": "zqxmore"'.encode("utf-16"),
            ]
            Feeder(store)(dead=[dead_letter(n, line) for n, line in enumerate(raw)])
            store.delete([tombstone("t:4711"), tombstone("archive:set:4811")])
            with store.dead_letters() as dead_letters:
                assert [entry.line for entry in dead_letters.entries()] == [1]
                dead_letters.put([dead_letter(7, b"by ali_b, zqxlast")])
            protected = tombstone(author="u_ali")
            store.delete([CollectedTombstone(protected.tombstone, (), raw_name="ali_b")])
            left = self.bytes_of(tmp_path)
            assert b"zqxrare" not in left
            assert b"zqxlast" not in left
            assert b"zqxother" in left


def test_reading_does_not_let_go_of_a_writers_locks(tmp_path: Path) -> None:
    """Closing a file lets go of its process's locks, and with them of the journal in use."""
    path = tmp_path / "shared.db"
    place = Position(key="k", name="n", cursor="1")
    with closing(SqliteStore(path, readonly=False, timezone="UTC")) as writer:
        writer.accept(Batch(position=place, previous_cursor=""))
        assert list(writer.scan(All())) == []
        opened = "SqliteStore(Path(sys.argv[1]), readonly=False, timezone='UTC').close()"
        store = "import sys; from pathlib import Path; from pipelines.stores.sqlite import *; "
        assert python(store + opened, str(path)).wait() == 0
        later = Position(key="k", name="n", cursor="2")
        writer.accept(Batch(position=later, previous_cursor="1"))
        told = "print(SqliteStore(Path(sys.argv[1])).position('k').cursor)"
        assert python(store + told, str(path)).communicate()[0].strip() == "2"


class TestTwins:
    """Twins are looked for among posts of their seconds, within the transaction that writes."""

    def find(self, store: SqliteStore, *posts: Post) -> tuple[set[str], int]:
        """Return the twins of some posts, and the steps of SQLite's machine that they took."""
        steps: list[None] = []
        connection = cast(apsw.Connection, store._connection)
        connection.set_progress_handler(lambda: bool(steps.append(None)), 1)
        found = twins.find(store._connection, posts)
        connection.set_progress_handler(None)
        return found, len(steps)

    @pytest.mark.parametrize(
        ("kind", "twin"), [("archive:f", {"archive:f:0", "archive:f:199"}), ("facebook", set())]
    )
    def test_posts_between_the_refused_ones_cost_nothing(
        self, tmp_path: Path, kind: str, twin: set[str]
    ) -> None:
        def made(platform: str, n: int) -> Post:
            return post(f"{platform}:{n}", f"mot {n}", created_at=NOW + timedelta(seconds=n))

        with SqliteStore(tmp_path / "a.db") as store:
            Feeder(store)(*(made(kind, n) for n in range(200)))
            drain(store)
            found, steps = self.find(store, made("twitter", 0), made("twitter", 199))
            assert found == twin
            assert steps < 500

    def test_they_are_found_in_seconds_with_more_posts_than_numbers(self, tmp_path: Path) -> None:
        def made(name: str, second: int) -> Post:
            return post(name, f"mot {second}", created_at=NOW + timedelta(seconds=second))

        with SqliteStore(tmp_path / "a.db") as store:
            names = [f"archive:f:{second}:{n}" for second in range(3) for n in range(40)]
            Feeder(store)(*(made(name, int(name.split(":")[2])) for name in names))
            drain(store)
            found, _ = self.find(store, made("twitter:0", 0), made("twitter:1", 1))
            assert found == set(names[:80])


class TestNumbers:
    """Posts are found newest first whatever their dates and the order they came in."""

    def found(self, store: SqliteStore, query: str = "") -> list[str]:
        page = store.search(parse(query), 500)
        assert [hit.post.id for hit in page.hits[:7]] == [
            hit.post.id for hit in store.search(parse(query), 7).hits
        ]
        middle = store.search(parse(query), 30, 20)
        assert middle.hits == page.hits[20:50]
        return [hit.post.id for hit in page.hits]

    def test_more_posts_of_one_second_than_it_has_numbers(self, tmp_path: Path) -> None:
        count = 10 * numbers.SLOTS
        with SqliteStore(tmp_path / "a.db") as store:
            given = [
                post(f"t:{n:03}", created_at=NOW + timedelta(seconds=n % 3, microseconds=n % 5))
                for n in range(count)
            ]
            for start in range(0, count, 37):
                Feeder(store)(*given[start : start + 37])
                drain(store)
            wanted = sorted(given, key=lambda p: (-p.created_at.timestamp(), p.id))
            assert self.found(store) == self.found(store, "texte") == [p.id for p in wanted]
            first = sum(p.created_at < NOW + timedelta(seconds=1) for p in given)
            assert store.count(parse("day:2016-03-01 texte")) == (count, 0)
            assert 0 < first < count

    def test_posts_without_a_date_come_last_by_id(self, tmp_path: Path) -> None:
        with SqliteStore(tmp_path / "a.db") as store:
            undated = [post(f"t:{n:02}", created_at=None) for n in (7, 3, 9, 1)]
            Feeder(store)(undated[0], post("t:00"), *undated[1:])
            drain(store)
            assert self.found(store) == ["t:00", "t:01", "t:03", "t:07", "t:09"]
            assert store.count(All()) == (5, 4)

    @pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Niue", "Africa/Casablanca"])
    def test_days_are_those_of_the_zone(self, tmp_path: Path, zone: str) -> None:
        given = [
            post(f"t:{n:03}", created_at=NOW + timedelta(hours=n), digest=f"{n}")
            for n in range(-80, 80)
        ]
        documents = {d.post.id: d for d in stages.index([scored(p) for p in given], ZoneInfo(zone))}
        with SqliteStore(tmp_path / "a.db") as store:
            Feeder(store)(*given)
            store.index(list(documents.values()))
            for day in ("2016-02-29", "2016-03-01", "2016-03-02"):
                for query, wanted in (
                    (f"since:{day}", {n for n, d in documents.items() if d.day >= day}),
                    (f"until:{day} texte", {n for n, d in documents.items() if d.day < day}),
                    (f"-since:{day}", {n for n, d in documents.items() if d.day < day}),
                    (f"day:{day}", {n for n, d in documents.items() if d.day == day}),
                ):
                    assert set(self.found(store, query)) == wanted, query

    def test_an_edit_that_changes_the_date_moves_the_post(self, tmp_path: Path) -> None:
        with SqliteStore(tmp_path / "a.db") as store:
            feed = Feeder(store)
            feed(post("t:1", version=1), post("t:2", created_at=NOW + timedelta(days=1)))
            drain(store)
            feed(post("t:1", version=2, created_at=NOW + timedelta(days=2)))
            drain(store)
            assert self.found(store, "texte") == ["t:1", "t:2"]
            assert store.count(parse("day:2016-03-01"))[0] == 0
            assert sum(one.posts for one in store.sums(All(), "day", "")) == 2


class TestTotals:
    """Running totals are what counting all posts anew gives, whatever happened."""

    def test_after_edits_deletions_and_requeues(self, tmp_path: Path) -> None:
        chance = random.Random(3)
        with SqliteStore(tmp_path / "a.db") as store:
            fill(store)
            feed = Feeder(store)
            for version in range(1, 30):
                feed(
                    *(
                        post(
                            f"t:{chance.randrange(40)}",
                            f"texte {version} inwi",
                            version=version,
                            created_at=NOW + timedelta(days=chance.randrange(9)),
                            entities=("inwi",) * chance.randrange(2),
                        )
                        for _ in range(5)
                    ),
                    tombstones=[tombstone(f"t:{chance.randrange(60)}")] * (version % 3 == 0),
                )
                label = chance.choice(["negative", "neutral", "positive"])
                drain(store, language=chance.choice(["fr", "ary"]), label=label)
                store.requeue(
                    hit.post for hit in store.scan(parse(f"day:2016-03-0{version % 9 + 1}"))
                )
            everything = parse("since:0001-01-01 OR date:unknown")
            for split in ("", "entity", "language", "platform"):
                assert store.sums(All(), "day", split) == store.sums(everything, "day", split)
            assert store.count(All()) == store.count(everything)
            for query in ("lang:fr", "sentiment:positive", "since:2016-03-03 lang:ary"):
                found = len(list(store.scan(parse(query))))
                assert store.count(parse(query))[0] == found > 0
            assert store.status().posts == len(list(store.scan(All())))
            with closing(apsw.Connection(str(tmp_path / "a.db"))) as connection:
                ((indexed,),) = connection.execute(
                    "SELECT count(*) FROM words WHERE words MATCH '\"=a\"'"
                )
            assert indexed == store.status().posts


class TestProvisional:
    """Posts can be found as soon as they are stored, and are scored when there is time."""

    def index_all(self, store: SqliteStore, label: str = "positive") -> None:
        while waiting := store.unindexed(3):
            given = [
                msgspec.structs.replace(
                    scored(p, label=label, targets=[attitude("inwi", label)]), scored="provisional"
                )
                for p in waiting
            ]
            store.index([document(one) for one in given])

    def test_posts_are_found_marked_and_still_pending(self, tmp_path: Path) -> None:
        with SqliteStore(tmp_path / "a.db") as store:
            Feeder(store)(*(post(f"t:{n}") for n in range(7)))
            assert store.search(All(), 9).pending == 7
            self.index_all(store)
            page = store.search(parse("texte"), 9)
            assert {hit.post.scored for hit in page.hits} == {"provisional"}
            assert (page.total, page.pending) == (7, 0)
            assert store.ledger() == Ledger(received=7, pending=7)
            assert store.status().provisional == 7
            assert len(store.pending(9)) == 7

    def test_trends_leave_them_out_unless_asked(self, tmp_path: Path) -> None:
        with SqliteStore(tmp_path / "a.db") as store:
            Feeder(store)(post("t:1"), post("t:2"))
            self.index_all(store)
            Feeder(store)(post("t:3"))
            drain(store)
            Feeder(store)(post("t:4"))
            self.index_all(store)

            def posts(query: str, split: str = "") -> int:
                sums = store.sums(parse(query), "day", split)  # type: ignore[arg-type]
                return sum(one.posts for one in sums)

            for words in ("", "texte"):
                assert posts(words) == 3
                assert posts(f"scored:final {words}") == 3
                assert posts(f"scored:provisional {words}") == 1
                assert posts(f"scored:provisional,final {words}") == 4
                assert posts(f"{words} scored:provisional", "entity") == 1

    def test_the_scores_that_count_replace_them(self, tmp_path: Path) -> None:
        with SqliteStore(tmp_path / "a.db") as store:
            Feeder(store)(*(post(f"t:{n}") for n in range(5)))
            self.index_all(store)
            drain(store, label="negative")
            assert store.ledger() == Ledger(received=5, indexed=5)
            assert store.count(parse("sentiment:positive"))[0] == 0
            assert store.count(parse("texte sentiment:negative scored:final"))[0] == 5
            assert store.status().provisional == 0
            assert sum(one.posts for one in store.sums(All(), "day", "")) == 5

    def test_they_are_handed_out_newest_first_and_by_query(self, tmp_path: Path) -> None:
        with SqliteStore(tmp_path / "a.db") as store:
            given = [
                post(f"t:{n}", f"texte {n % 2}", created_at=NOW + timedelta(days=n))
                for n in (2, 5, 1, 4)
            ]
            Feeder(store)(*given)
            self.index_all(store)
            assert [p.id for p in store.provisional(All(), 3)] == ["t:5", "t:4", "t:2"]
            assert [p.id for p in store.provisional(parse("=1"), 9)] == ["t:5", "t:1"]
            assert store.provisional(All(), 9)[0] == given[1]

    def test_an_edit_is_found_and_a_deletion_reaches_them(self, tmp_path: Path) -> None:
        with SqliteStore(tmp_path / "a.db") as store:
            feed = Feeder(store)
            feed(post("t:1", "avant", version=1), post("t:2", "zqxrare"))
            self.index_all(store)
            feed(post("t:1", "nachher", version=2))
            assert [p.text for p in store.unindexed(9)] == ["nachher"]
            self.index_all(store)
            assert ids(store, "avant") == []
            assert ids(store, "nachher") == ["t:1"]
            store.delete([tombstone("t:2")])
            assert b"zqxrare" not in (tmp_path / "a.db").read_bytes()
            drain(store)
            assert store.ledger() == Ledger(received=4, indexed=2, deleted=2)

    def test_final_scores_are_not_replaced_by_provisional_ones(self, tmp_path: Path) -> None:
        with SqliteStore(tmp_path / "a.db") as store:
            fill(store)
            stored = [hit.post for hit in store.scan(All())]
            store.requeue(msgspec.structs.replace(p, watchlist="new") for p in stored)
            assert store.unindexed(99) == []
            assert store.provisional(All(), 99) == []
            assert len(store.pending(99)) == 12
