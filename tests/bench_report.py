"""The figures of :mod:`tests.bench_scale` as a part of a page in Markdown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

#: What is measured: words, our figure, its unit, beside whom, the peer's figure, and the goal at a
#: million posts.
ROWS = (
    ("search, 30 queries, median", "search_p50_ms", "ms", "tantivy", "tantivy_p50_ms", ""),
    (
        "search, 30 queries, p95",
        "search_p95_ms",
        "ms",
        "tantivy",
        "tantivy_p95_ms",
        "100, 12 times",
    ),
    ("trends of everything by day", "trends_day_ms", "ms", "DuckDB", "duckdb_day_ms", "1 time"),
    ("… by entity", "trends_entity_ms", "ms", "DuckDB", "duckdb_entity_ms", "0.5 times"),
    (
        "trends of one frequent word by day",
        "trends_word_day_ms",
        "ms",
        "DuckDB, substring",
        "duckdb_word_day_ms",
        "",
    ),
    ("… by entity", "trends_word_entity_ms", "ms", "", "", ""),
    ("trends of everything by hour", "trends_hour_ms", "ms", "", "", ""),
    ("counts of facets, frequent word", "facets_word_ms", "ms", "", "", ""),
    ("`status`, in the store", "status_ms", "ms", "", "", "100"),
    ("one deletion", "delete_one_ms", "ms", "", "", "200"),
    ("deletion of authors with {delete_author_posts:,} posts", "delete_author_s", "s", "", "", ""),
    ("the file, a post", "bytes_a_post", "bytes", "", "", "1,200"),
    ("storing and indexing a scored post", "store_us_a_post", "µs", "", "", ""),
    (
        "reading, protecting, matching and storing a post",
        "import_ms_a_post",
        "ms",
        "sqlite-utils, insert and full text",
        "sqlite_utils_ms_a_post",
        "0.25",
    ),
    ("start of `search`", "start_search_s", "s", "sqlite-utils", "start_sqlite_utils_s", "0.45"),
    ("start of `status`", "start_status_s", "s", "sqlite-utils", "start_sqlite_utils_s", "0.45"),
    ("start of `trends`", "start_trends_s", "s", "sqlite-utils", "start_sqlite_utils_s", ""),
    ("a hit of `search --limit 1000 --json`", "hit_ms", "ms", "", "", "0.3"),
    ("`trends` with a table of 3,000 lines, whole command", "table_s", "s", "", "", ""),
    ("memory of an export as NDJSON", "export_ndjson_mb", "MB", "", "", "300"),
    ("… as CSV", "export_csv_mb", "MB", "", "", "300"),
    ("… as Parquet", "export_parquet_mb", "MB", "", "", "300"),
    ("… as a workbook", "export_xlsx_mb", "MB", "", "", "300"),
    ("growth of search p95 (exponent, from a tenth)", "exponent_search_p95", "", "", "", "1.05"),
    ("… of trends of a word by day", "exponent_trends_word_day", "", "", "", "1.05"),
    ("… of trends of a word by entity", "exponent_trends_word_entity", "", "", "", "1.05"),
    ("… of trends by hour", "exponent_trends_hour", "", "", "", "1.05"),
)


def section(figures: Mapping[str, Any], command: str, date: str) -> str:
    """Return the part of the page about one store."""
    made = ", ".join(f"{name} {figures[name]}" for name in ("apsw", "tantivy", "duckdb"))
    lines = [
        f"## {figures['posts']:,} posts",
        "",
        f"`{command}`, {date}, {figures['machine']}, load {figures['load']}, "
        f"Python {figures['python']}, {made} (one thread), sqlite-utils {figures['sqlite-utils']}; "
        f"{'one run' if figures['runs'] == 1 else 'medians of ' + str(figures['runs'])}.",
        "",
        "| | Marsad | beside | ratio | goal at 1,000,000 |",
        "| --- | --- | --- | --- | --- |",
    ]
    for words, name, unit, whom, beside, goal in ROWS:
        if name not in figures:
            continue
        peer = f"{whom} {_figure(figures[beside], unit)}" if beside in figures else ""
        ratio = f"{figures[name] / figures[beside]:.2f}" if peer else ""
        own = _figure(figures[name], unit)
        lines.append(f"| {words.format(**figures)} | {own} | {peer} | {ratio} | {goal} |")
    return "\n".join(lines) + "\n"


def put(page: Path, posts: int, text: str) -> None:
    """Write the part about a store of so many posts into a page, in place of an earlier one.

    Parts stand between marks, the largest store first; the rest of the page stays.
    """
    whole = page.read_text(encoding="utf-8")
    parts = {int(found[1]): found[2] for found in _PART.finditer(whole)}
    parts[posts] = text
    listed = "".join(
        f"<!-- bench_scale {one} -->\n\n{parts[one].strip()}\n\n<!-- end -->\n\n"
        for one in sorted(parts, reverse=True)
    )
    first = _PART.search(whole)
    place = first.start() if first else len(whole.rstrip()) + 1
    before, after = whole[:place].rstrip("\n"), _PART.sub("", whole[place:]).strip("\n")
    page.write_text(f"{before}\n\n{listed}{after}".rstrip("\n") + "\n", encoding="utf-8")


_PART = re.compile(r"<!-- bench_scale (\d+) -->\n(.*?)<!-- end -->\n*", re.DOTALL)


def _figure(value: float, unit: str) -> str:
    digits = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 0.1 else 3
    return f"{value:,.{digits}f} {unit}".rstrip()
