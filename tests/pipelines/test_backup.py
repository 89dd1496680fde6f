"""A backup is one state of a store; put back, it holds no post that was deleted since."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ingest.records import encode
from pipelines.commands import backup, delete, ingest, restore
from pipelines.query import All
from pipelines.records import Ledger
from pipelines.stores.sqlite import SqliteStore, erase, schema
from pipelines.stores.sqlite import backup as files
from pipelines.stores.sqlite.connect import open_reader, open_writer
from tests.conformance.corpus import Feeder, drain, post, tombstone

WORDS = "unerase-me-please"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "posts.db"
    with SqliteStore(path) as opened:
        Feeder(opened)(
            post("twitter:1", "un"),
            post("twitter:2", WORDS, author="u_a"),
            post("twitter:3", WORDS, author="u_b", repost_of="twitter:2"),
        )
        drain(opened)
    return path


def run(command: object, *arguments: str | Path, store: Path, code: int = 0) -> Result:
    given = [*map(str, arguments), "--store", str(store)]
    done = CliRunner().invoke(command, given)  # type: ignore[arg-type]
    assert done.exit_code == code, (done.output, done.exception)
    return done


def ids(path: Path) -> set[str]:
    with SqliteStore(path, readonly=True) as opened:
        return {hit.post.id for hit in opened.scan(All())}


def test_a_backup__is_one_state_while_another_process_writes(store: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    with closing(open_writer(store)) as writing:
        writing.execute("BEGIN IMMEDIATE")
        writing.execute("DELETE FROM posts")
        run(backup.command, copy, store=store)
        writing.execute("ROLLBACK")
    assert ids(copy) == {"twitter:1", "twitter:2", "twitter:3"}
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with SqliteStore(copy) as opened:
        assert opened.ledger() == Ledger(received=3, indexed=3)
        assert opened.position("input") is not None
    assert {path.name for path in tmp_path.iterdir()} >= {"copy", "posts.db"}
    assert not list(tmp_path.glob("*.part*"))


def test_a_backup__replaces_no_file_and_holds_nothing_deleted(store: Path, tmp_path: Path) -> None:
    with SqliteStore(store) as opened:
        opened.delete([tombstone("twitter:2")])
    copy = tmp_path / "copy"
    told = run(backup.command, copy, store=store)
    assert "1 post, 2 tombstones" in told.output
    assert "keyring.json" in told.output
    assert WORDS.encode() not in copy.read_bytes()
    again = CliRunner().invoke(backup.command, [str(copy), "--store", str(store)])
    assert "is there already" in str(again.exception)


def test_a_backup__is_written_where_files_have_one_name_as_on_fat(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(part: Path, target: Path) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), str(part), None, str(target))

    monkeypatch.setattr(os, "link", refuse)
    run(backup.command, tmp_path / "copy", store=store)
    assert len(ids(tmp_path / "copy")) == 3
    assert not list(tmp_path.glob("*.part*"))


def test_a_backup__replaces_no_file_that_was_made_meanwhile(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync = files._sync

    def meanwhile(path: Path) -> None:
        (tmp_path / "copy").write_text("of somebody else")
        sync(path)

    monkeypatch.setattr(files, "_sync", meanwhile)
    done = CliRunner().invoke(backup.command, [str(tmp_path / "copy"), "--store", str(store)])
    assert "is there already" in str(done.exception)
    assert (tmp_path / "copy").read_text() == "of somebody else"


def of_version_0_1(path: Path, version: int) -> None:
    """Make a store of two posts with the tables of an early schema."""
    with closing(open_writer(path)) as old:
        schema.migrate(old, path, schema.STEPS[:version])
        for number in (1, 2):
            made = encode(post(f"twitter:{number}", WORDS, author=f"u_{number}")).decode()
            old.execute(
                "INSERT INTO posts (id, day, hour, platform, author, source, language, label, "
                "negative, neutral, positive, flags, model) VALUES "
                "(?, '', '', 'twitter', ?, '', '', '', 0, 0, 0, '', '')",
                (f"twitter:{number}", f"u_{number}"),
            )
            old.execute("INSERT INTO bodies VALUES (?, '', '', ?)", (number, made))


def without_reactions(path: Path, version: int) -> None:
    """Make a store of two posts as it was before reactions were numbers."""
    with SqliteStore(path) as opened:
        Feeder(opened)(post("twitter:1", WORDS, author="u_1"), post("twitter:2", WORDS))
        drain(opened)
    with closing(open_writer(path)) as old:
        for count in ("likes", "reposts", "replies", "views"):
            old.execute(f"ALTER TABLE facts DROP COLUMN {count}")
        old.execute("UPDATE meta SET value = '2' WHERE name = 'analysis'")
        old.execute(f"PRAGMA user_version = {version}")


@pytest.mark.parametrize(
    ("made", "version"), [(of_version_0_1, 1), (of_version_0_1, 2), (without_reactions, 4)]
)
def test_a_backup__of_an_older_store_holds_its_posts_and_loses_those_deleted_since(
    tmp_path: Path, made: Callable[[Path, int], None], version: int
) -> None:
    store, copy, new = tmp_path / "old.db", tmp_path / "copy", tmp_path / "new.db"
    made(store, version)
    told = run(backup.command, copy, store=store)
    assert "2 posts" in told.output
    with closing(open_reader(copy)) as same:
        assert schema.check(same, copy) == version, "a backup is what it is a copy of"
    assert bool(files.look(copy).made) == (version > 1), "the first schema has no place for it"
    deletions = tmp_path / "deletions.db"
    with SqliteStore(deletions) as opened:
        opened.delete([tombstone("twitter:2")])
    told = run(restore.command, copy, "--deleted-in", deletions, store=new)
    assert "run marsad reindex" in told.output
    with closing(open_reader(new)) as restored:
        assert restored.execute("SELECT id FROM posts").fetchall() == [("twitter:1",)]


def test_a_restored_store__holds_no_post_that_was_deleted_since(
    store: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    run(backup.command, copy, store=store)
    with SqliteStore(store) as opened:
        opened.delete([tombstone(author="u_a")])
    told = run(restore.command, copy, "--replace", store=store)
    assert "deleted since and left out: 2 posts" in told.output
    assert ids(store) == {"twitter:1"}
    assert WORDS.encode() not in store.read_bytes()
    with SqliteStore(store) as opened:
        outcomes = Feeder(opened)(post("twitter:9", WORDS, repost_of="twitter:2"))
    assert outcomes.deleted == 1


def test_a_restored_store__refuses_twins_of_what_was_deleted_since(
    store: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    run(backup.command, copy, store=store)
    with SqliteStore(store) as opened:
        opened.delete([tombstone("twitter:2")])
    run(restore.command, copy, "--replace", store=store)
    with SqliteStore(store) as opened:
        assert Feeder(opened)(post("archive:table:2", WORDS)).deleted == 1
    # a store of another history has other keys: those of both are understood
    other = tmp_path / "other.db"
    with SqliteStore(other) as opened:
        Feeder(opened)(post("twitter:7", "autre"))
        opened.delete([tombstone("twitter:7")])
    run(restore.command, copy, "--replace", "--deleted-in", other, store=store)
    with SqliteStore(store) as opened:
        given = post("archive:table:2", WORDS), post("archive:table:7", "autre")
        assert Feeder(opened)(*given).deleted == 2


def test_a_restored_store__holds_no_twin_of_what_was_deleted_since(
    store: Path, tmp_path: Path
) -> None:
    """Also one that the store whose post was deleted never held."""
    other, copy, name = tmp_path / "other.db", tmp_path / "copy", f"u_{'a' * 16}"
    with SqliteStore(other) as opened:
        feed = Feeder(opened)
        feed(post("archive:table:1", author=name), post("archive:table:2", WORDS, author=name))
        drain(opened)
        feed(post("archive:table:3", WORDS, author=name))  # this one waits for its score
    run(backup.command, copy, store=other)
    with SqliteStore(store) as opened:
        opened.delete([tombstone("twitter:2")])
    told = run(restore.command, copy, "--replace", store=store)
    assert "deleted since and left out: 2 posts" in told.output
    assert ids(store) == {"archive:table:1"}
    with SqliteStore(store) as opened:
        assert opened.pending(9) == []


def test_a_restored_store__holds_no_post_of_a_deleted_account_under_its_raw_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, copy, table = tmp_path / "posts.db", tmp_path / "copy", tmp_path / "posts.csv"
    table.write_text(
        "id,platform,author,text\n"
        f"1,twitter,some_name,{WORDS}\n"
        "2,twitter,other_name,two\n"
        "3,twitter,other_name,three\n"
        f"some_channel/4,telegram,some_channel,{WORDS}\n"
    )
    run(ingest.command, "archive", table, "--keep-authors", "a test", store=store)
    telegram = "telegram:some_channel/4"
    assert ids(store) == {"twitter:1", "twitter:2", "twitter:3", telegram}
    run(backup.command, copy, store=store)
    run(
        delete.command, "--author", "some_name", "--platform", "twitter", "--yes", telegram,
        store=store,
    )  # fmt: skip
    run(delete.command, "twitter:2", store=store)
    assert ids(store) == {"twitter:3"}
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("MARSAD_KEYS", str(tmp_path / "other.json"))
        given = [str(copy), "--replace", "--store", str(store)]
        assert "MARSAD_KEYS" in str(CliRunner().invoke(restore.command, given).exception)
    assert ids(store) == {"twitter:3"}
    told = run(restore.command, copy, "--replace", store=store)
    assert "deleted since and left out: 3 posts" in told.output
    assert ids(store) == {"twitter:3"}
    assert WORDS.encode() not in store.read_bytes()


def test_a_restored_store__holds_no_post_that_was_deleted_while_it_was_restored(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "copy"
    run(backup.command, copy, store=store)
    merge = files._merge

    def deleting(*given: Any) -> Any:
        merged = merge(*given)
        with SqliteStore(store) as opened:
            opened.delete([tombstone("twitter:1")])
        return merged

    monkeypatch.setattr(files, "_merge", deleting)
    run(restore.command, copy, "--replace", store=store)
    assert ids(store) == {"twitter:2", "twitter:3"}


def test_a_deletion__of_a_process_that_waits_for_a_restore_holds(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It had the file open before, or deletes between the last look and the replacement."""
    copy = tmp_path / "copy"
    run(backup.command, copy, store=store)
    alone = files._alone
    waiting: list[SqliteStore] = []

    def meanwhile(path: Path) -> None:
        alone(path)
        if not waiting:
            waiting.append(SqliteStore(store))
            waiting[0].delete([tombstone("twitter:1")])
        monkeypatch.setattr(files, "_alone", lambda path: None)

    monkeypatch.setattr(files, "_alone", meanwhile)
    run(restore.command, copy, "--replace", store=store)
    assert ids(store) == {"twitter:2", "twitter:3"}
    waiting[0].delete([tombstone("twitter:2")])
    waiting[0].close()
    assert ids(store) == set()


def test_a_restored_store__takes_in_no_log_of_a_file_that_is_gone(
    store: Path, tmp_path: Path
) -> None:
    copy, log = tmp_path / "copy", Path(f"{store}-wal")
    run(backup.command, copy, store=store)
    with SqliteStore(store) as opened:
        opened.delete([tombstone("twitter:1")])
        Feeder(opened)(post("twitter:4", "four"))
        left = log.read_bytes()
    assert left
    store.unlink()
    log.write_bytes(left)  # as a process that was killed leaves it
    run(restore.command, copy, store=store)
    assert ids(store) == {"twitter:1", "twitter:2", "twitter:3"}


def test_a_restored_store__says_that_nobody_knows_of_later_deletions(
    store: Path, tmp_path: Path
) -> None:
    copy, new, other = tmp_path / "copy", tmp_path / "new.db", tmp_path / "other.db"
    run(backup.command, copy, store=store)
    with SqliteStore(store) as opened:
        opened.delete([tombstone("twitter:1")])
    told = run(restore.command, copy, store=new)
    assert "is in it again" in told.output.replace("\n", " ")
    assert "twitter:1" in ids(new)
    told = run(restore.command, copy, "--deleted-in", store, store=other)
    assert "is in it again" not in told.output
    assert "twitter:1" not in ids(other)


def test_a_restore__leaves_a_store_that_is_open_elsewhere_or_not_to_be_replaced(
    store: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    run(backup.command, copy, store=store)
    run(restore.command, copy, store=store, code=2)
    with SqliteStore(store, readonly=True):
        done = CliRunner().invoke(restore.command, [str(copy), "--store", str(store), "--replace"])
        assert "has" in str(done.exception)
        assert "open" in str(done.exception)
    assert len(ids(store)) == 3
    assert not list(tmp_path.glob("*.part*"))


def test_a_restore__over_a_damaged_store_says_what_to_do(store: Path, tmp_path: Path) -> None:
    copy, damaged, empty = tmp_path / "copy", tmp_path / "damaged.db", tmp_path / "empty.db"
    run(backup.command, copy, store=store)
    damaged.write_bytes(b"no store" * 1000)
    done = CliRunner().invoke(restore.command, [str(copy), "--replace", "--store", str(damaged)])
    assert "move it away" in str(done.exception)
    assert damaged.read_bytes() == b"no store" * 1000
    empty.touch()
    run(restore.command, copy, "--replace", store=empty)
    assert len(ids(empty)) == 3


def test_a_list__is_deleted_once_however_often_the_command_runs(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delete, "_LISTED", 2)
    listed = tmp_path / "ids.txt"
    listed.write_text("# a list\n\ntwitter:2\r\ntwitter:2\ntwitter:77\ntwitter:78\n")
    shown = run(delete.command, "--from", listed, "--dry-run", store=store)
    assert "deletes 2 posts" in shown.output
    assert len(ids(store)) == 3
    told = run(delete.command, "--from", listed, store=store)
    assert "3 ids, 3 tombstones written, 2 posts deleted" in told.output
    assert ids(store) == {"twitter:1"}
    with SqliteStore(store, readonly=True) as opened:
        ledger = opened.ledger()
    told = run(delete.command, "--from", listed, store=store)
    assert "3 ids, 0 tombstones written, 0 posts deleted" in told.output
    with SqliteStore(store, readonly=True) as opened:
        assert opened.ledger() == ledger
    listed.write_bytes(b"twitter:\xff\n")
    told = run(delete.command, "--from", listed, store=store, code=2)
    assert "UTF-8" in told.output
    listed.write_text("# nothing\n")
    assert "no id" in run(delete.command, "--from", listed, store=store, code=2).output


def test_a_list__whose_bytes_a_reader_keeps_is_told_of(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erase, "READERS", 0.0)
    listed = tmp_path / "ids.txt"
    listed.write_text("twitter:1\n")
    with closing(open_reader(store)) as reading:
        reading.execute("BEGIN")
        reading.execute("SELECT count(*) FROM posts").fetchall()
        told = run(delete.command, "--from", listed, store=store)
    assert "1 post deleted" in told.output
    assert "last bytes" in told.output
