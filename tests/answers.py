"""Comparing what commands answer: the same, but for the times of collecting and last digits."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

#: How far two probabilities of the same post may be apart: batches differ.
NEAR = 0.001


def difference(one: Any, other: Any, place: str = "") -> str:
    """Where two answers differ first, empty if they are the same (numbers with digits nearly)."""
    if isinstance(one, float) or isinstance(other, float):
        numbers = isinstance(one, int | float) and isinstance(other, int | float)
        same = numbers and abs(one - other) <= NEAR
    elif isinstance(one, dict) and isinstance(other, dict):
        if one.keys() == other.keys():
            return _first(difference(one[key], other[key], f"{place}.{key}") for key in one)
        same = False
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        pairs = enumerate(zip(one, other, strict=True))
        return _first(difference(a, b, f"{place}[{number}]") for number, (a, b) in pairs)
    else:
        same = one == other
    return "" if same else f"{place}: {str(one)[:300]} is not {str(other)[:300]}"


def _first(found: Iterable[str]) -> str:
    return next(filter(None, found), "")


def alike(one: Any, other: Any) -> bool:
    """Whether two answers are the same."""
    return not difference(one, other)


def without_times(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Posts but for the moment they were collected at, which differs between two imports."""
    return [{name: value for name, value in row.items() if name != "collected_at"} for row in rows]


def exported(folder: Path) -> list[dict[str, Any]]:
    """The posts of an export."""
    lines = (folder / "posts.ndjson").read_text(encoding="utf-8").splitlines()
    return without_times([json.loads(line) for line in lines])


def table(text: str) -> list[dict[str, Any]]:
    """The rows of a CSV, figures as numbers."""

    def number(value: str) -> Any:
        try:
            return float(value)
        except ValueError:
            return value

    return [{k: number(v) for k, v in row.items()} for row in csv.DictReader(io.StringIO(text))]
