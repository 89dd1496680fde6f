"""Rows of trends as a table for people: narrow enough for any terminal, silence made short."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipelines.long_table import print_table
from pipelines.trends import By, Row

# Signs as well as colours: a table is also piped into files and read by colour-blind people.
_BARS = (("negative", "█", "red"), ("neutral", "▒", "bright_black"), ("positive", "░", "green"))
_BAR = 20

#: From this width of the terminal on there is room for the bar, and for all three shares.
_WIDE = 78
_MIDDLE = 56


def table(rows: Sequence[Row], by: By, width: int, names: Mapping[str, str]) -> Table:
    """Return the table for a terminal of this width.

    A group without posts in a bucket has no line, and a stretch without any post is one line,
    with ``?`` for the number of posts where it is unknown.
    ``names`` are the groups' names for people.
    """
    split = any(row.group for row in rows)
    shown = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    lines = list(_lines(rows, by, width, names, split))
    date = max(13 if by == "hour" else 10, *(len(str(cells[0])) for cells in lines))
    counts = max(5, *(len(f"{row.posts or 0:,}") for row in rows))
    shown.add_column(by, no_wrap=True, width=date)
    if split:
        taken = date + counts + 17 + (_BAR + 1 if width >= _WIDE else 0)
        taken += 12 if width >= _MIDDLE else 0
        shown.add_column("", no_wrap=True, overflow="ellipsis", max_width=max(4, width - taken))
    shown.add_column("posts", justify="right", no_wrap=True, width=counts)
    if width >= _WIDE:
        shown.add_column(_legend(), no_wrap=True, width=_BAR)
    shown.add_column("neg %", justify="right", no_wrap=True, width=5)
    shown.add_column("95 %", no_wrap=True, style="dim", width=6)
    if width >= _MIDDLE:
        shown.add_column("neu %", justify="right", no_wrap=True, width=5)
        shown.add_column("pos %", justify="right", no_wrap=True, width=5)
    if any(row.of_all is not None for row in rows):
        shown.add_column("% of all", justify="right", no_wrap=True, width=8)
    for cells in lines:
        shown.add_row(*cells)
    return shown


def show(rows: Sequence[Row], by: By, names: Mapping[str, str], console: Console) -> None:
    """Print the table."""
    print_table(table(rows, by, console.width, names), console)


def _lines(
    rows: Sequence[Row], by: By, width: int, names: Mapping[str, str], split: bool
) -> Iterator[list[Text | str]]:
    buckets = [list(own) for _, own in groupby(rows, key=lambda row: row.bucket)]
    for state, run in groupby(buckets, key=_state):
        stretch = list(run)
        if state == "ok":
            for own in stretch:
                yield from _bucket(own, width, names, split)
        else:
            yield _quiet(len(stretch), by, state, split)


def _state(rows: Sequence[Row]) -> str:
    """Return the state of a bucket: of a source that is not listening no group knows more."""
    states = {row.state for row in rows}
    return "ok" if states & {"ok", "few"} else "unknown" if "unknown" in states else "zero"


def _quiet(buckets: int, by: By, state: str, split: bool) -> list[Text | str]:
    many = f"· {buckets:,} {by}s" if buckets > 1 else f"· 1 {by}"
    count = Text("0", style="dim") if state == "zero" else Text("?", style="yellow")
    return [Text(many, style="dim"), *([""] if split else []), count]


def _bucket(
    rows: Sequence[Row], width: int, names: Mapping[str, str], split: bool
) -> Iterator[list[Text | str]]:
    bucket = rows[0].bucket.replace("T", " ")
    for row in rows:
        if not row.posts:
            continue
        cells: list[Text | str] = [bucket]
        bucket = ""
        if split:
            cells.append(names.get(row.group, row.group))
        cells.append(f"{row.posts:,}")
        if row.negative is None:
            note = "too few posts" if row.state == "few" else ""
            cells += [Text(note, style="dim")] if width >= _WIDE else []
            yield cells + [""] * (4 if width >= _MIDDLE else 2) + _of_all(row)
            continue
        if width >= _WIDE:
            cells.append(_bar(row))
        cells.append(_percent(row.negative))
        cells.append(f"{_percent(row.negative_low)}–{_percent(row.negative_high)}")
        if width >= _MIDDLE:
            cells += [_percent(row.neutral), _percent(row.positive)]
        yield cells + _of_all(row)


def _of_all(row: Row) -> list[Text | str]:
    return [] if row.of_all is None else [f"{100 * row.of_all:.1f}"]


def _percent(share: float | None) -> str:
    return f"{100 * (share or 0.0):.0f}"


def _bar(row: Row) -> Text:
    bar = Text()
    shares = [row.negative or 0.0, row.neutral or 0.0, row.positive or 0.0]
    whole = sum(shares) or 1.0
    done = 0
    reached = 0.0
    for (_, sign, colour), share in zip(_BARS, shares, strict=True):
        reached += share / whole
        end = round(reached * _BAR)
        bar.append(sign * (end - done), style=colour)
        done = end
    return bar


def _legend() -> Text:
    legend = Text()
    for name, sign, colour in _BARS:
        legend.append(f"{sign} {name[:3]} ", style=colour)
    return legend
