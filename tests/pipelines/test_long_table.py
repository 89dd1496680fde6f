"""Long tables: the same lines as rich writes, in a fraction of the time."""

from __future__ import annotations

import re
from io import StringIO

import pytest
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipelines.long_table import SHORT, print_table


def table(rows: int) -> Table:
    made = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    made.add_column("day", no_wrap=True, width=10)
    made.add_column("", no_wrap=True, overflow="ellipsis", max_width=12)
    made.add_column("posts", justify="right", no_wrap=True, width=6)
    made.add_column("95 %", no_wrap=True, style="dim", width=6)
    names = ["inwi", "اتصالات المغرب", "a name longer than its column", "通信", ""]
    for row in range(rows):
        bar = Text()
        bar.append("█" * (row % 4), style="red")
        bar.append("░", style="green")
        made.add_row(f"2016-01-{row % 28 + 1:02}", names[row % 5], Text(f"{row:,}"), bar)
    return made


def written(rows: int, width: int, system: str | None) -> tuple[str, str]:
    """Return what rich writes and what the fast writer writes."""
    found = []
    for write in (lambda t, c: c.print(t), print_table):
        out = StringIO()
        made = Console(
            file=out, width=width, color_system=system, force_terminal=system is not None,  # type: ignore[arg-type]
            highlight=False, legacy_windows=False, _environ={},
        )  # fmt: skip
        write(table(rows), made)
        found.append(out.getvalue())
    return found[0], found[1]


@pytest.mark.parametrize("rows", [0, 3, SHORT + 1, 3 * SHORT])
@pytest.mark.parametrize("width", [20, 37, 38, 80])
def test_print_table__writes_what_rich_writes(rows: int, width: int) -> None:
    expected, found = written(rows, width, None)
    assert found == expected


@pytest.mark.parametrize("system", ["standard", "256", "truecolor"])
def test_print_table__shows_the_same_with_colours(system: str) -> None:
    expected, found = written(SHORT + 1, 80, system)
    plain = [re.sub(r"\x1b\[[0-9;]*m", "", one) for one in (expected, found)]
    assert plain[0] == plain[1]
    assert "\x1b[2;31m█" in found
    assert "\x1b[2mday" in found
