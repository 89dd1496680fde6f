"""Odd posts, settings and addresses are shown or refused in words: no traceback, no steering."""

from __future__ import annotations

import subprocess

import pytest

from ingest.sources.rss.feed import read
from pipelines.terminal import printable
from tests.conftest import Marsad

POST = {
    "id": "1",
    "platform": "forum",
    "author": "a",
    "created_at": "2016-02-27T10:00:00Z",
    "text": "salut \x1b[31mrouge\x1b[0m \x9b5m \u202efin\r\nici \u200fسلام",
}


def refused(done: subprocess.CompletedProcess[str], words: str) -> None:
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_post__can_not_steer_the_terminal() -> None:
    shown = printable(POST["text"])
    assert len(shown) == len(POST["text"])
    assert shown == "salut ␛[31mrouge␛[0m \ufffd5m \ufffdfin␍\nici \u200fسلام"


def test_search__shows_controls_as_signs(marsad: Marsad) -> None:
    marsad("ingest", "archive", marsad.write("posts.ndjson", [POST]), "--later")
    out = marsad("search", "salut scored:provisional,final").stdout
    assert "␛[31mrouge" in out
    assert not {"\x1b", "\x9b", "\u202e"} & set(out)
    marsad.environment |= {"FORCE_COLOR": "1", "TERM": "xterm-256color"}
    coloured = marsad("search", "salut scored:provisional,final").stdout
    assert "␛[31mrouge" in coloured
    assert "\x1b[31m" not in coloured


def test_a_table_and_an_error__show_controls_as_signs(marsad: Marsad) -> None:
    marsad(
        "ingest", "archive", marsad.write("a\x1b[31mb.ndjson", [POST | {"id": "\x1b"}]), code=None
    )
    done = [marsad("dead", "list"), marsad("search", "salut", "\x08", code=2)]
    for one in done:
        assert not {"\x1b", "\x08"} & {*one.stdout, *one.stderr}
    assert "␛" in done[0].stdout
    assert "␈" in done[1].stderr


def test_a_file_that_is_written__is_for_its_owner_alone(marsad: Marsad) -> None:
    marsad("ingest", "archive", marsad.write("posts.ndjson", [POST]), "--later")
    marsad("trends", "--chart", "chart.svg", "scored:provisional,final")
    marsad("label", "sample", "scored:provisional,final", "--to", "sheet.csv")
    marsad("backup", "copy.db")
    folder = marsad.folder
    written = [path for path in folder.rglob("*") if path.is_file() and path.name != "posts.ndjson"]
    assert {"chart.svg", "sheet.csv", "copy.db"} <= {path.name for path in written}
    assert {path.stat().st_mode & 0o077 for path in written} == {0}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ('store = "a\\u0000b"', "NUL"),
        ('store = "http://[::1"', "no address of a store"),
        ("x = " + "[" * 5000 + "]" * 5000, "nested too deep"),
    ],
    ids=["nul", "address", "brackets"],
)
def test_odd_settings__are_refused_in_words(marsad: Marsad, settings: str, words: str) -> None:
    marsad.write("marsad.toml", settings)
    refused(marsad("status", code=1), words)


def test_many_dead_days__end_with_the_calendar(marsad: Marsad) -> None:
    marsad.write("marsad.toml", "dead_days = 4000000")
    marsad("ingest", "archive", marsad.write("posts.ndjson", [POST]), "--later")
    done = marsad("dead", "list", code=3)
    assert "Traceback" not in done.stderr


def test_a_watchlist_of_deep_brackets__is_refused_in_words(marsad: Marsad) -> None:
    file = marsad.write("odd.toml", "x = " + "[" * 5000 + "]" * 5000)
    refused(marsad("watchlist", "check", file, code=1), "nested too deep")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_feed_in_utf_16__is_read(encoding: str) -> None:
    feed = (
        "<?xml version='1.0' encoding='utf-16'?><rss version='2.0'><channel><title>t</title>"
        "<item><title>الانترنت مقطوع</title><link>https://a.example/1</link></item></channel></rss>"
    )
    (entry,) = read(feed.encode(encoding), "application/rss+xml", "https://a.example/f").entries
    assert entry.title == "الانترنت مقطوع"
