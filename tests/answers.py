"""Comparing what commands answer: the same, but for the times of collecting and last digits."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

#: How far two probabilities of the same post may be apart: batches differ.
NEAR = 0.001


def alike(one: Any, other: Any) -> bool:
    """Whether two answers are the same, numbers with digits behind the point nearly."""
    if isinstance(one, float) or isinstance(other, float):
        numbers = isinstance(one, int | float) and isinstance(other, int | float)
        return numbers and abs(one - other) <= NEAR
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    return bool(one == other)


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
