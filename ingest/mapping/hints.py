"""Which field most likely holds the texts, where no name says so: for the advice in an error."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC
from typing import Any

from ingest import dates
from ingest.mapping.ids import Number
from ingest.mapping.missing import is_missing

Sample = Mapping[str, Sequence[str]]
"""Texts of a file's first records, under the names that ``--map`` takes."""

#: Fields that hold no text, whatever stands in them.
_CONTACT = ("phone", "mail", "tel", "contact", "address", "adresse", "هاتف", "بريد", "error")
_MAIL = re.compile(r"\S+@\S+\.\S+")
#: One word with digits in it: an id, a hash, a version.
_CODE = re.compile(r"(?=\S*\d)[\w:./@+-]+")
#: An object or list in a cell, as JSON or as Python prints it: it may hold names.
_JSON = re.compile(r"\{\s*[\"'][^\"'\n]{1,60}[\"']\s*:|\[\s*(?:[\[{\"']|\])")
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
        if any(word in name.casefold() for word in _CONTACT):
            continue
        texts = [value for value in values if value and not _address(value)]
        if not texts or all(map(_no_text, texts)):
            continue
        mean = sum(map(len, texts)) / len(texts) if texts else 0.0
        if mean and mean >= longest:
            best, longest = name, mean
    return best


def _no_text(value: str) -> bool:
    """Say whether a value is a number, a date, a mail address or a single code."""
    value = value.strip()
    return (
        not any(sign.isalpha() for sign in value)
        or dates.read(value, UTC).moment is not None
        or _MAIL.fullmatch(value) is not None
        or _CODE.fullmatch(value) is not None
        or _JSON.match(value) is not None
        or is_missing(value)
    )


def _address(value: str) -> bool:
    return "://" in value[:20] and not any(map(str.isspace, value.strip()))
