"""What measurements write into a page: their own part, and nothing else of it."""

from __future__ import annotations

from pathlib import Path

from tests.bench_report import put, section

FIGURES = {
    "posts": 2_000,
    "runs": 3,
    "machine": "a processor, 2 cores",
    "load": "1",
    "python": "3.11",
    "apsw": "1",
    "tantivy": "2",
    "duckdb": "3",
    "sqlite-utils": "4",
    "search_p95_ms": 22.5,
    "tantivy_p95_ms": 1.5,
    "status_ms": 0.25,
    "delete_author_posts": 10_000,
    "delete_author_s": 4.0,
}


def test_section__names_the_command_machine_and_versions_and_compares_with_the_peer() -> None:
    text = section(FIGURES, "python -m tests.bench_scale --posts 2000", "2026-12-01")
    assert text.startswith("## 2,000 posts\n")
    assert "`python -m tests.bench_scale --posts 2000`, 2026-12-01, a processor, 2 cores" in text
    assert "DuckDB 3" not in text  # the version is given as it is named in the figures
    assert "duckdb 3" in text
    assert "| search, 30 queries, p95 | 22.5 ms | tantivy 1.50 ms | 15.00 | 100, 12 times |" in text
    assert "| deletion of authors with 10,000 posts | 4.00 s |" in text
    assert "sqlite-utils, insert" not in text  # what was not measured is left out


def test_put__replaces_the_part_about_as_many_posts_and_keeps_the_rest(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text("# Performance\n\nWords.\n\n## By hand\n\nFigures.\n")
    put(page, 2_000, "## 2,000 posts\n\nold\n")
    assert page.read_text().startswith("# Performance\n\nWords.\n\n## By hand\n\nFigures.\n\n<!--")
    put(page, 50_000, "## 50,000 posts\n\nlarge\n")
    put(page, 2_000, "## 2,000 posts\n\nnew\n")
    text = page.read_text()
    assert "old" not in text
    assert text.index("large") < text.index("new")
    assert text.count("## ") == 3


def test_put__writes_parts_where_they_stand(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text("# A\n\n<!-- bench_scale 10 -->\n\nold\n\n<!-- end -->\n\n## By hand\n\nEnd.\n")
    put(page, 10, "new\n")
    once = page.read_text()
    assert once == ("# A\n\n<!-- bench_scale 10 -->\n\nnew\n\n<!-- end -->\n\n## By hand\n\nEnd.\n")
    put(page, 10, "new\n")
    assert page.read_text() == once
