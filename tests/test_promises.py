"""Every promise of ``docs/promises.md`` stands in the documentation and has tests that exist."""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TABLE = ROOT / "docs" / "promises.md"
_ROW = re.compile(r"\| (?P<words>.+) \| \[[^\]]+\]\((?P<doc>[\w.-]+)\) \| (?P<tests>.+) \|")
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
ROWS = [found for line in TABLE.read_text("utf-8").splitlines() if (found := _ROW.fullmatch(line))]


@lru_cache
def names_in(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef))


def test_the_table__holds_the_promises() -> None:
    lines = [line for line in TABLE.read_text("utf-8").splitlines() if line.startswith("| ")]
    assert len(ROWS) == len(lines) - 2  # the header and the line below it
    assert len(ROWS) >= 25


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["words"][:40])
def test_a_promise__stands_in_its_document_and_names_tests_that_exist(row: re.Match[str]) -> None:
    document = (ROOT / "docs" / row["doc"]).read_text(encoding="utf-8")
    assert row["words"] in " ".join(document.split())
    named = _TEST.findall(row["tests"])
    assert named
    assert _TEST.sub("", row["tests"]).replace("<br>", "").strip() == ""
    for file, name in named:
        assert name in names_in(ROOT / file), (file, name)
