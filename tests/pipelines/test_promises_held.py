"""Promises that no other test would miss: one line broken, and each of these fails."""

from __future__ import annotations

import fcntl
import json
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import apsw
import pytest

from ingest.errors import SourceError
from ingest.privacy.keyring import Keyring
from ingest.privacy.protector import Protector
from ingest.records import Item, Post, Tombstone
from ingest.sources.archive.source import ArchiveSource
from ingest.watchlist.loader import load
from pipelines.commands._shared.context import protector
from pipelines.live.reader import Subscription
from pipelines.live.run import live_key
from pipelines.live.writer import Writer
from pipelines.stages import Collector
from pipelines.stores.sqlite import SqliteStore, erase
from pipelines.stores.sqlite.connect import open_writer
from tests.conformance.corpus import Feeder, drain, post, tombstone
from tests.pipelines.test_live import Scripted


def test_a_command__masks_numbers_with_the_country_of_its_watchlist() -> None:
    text = "appelez le 661 23 45 67"
    given = Post(id="forum:1", platform="forum", text=text)
    assert protector(load("morocco-2016")).protect(given).post.text == "appelez le [phone]"
    assert protector(None).protect(given).post.text == text  # no country, no such number


def test_a_deletion_of_the_platform__clears_dead_letters(tmp_path: Path) -> None:
    with SqliteStore(tmp_path / "posts.db") as store:
        with store.dead_letters() as dead_letters:
            for second, body in enumerate((b'{"user": "Nadia_Fictive"}', b'{"user": "other"}')):
                at = datetime(2026, 11, 1, 0, 0, second, tzinfo=UTC)
                dead_letters.put_answer("scripted", at, body, reason="changed", detail="")
        writer = Writer(
            Subscription(source=Scripted(), label="test"),
            store,
            Collector(Protector(Keyring().use()), None),
            "key",
            watchlist="",
            notify=lambda message: None,
            now=lambda: datetime.now(UTC),
        )
        writer.items([Item(Tombstone(platform="scripted", author="Nadia_Fictive"), "1")])
        with store.dead_letters() as dead_letters:
            (left,) = dead_letters.entries(kind="answer")
            assert dead_letters.get(left.number).raw == b'{"user": "other"}'


def test_a_live_source__goes_on_where_it_is_when_the_watchlist_changes() -> None:
    live = Subscription(source=Scripted(live=True), label="test")
    ending = Subscription(source=Scripted(live=False), label="test")
    assert live_key(live, "one@1") == live_key(live, "two@2")
    assert live_key(ending, "one@1") != live_key(ending, "two@2")


def test_a_file__that_grows_behind_what_was_read_is_refused_at_its_end(tmp_path: Path) -> None:
    path = tmp_path / "posts.ndjson"
    line = json.dumps({"id": "1", "platform": "forum", "text": "un texte"}) + "\n"
    path.write_text(line)
    items = ArchiveSource(path).open("")
    next(items)
    with path.open("a") as file:
        file.write(line.replace('"1"', '"2"'))
    with pytest.raises(SourceError, match="changed while it was being read"):
        list(items)


def test_a_keyring__is_changed_by_one_process_at_a_time(tmp_path: Path) -> None:
    keyring = Keyring(tmp_path / "keys" / "keyring.json")
    keyring.use()
    rotating = threading.Thread(target=keyring.rotate)
    with Path(f"{keyring.path}.lock").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        rotating.start()
        rotating.join(0.3)
        assert rotating.is_alive()
        assert len(keyring.all()) == 1
    rotating.join(30)
    assert len(keyring.all()) == 2


def test_a_commit__is_on_the_disk_and_removed_rows_are_overwritten(tmp_path: Path) -> None:
    with closing(open_writer(tmp_path / "posts.db")) as connection:
        assert connection.execute("PRAGMA synchronous").fetchall() == [(2,)]  # FULL
        assert connection.execute("PRAGMA secure_delete").fetchall() == [(1,)]


@pytest.fixture
def removing(tmp_path: Path) -> Iterator[SqliteStore]:
    """A store of three posts."""
    with SqliteStore(tmp_path / "posts.db") as store:
        Feeder(store)(*(post(f"t:{n}", f"mot{n}") for n in range(3)))
        drain(store)
        yield store


def test_two_cleanings__leave_the_mark_of_what_was_removed_meanwhile(
    removing: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection, truncate = removing._connection, erase._truncate
    monkeypatch.setattr(erase, "_truncate", lambda connection, seconds: False)
    removing.delete([tombstone("t:1")])  # as where a reader holds on

    def while_another_cleans_and_removes(connection: Any, seconds: float) -> bool:
        monkeypatch.setattr(erase, "_truncate", truncate)
        with SqliteStore(tmp_path / "posts.db") as other:
            assert erase.scrub(other._connection)
            monkeypatch.setattr(erase, "_truncate", lambda connection, seconds: False)
            assert not other.delete([tombstone("t:2")]).clean
        return True

    monkeypatch.setattr(erase, "_truncate", while_another_cleans_and_removes)
    assert erase.scrub(connection)
    # the first one began before the second removal, and must not take it for done
    monkeypatch.setattr(erase, "_truncate", lambda connection, seconds: False)
    assert not erase.scrub(connection)
    monkeypatch.setattr(erase, "_truncate", truncate)
    assert erase.scrub(connection)


def test_a_disk_that_is_full_when_a_cleaning_ends__leaves_it_to_the_next(
    removing: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erase, "PURGE_SHARE", 2)  # no deletion purges by itself

    def full(connection: Any, name: str, begun: int) -> None:
        error = apsw.FullError("database or disk is full")
        error.result = error.extendedresult = apsw.SQLITE_FULL
        raise error

    with monkeypatch.context() as disk:
        disk.setattr(erase, "_done", full)
        assert not removing.delete([tombstone("t:1")]).clean
        assert not erase.purge(removing._connection)
        assert not removing._connection.in_transaction
    assert removing.delete([tombstone("t:2")]).clean
    assert erase.purge(removing._connection)
    assert erase.unpurged(removing._connection) is None


@pytest.mark.parametrize("after", [False, True], ids=["before the other ends", "after"])
def test_two_purges__leave_the_mark_of_what_was_removed_meanwhile(
    removing: SqliteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    monkeypatch.setattr(erase, "PURGE_SHARE", 2)  # no deletion purges by itself
    connection, vacuum = removing._connection, erase._vacuum
    removing.delete([tombstone("t:1")])

    def while_another_purges(connection: Any) -> None:
        vacuum(connection)
        monkeypatch.setattr(erase, "_vacuum", vacuum)
        with SqliteStore(tmp_path / "posts.db") as other:
            if not after:
                other.delete([tombstone("t:2")])
            assert erase.purge(other._connection)
            if after:
                other.delete([tombstone("t:2")])

    monkeypatch.setattr(erase, "_vacuum", while_another_purges)
    assert erase.purge(connection)
    waiting = erase.unpurged(connection)
    assert (waiting.removals if waiting else 0) == int(after)
    removing.delete([tombstone("t:0")])
    waiting = erase.unpurged(connection)
    assert waiting is not None
    assert waiting.removals == 1 + int(after)


def test_a_purge__leaves_no_word_and_no_id_of_many_posts_with_edits(tmp_path: Path) -> None:
    path = tmp_path / "posts.db"
    with SqliteStore(path) as store:
        feed = Feeder(store)
        for version in (1, 2):
            for start in range(0, 1_500, 500):
                feed(
                    *(
                        post(f"t:gone{n:05}", f"zqx{n:05} mot{version}", version=version,
                             author=f"u_gone{n % 50:03}")
                        for n in range(start, start + 500)
                    )
                )  # fmt: skip
        feed(post("t:stays", "reste ici", author="u_stays"))
        drain(store)
        store.delete([tombstone(author=f"u_gone{n:03}") for n in range(50)])
        assert erase.unpurged(store._connection) is None  # the whole file was rewritten
        assert store._connection.execute("PRAGMA freelist_count").fetchall() == [(0,)]
    left = path.read_bytes()
    assert b"zqx0" not in left
    # the ids stand once, as tombstones: that is what keeps the posts away
    assert left.count(b"t:gone") == 1_500
    assert left.count(b"u_gone") == 50
