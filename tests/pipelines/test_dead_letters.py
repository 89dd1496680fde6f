"""Dead letters: kept once, shown without their bytes, gone in time."""

from __future__ import annotations

import json
import sqlite3
import stat
import subprocess
import sys
import tempfile
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.privacy.keyring import Key
from ingest.privacy.protector import Protector
from ingest.records import Post, Tombstone, encode
from pipelines.commands._shared.options import brokers_option, store_option
from pipelines.commands._shared.output import ledger_line
from pipelines.dead_letters.queue import NEWEST, DeadLetters
from pipelines.dead_letters.search import finder, searched_names
from pipelines.errors import StoreError
from pipelines.records import DeadLetter, Ledger
from pipelines.stages import collected_tombstone

ROOT = Path(__file__).parents[2]
START = datetime(2016, 3, 1, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


def dead_letter(line: int = 1, raw: bytes = b"raw", reason: str = "no-text") -> DeadLetter:
    return DeadLetter(
        origin="posts.csv#4f", line=line, reason=reason, detail="why", raw=raw, at=START
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.db.dead"


def test_nothing_kept_is_no_file(path: Path) -> None:
    with DeadLetters(path) as dead_letters:
        assert dead_letters.entries() == []
        assert dead_letters.reasons() == {}
        assert dead_letters.get(1) is None
        assert dead_letters.forget(["x"]) == 0
        dead_letters.remove([dead_letter()])
    assert not path.exists()


#: The table of versions 0.1 (without ``input``) and 0.2 (with it).
OLDER = """CREATE TABLE letters (
    number INTEGER PRIMARY KEY AUTOINCREMENT, origin TEXT NOT NULL, line INTEGER NOT NULL,
    reason TEXT NOT NULL, detail TEXT NOT NULL, raw BLOB NOT NULL, truncated INTEGER NOT NULL,
    context TEXT NOT NULL, at TEXT NOT NULL, expires TEXT NOT NULL{}, UNIQUE (origin, line)
)"""


@pytest.mark.parametrize("named", [False, True])
def test_a_file_of_an_older_version_is_read_and_added_to(path: Path, named: bool) -> None:
    with DeadLetters(path) as dead_letters:
        dead_letters.put([dead_letter(1)])
    with closing(sqlite3.connect(path, isolation_level=None)) as older:
        older.execute(OLDER.format(", input TEXT NOT NULL DEFAULT ''" if named else ""))
        columns = "number, origin, line, reason, detail, raw, truncated, context, at, expires"
        columns += ", input" if named else ""
        older.execute(f"INSERT INTO letters ({columns}) SELECT {columns} FROM dead_letters")
        older.execute("DROP TABLE dead_letters")
        older.execute("PRAGMA user_version = 0")
    with DeadLetters(path) as dead_letters:
        assert dead_letters.get(1) == dead_letter(1)
        assert [entry.input for entry in dead_letters.entries()] == ["posts.csv#4f"]
        dead_letters.put([dead_letter(2)])
        assert [entry.line for entry in dead_letters.entries()] == [1, 2]


def test_a_file_of_a_later_version_is_refused(path: Path) -> None:
    with DeadLetters(path) as dead_letters:
        dead_letters.put([dead_letter(1)])
    with closing(sqlite3.connect(path)) as later:
        later.execute("PRAGMA user_version = 99")
    with DeadLetters(path) as dead_letters, pytest.raises(StoreError, match="later Marsad"):
        dead_letters.entries()


def answer(dead_letters: DeadLetters, source: str, second: int, body: bytes) -> int | None:
    """Keep what a platform sent instead of an answer."""
    at = START + timedelta(seconds=second)
    return dead_letters.put_answer(source, at, body, reason="blocked", detail="it wants a login")


def test_an_answer_is_kept_beside_records_and_is_none(path: Path) -> None:
    with DeadLetters(path) as dead_letters:
        dead_letters.put([dead_letter(1)])
        number = answer(dead_letters, "mastodon:a", 0, b"<form>")
        assert number is not None
        kept = dead_letters.get(number)
        assert kept is not None
        assert (kept.kind, kept.raw) == ("answer", b"<form>")
        assert [entry.kind for entry in dead_letters.entries()] == ["record"]
        assert [entry.number for entry in dead_letters.entries(kind="answer")] == [number]
        assert "blocked" not in dead_letters.reasons()
        assert sum(dead_letters.reasons(kind=None).values()) == 2


def test_an_empty_answer_is_not_kept(path: Path) -> None:
    with DeadLetters(path) as dead_letters:
        assert answer(dead_letters, "mastodon:a", 0, b"") is None
    assert not path.exists()


def test_of_each_source_the_newest_answers_are_kept(path: Path) -> None:
    with DeadLetters(path) as dead_letters:
        for second in range(NEWEST + 3):
            answer(dead_letters, "pages/a:b", second, b"%d" % second)
        answer(dead_letters, "pages/a:bb", 0, b"other")
        entries = dead_letters.entries(kind="answer")
        kept = [one.raw for entry in entries if (one := dead_letters.get(entry.number))]
    assert kept == [*(b"%d" % n for n in range(3, NEWEST + 3)), b"other"]


def test_a_deletion_removes_the_answers_that_hold_the_name(path: Path) -> None:
    with DeadLetters(path) as dead_letters:
        for second, body in enumerate([b'{"acct": "somebody"}', b"somebodyelse", b"id 4711 here"]):
            answer(dead_letters, "a", second, body)
        assert dead_letters.forget([]) == 0
        assert dead_letters.forget(["somebody", "4711"]) == 2
        (left,) = dead_letters.entries(kind="answer")
        assert left.size == len(b"somebodyelse")


def test_a_letter_comes_back_as_it_was(path: Path) -> None:
    kept = DeadLetter(
        origin="o",
        line=7,
        reason="encoding",
        detail="byte 3",
        raw=bytes(range(256)),
        truncated=True,
        context='{"map":"text=body"}',
        input="posts.csv",
        at=START,
    )
    with DeadLetters(path, clock=Clock()) as dead_letters:
        dead_letters.put([kept])
    with DeadLetters(path, clock=Clock()) as dead_letters:
        (entry,) = dead_letters.entries()
        assert dead_letters.get(entry.number) == kept
        assert (entry.origin, entry.line, entry.reason) == ("o", 7, "encoding")
        assert (entry.size, entry.truncated, entry.at) == (256, True, START)
        assert entry.expires_at == START + timedelta(days=30)


def test_a_listing_never_holds_raw_bytes(path: Path) -> None:
    with DeadLetters(path, clock=Clock()) as dead_letters:
        dead_letters.put([dead_letter(raw=b"zqxrare")])
        assert "zqxrare" not in repr(dead_letters.entries())


def test_the_same_place_is_kept_once_and_not_for_longer(path: Path) -> None:
    clock = Clock()
    with DeadLetters(path, clock=clock) as dead_letters:
        dead_letters.put([dead_letter(1), dead_letter(2)])
        clock.now += timedelta(days=5)
        dead_letters.put([dead_letter(1, reason="no-id"), dead_letter(1, reason="no-id")])
        first, second = dead_letters.entries()
    assert (first.line, first.reason) == (1, "no-id")
    assert first.expires_at == second.expires_at == START + timedelta(days=30)


def test_reasons_are_counted_and_listed_apart(path: Path) -> None:
    with DeadLetters(path, clock=Clock()) as dead_letters:
        dead_letters.put(
            [dead_letter(n, reason="no-id" if n % 3 else "no-text") for n in range(10)]
        )
        assert dead_letters.reasons() == {"no-id": 6, "no-text": 4}
        assert [e.line for e in dead_letters.entries(reason="no-text")] == [0, 3, 6, 9]
        first = dead_letters.entries(limit=4)
        assert [e.line for e in first] == [0, 1, 2, 3]
        assert [e.line for e in dead_letters.entries(limit=2, after=first[-1].number)] == [4, 5]


def test_expired_letters_are_not_shown_and_the_next_writing_removes_them(path: Path) -> None:
    clock = Clock()
    with DeadLetters(path, days=2, clock=clock) as dead_letters:
        dead_letters.put([dead_letter(1, b"zqxrare")])
        clock.now += timedelta(days=1)
        dead_letters.put([dead_letter(2)])
        clock.now += timedelta(days=1)
        assert [e.line for e in dead_letters.entries()] == [2]
        assert dead_letters.get(1) is None
        assert dead_letters.reasons() == {"no-text": 1}
        dead_letters.put([dead_letter(3)])
    assert b"zqxrare" not in path.read_bytes()


def test_expired_letters_go_though_nothing_is_written(path: Path) -> None:
    clock = Clock()
    with DeadLetters(path, days=2, clock=clock) as dead_letters:
        dead_letters.purge_expired()
        assert not path.exists()
        dead_letters.put([dead_letter(1, b"zqxrare")])
        clock.now += timedelta(days=1)
        dead_letters.put([dead_letter(2)])
        dead_letters.purge_expired()
        assert b"zqxrare" in path.read_bytes()
        clock.now += timedelta(days=1)
        dead_letters.purge_expired()
        assert [e.line for e in dead_letters.entries()] == [2]
    assert b"zqxrare" not in path.read_bytes()


def test_a_full_disk_or_another_process_makes_expired_letters_wait(path: Path) -> None:
    clock = Clock()
    with DeadLetters(path, days=2, clock=clock) as dead_letters:
        dead_letters.put([dead_letter(1, b"zqxrare")])
        clock.now += timedelta(days=2)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            dead_letters._open.execute("PRAGMA busy_timeout = 0")  # type: ignore[union-attr]
            dead_letters.purge_expired()
        dead_letters.purge_expired()
    assert b"zqxrare" not in path.read_bytes()


def test_a_letter_that_was_taken_in_is_removed(path: Path) -> None:
    with DeadLetters(path, clock=Clock()) as dead_letters:
        dead_letters.put([dead_letter(1, b"zqxrare"), dead_letter(2)])
        dead_letters.remove([dead_letter(1), dead_letter(99)])
        assert [e.line for e in dead_letters.entries()] == [2]
    assert b"zqxrare" not in path.read_bytes()


@pytest.mark.parametrize(
    "raw",
    [
        '{"user": "José_Ali", "text": '.encode(),
        b'{"user": "Jos\\u00e9_Ali", "text": ',
        "id;José_Ali;texte".encode("cp1252"),
        "id\tJosé_Ali\t".encode("utf-16-le"),
        "by @josé_ali.".encode(),
    ],
)
def test_letters_that_name_a_deleted_author_are_forgotten(path: Path, raw: bytes) -> None:
    with DeadLetters(path, clock=Clock()) as dead_letters:
        dead_letters.put(
            [dead_letter(1, raw), dead_letter(2, b"Jos"), dead_letter(3, "José_Alia José".encode())]
        )
        assert dead_letters.forget(["José_Ali", ""]) == 1
        assert [e.line for e in dead_letters.entries()] == [2, 3]


def test_protected_posts_that_became_dead_letters_are_forgotten_with_their_author(
    path: Path,
) -> None:
    """As through Kafka: the raw account name never travels, the older key's pseudonym does."""
    old, new = (Key(name, START, secret) for name, secret in (("k1", "a1" * 32), ("k2", "b2" * 32)))
    written = Post(id="bluesky:3k", platform="bluesky", text="x", author="Karim")
    with DeadLetters(path, clock=Clock()) as dead_letters:
        for line, keys in enumerate(([old], [new], [old, new]), start=1):
            post = Protector(keys).protect(written).post
            dead_letters.put([dead_letter(line, encode(post), "store-refused")])
        other = Protector([new]).protect(msgspec.structs.replace(written, author="Nadia")).post
        dead_letters.put([dead_letter(4, encode(other), "store-refused")])
        deletion = collected_tombstone(
            Protector([new, old]), Tombstone(platform="bluesky", author="karim")
        )
        assert (
            dead_letters.forget(searched_names(msgspec.structs.replace(deletion, raw_name=""))) == 3
        )
        assert [e.line for e in dead_letters.entries()] == [4]


@settings(max_examples=40)
@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(str.strip),
    st.sampled_from(["json", "ascii", "csv", "utf-16-le", "utf-16-be"]),
)
def test_whatever_a_name_looks_like_its_letters_are_forgotten(name: str, form: str) -> None:
    raw = {
        "json": json.dumps({"user": name}, ensure_ascii=False).encode(),
        "ascii": json.dumps({"user": name}).encode(),
        "csv": f"1;{name};2".encode(),
    }.get(form) or f"1;{name};2".encode(form)
    with tempfile.TemporaryDirectory() as folder, DeadLetters(Path(folder) / "d") as dead_letters:
        dead_letters.put([dead_letter(1, raw)])
        assert dead_letters.forget(["another name", "did:plc:else/3k", name]) == 1


def test_the_bytes_of_forgotten_letters_are_gone_from_the_disk(path: Path) -> None:
    with DeadLetters(path, clock=Clock()) as dead_letters:
        dead_letters.put([dead_letter(n, b"zqx%d " % n * (1 + n % 90)) for n in range(200)])
        assert dead_letters.forget([f"zqx{n}" for n in range(0, 200, 3)]) == 67
        left = b"".join(p.read_bytes() for p in path.parent.iterdir())
    for number in range(200):
        assert (b"zqx%d " % number in left) == (number % 3 != 0)


def test_the_file_is_its_owner_s_alone(path: Path) -> None:
    with DeadLetters(path) as dead_letters:
        dead_letters.put([dead_letter()])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


READ = """
import os, sys
from pipelines.dead_letters.queue import DeadLetters
from pipelines.errors import StoreError
if os.geteuid() == 0:
    os.setgid(65534); os.setuid(65534)
try:
    print(DeadLetters(sys.argv[1]).entries())
except StoreError as error:
    print(error)
"""


def test_another_account_is_told_that_it_may_not_read_them() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.db.dead"
        with DeadLetters(path) as dead_letters:
            dead_letters.put([dead_letter()])
        path.chmod(0)
        Path(folder).chmod(0o755)
        done = subprocess.run(
            [sys.executable, "-c", READ, str(path)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    assert "a.db.dead can't be opened (Permission denied)" in done.stdout
    assert "by the account alone that imported it" in done.stdout


def test_another_file_is_not_taken_for_dead_letters(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA application_id = 5")
    with pytest.raises(StoreError, match="does not hold dead letters"):
        DeadLetters(path).entries()
    path.write_text("just notes " * 100)
    with pytest.raises(StoreError, match="no store of Marsad"):
        DeadLetters(path).put([dead_letter()])


@pytest.mark.parametrize(
    ("options", "notified"),
    [
        ([], "marsad dead list"),
        (["--store", "my study.db"], "marsad dead list --store 'my study.db'"),
        (["--brokers", "a:9092"], "marsad dead list --brokers a:9092"),
    ],
)
def test_who_is_sent_to_what_becomes_a_dead_letter_is_sent_to_the_right_place(
    options: list[str], notified: str
) -> None:
    @click.command()
    @store_option
    @brokers_option
    def some(store: str | None, brokers: str | None) -> None:
        click.echo(ledger_line("posts.csv: done", Ledger(received=1, dead=1)))

    said = CliRunner().invoke(some, options).output
    assert said == f"posts.csv: done: 1 received, 1 dead; see: {notified}\n"


@pytest.mark.parametrize("name", ["سميرة", "é.b", "Zoé"])
def test_a_finder__finds_a_name_without_a_long_run_of_ascii_letters(name: str) -> None:
    named = finder([name])
    assert named is not None
    assert named(f'{{"user": "{name}"}}'.encode())
    assert not named(b'{"user": "other"}')
    assert finder([""]) is None
