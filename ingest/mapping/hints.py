"""Which field most likely holds the texts, where no name says so: for the advice in an error."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC
from typing import Any

from ingest import dates
from ingest.mapping.ids import Number

Sample = Mapping[str, Sequence[str]]
"""Texts of a file's first records, under the names that ``--map`` takes."""

_DEEPEST = 6
_LONGEST_NAME = 60


def of_objects(records: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return the texts under every path of some objects."""
    found: dict[str, list[str]] = {}
    for record in records:
        _collect(record, "", found, _DEEPEST)
    return found


def _collect(
    record: Mapping[str, Any], before: str, found: dict[str, list[str]], deeper: int
) -> None:
    for key, value in record.items():
        if isinstance(value, dict) and deeper:
            _collect(value, f"{before}{key}.", found, deeper - 1)
        # A dot in an inner name would be taken for a step of the path.
        elif (
            isinstance(value, str) and not isinstance(value, Number) and not (before and "." in key)
        ):
            found.setdefault(f"{before}{key}", []).append(value)


def of_rows(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> dict[str, list[str]]:
    """Return the cells of every column."""
    found: dict[str, list[str]] = {name: [] for name in columns}
    for cells in rows:
        for name, cell in zip(columns, cells, strict=False):
            found[name].append(cell)
    return found


def without_header(first: Sequence[str]) -> bool:
    """Say whether the first row of a table looks like data and not like names of columns."""
    return any(
        len(cell) > _LONGEST_NAME
        or "://" in cell
        or dates.read(cell, UTC).moment is not None
        or cell.lstrip("+-").isdecimal()
        for cell in first
    )


def likeliest(sample: Sample) -> str:
    """Return the name whose values are longest on average, addresses apart; empty if none is."""
    best, longest = "", 0.0
    for name, values in sample.items():
        texts = [value for value in values if value and not _address(value)]
        mean = sum(map(len, texts)) / len(texts) if texts else 0.0
        if mean and mean >= longest:
            best, longest = name, mean
    return best


def _address(value: str) -> bool:
    return "://" in value[:20] and not any(map(str.isspace, value.strip()))
