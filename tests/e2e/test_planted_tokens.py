"""No planted token is in a store, an export, a chart, an answer or a log of the command."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.conftest import Marsad
from tests.e2e.planted_pages import given, readable
from tests.planted import ARCHIVES, Planter, shapes

#: Raw by design, for their owner alone: what could not be read, and the secret.
RAW = (".dead", ".dead-wal", ".dead-shm")
EXPORTS = (
    ("--format", "ndjson,csv,parquet,xlsx"),
    ("--level", "ids"),
    ("--level", "unlinked", "--pseudonyms", "own"),
    ("--pseudonyms", "own", "--format", "parquet"),
)


def test_a_planted_token__is_nowhere_after_an_import_of_all_shapes(
    marsad: Marsad,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    inputs = tmp_path / "inputs"
    inputs.mkdir()
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    marsad.environment |= {"HOME": str(tmp_path / "home"), "TMPDIR": str(temporary)}
    planter = Planter(2016)
    files = []
    for path in (path for path in shapes() if path.is_relative_to(ARCHIVES)):
        files.append(inputs / f"{path.parent.name}-{path.name}")
        files[-1].write_bytes(planter.planted(path))
    done = marsad("ingest", "archive", *files, "--later", code=None)
    assert done.returncode in {0, 1}  # some shapes hold no post
    told = [done.stdout, done.stderr]
    assert len(planter.tokens) > 1_000
    scored = marsad("score", "--pending")
    told.append(scored.stderr)
    ids = [row["id"] for row in marsad.rows("search", "--json", "--limit", "12")]
    for arguments in (
        ("search", "--json", "--limit", "1000"),
        ("search", "--limit", "1000"),
        ("status",),
        ("status", "--json"),
        ("trends", "--json"),
        ("trends", "--chart", "chart.svg"),
        ("trends", "--chart", "chart.png"),
        ("trends", "--chart", "chart.pdf"),
        ("top", "authors"),
        ("top", "links"),
        ("top", "hashtags"),
        ("dead", "list"),
        ("trends", "--split", "author", "--json"),
        ("trends", "--compare", "connexion"),
        ("label", "sample", "--to", "sheet.xlsx"),
        ("backup", "posts.backup"),
        *(("export", "--to", f"export-{n}", *more) for n, more in enumerate(EXPORTS)),
        ("export", "purge-list", "export-0"),
    ):
        done = marsad(*arguments, code=None)
        assert "Traceback" not in done.stderr
        told += [done.stdout, done.stderr]
    assert marsad.ledger()["indexed"] > 60  # the shapes tell of the same posts
    assert planter.found_in("\n".join(told)) == {}
    files = [
        path
        for path in tmp_path.rglob("*")
        if path.is_file() and inputs not in path.parents and not path.name.endswith(RAW)
    ]
    assert {path.name for path in files} >= {
        *("marsad.db", "chart.svg", "posts.csv", "posts.xlsx", "posts.parquet", "sheet.xlsx"),
        *("posts.backup", "DATASHEET.md"),
    }
    for path in files:
        assert planter.found_in(readable(path.read_bytes())) == {}, path
        if path.suffix == ".parquet":  # compressed
            table = pq.read_table(path)
            assert planter.found_in(repr((table.to_pylist(), table.schema.metadata))) == {}
        assert planter.found_in(str(path.relative_to(tmp_path))) == {}
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    with caplog.at_level(logging.DEBUG):
        for name, content in given(
            marsad.folder / "marsad.db", tmp_path / "web.db", ids, temporary
        ):
            assert planter.found_in(readable(content)) == {}, name
    assert planter.found_in(caplog.text) == {}
