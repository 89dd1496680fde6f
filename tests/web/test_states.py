"""What the page says when its store is empty, locked, full, away, or written by another Marsad."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.errors import AccountError, StoreBusy, StoreFull, StoreSlow
from pipelines.query import All
from pipelines.records import Batch, Collected, Position
from pipelines.stores.sqlite import SqliteStore
from pipelines.web import queries
from pipelines.web.security.accounts import Accounts
from tests.servers.process import free_port
from tests.web.conftest import ZONE, Site, a_post

PAGES = ("/", "/search", "/trends", "/likes", "/status", "/export", "/label")


def make(path: Path) -> SqliteStore:
    return SqliteStore(path, timezone=ZONE)


@pytest.mark.parametrize("path", ["/", "/search", "/search?q=inwi", "/trends"])
def test_empty_store__is_said_with_what_to_do(
    serve: Callable[..., Site], tmp_path: Path, path: str
) -> None:
    make(tmp_path / "store.db").close()
    page = serve(None).page(path)
    assert "There are no posts yet" in page
    assert 'href="/upload"' in page


def test_empty_store__has_no_examples_and_its_path_stays_in_order(
    serve: Callable[..., Site], tmp_path: Path
) -> None:
    make(tmp_path / "store.db").close()
    site = serve(None)
    assert "For example:" not in site.page("/")
    assert "0 posts" not in site.page("/")
    assert f"\N{LEFT-TO-RIGHT ISOLATE}{site.options.store}\N{POP DIRECTIONAL ISOLATE} فارغ" in (
        site.page("/?ui=ar")
    )


@pytest.mark.parametrize("path", PAGES)
def test_empty_store__is_no_failure_of_any_page(
    serve: Callable[..., Site], tmp_path: Path, path: str
) -> None:
    make(tmp_path / "store.db").close()
    assert serve(None).get(path).status_code == 200


def test_first_import__is_told_while_it_runs(serve: Callable[..., Site], tmp_path: Path) -> None:
    with make(tmp_path / "store.db") as store, store.writer("ingest archive"):
        position = Position(key="new", name="new", cursor="1", done=False)
        waiting = a_post(1, "inwi", sentiment=None, model="")
        store.accept(Batch(position=position, previous_cursor="", posts=[Collected(waiting)]))
        site = serve(None)
        for path in ("/", "/search", "/status"):
            page = site.page(path)
            assert "Posts are being read in since" in page
            assert "There are no posts yet" not in page
        assert "1 post waits to be scored" in site.page("/")


def test_import__into_a_store_with_posts_leaves_every_page_readable(
    serve: Callable[..., Site],
) -> None:
    site = serve()
    with make(Path(site.options.store)) as store, store.writer("ingest archive"):
        assert "5 posts" in site.page("/search")
        assert "Posts are being read in since" in site.page("/status")
    assert "being read in" not in site.page("/status?again")


@pytest.mark.parametrize("path", PAGES)
def test_server__that_is_away_is_said_with_what_to_do(
    serve: Callable[..., Site], path: str
) -> None:
    site = serve(None, store=f"http://127.0.0.1:{free_port()}/marsad")
    answer = site.get(path, headers={"Accept-Language": "fr"})
    assert answer.status_code == 503
    assert "Le serveur qui garde les messages" in answer.text
    assert "Traceback" not in answer.text
    assert site.get("/readyz").status_code == 503


def test_store__of_a_later_version_says_that_waiting_does_not_help(
    serve: Callable[..., Site],
) -> None:
    site = serve()
    connection = sqlite3.connect(site.options.store)
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    answer = site.get("/search")
    assert answer.status_code == 503
    assert "written by another version of Marsad" in answer.text
    assert "Try again in a minute" not in answer.text


def test_file__that_is_no_store_is_said(serve: Callable[..., Site], tmp_path: Path) -> None:
    (tmp_path / "store.db").write_bytes(b"no store at all, but a letter to a friend" * 100)
    answer = serve(None).get("/")
    assert answer.status_code == 503
    assert "is no store of Marsad" in answer.text


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (StoreFull("No room is left for store.db."), "No room is left on the disk"),
        (StoreBusy("store.db is being written."), "The store is being written to"),
    ],
)
def test_label__that_can_not_be_kept_is_said(
    serve: Callable[..., Site], monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    def fails(*_: object) -> bool:
        raise error

    site = serve()
    monkeypatch.setattr(queries, "label", fails)
    answer = site.post("/label", token=site.token("/label"), post_id="twitter:1", label="negative")
    assert answer.status_code == 503
    assert said in answer.text


def test_question__that_takes_too_long_is_stopped_and_said(serve: Callable[..., Site]) -> None:
    site = serve()
    with make(Path(site.options.store)) as store:
        store.limit_time(0)
        # more steps than SQLite takes between two looks at the clock
        endless = (
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000000) "
            "SELECT max(i) FROM n"
        )
        with pytest.raises(StoreSlow, match="took too long"), store._reading():
            store._connection.execute(endless).fetchall()
        store.limit_time(60)
        assert store.count(All())[0] == 5


def test_question__that_was_stopped_is_a_page(
    serve: Callable[..., Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> object:
        raise StoreSlow("store.db: this question took too long and was stopped.")

    site = serve()
    monkeypatch.setattr(queries, "search", fails)
    answer = site.get("/search?q=whatsapp")
    assert answer.status_code == 503
    assert "This takes too long" in answer.text


def test_accounts__that_can_not_be_read_are_said_without_a_page(
    serve: Callable[..., Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> object:
        raise AccountError("web.db can't be used (disk full): make room.")

    site = serve(login=True)
    monkeypatch.setattr(Accounts, "session", fails)
    answer = site.get("/search", headers={"Cookie": "marsad_session=any"})
    assert answer.status_code == 400
    assert "make room" in answer.text
