"""What a tool's module gives, and small helpers that all of them use."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

import msgspec

Record = dict[str, Any]
"""One record of a file: a JSON object (numbers as written), or a row by its columns."""
Fields = dict[str, object]
"""Fields of a post for :func:`ingest.mapping.posts.build`; empty: this is no post."""
Around = Mapping[str, str]
"""Fields of the large object that holds the records (see ``Layout.around``)."""

_ZONED = re.compile(r"(?:Z|UTC|GMT|[+-]\d\d:?\d\d)\s*$", re.IGNORECASE)
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")


class Deletion(msgspec.Struct, frozen=True):
    """A notice that a post was deleted."""

    platform: str
    id: object
    at: object = None


class Skipped(msgspec.Struct, frozen=True):
    """A record of a known kind that is no post, and why: it is counted and told.

    ``private`` was sent to persons, ``deleted`` is gone on the platform.
    """

    reason: Literal["private", "deleted"]


PRIVATE = Skipped("private")
DELETED = Skipped("deleted")

Mapped = Fields | Deletion | Skipped | None


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """How the files of one tool are known and read.

    ``knows`` says whether a record (for tables: the header, as keys) is the tool's.
    ``map_item`` gives the fields of a post, a deletion, nothing (``{}``) for a record that is
    no post, or ``None`` for one that is not the tool's and is read by its field names. It does
    not raise: what is missing or of another type is left out, and
    :func:`~ingest.mapping.posts.build` judges the rest. ``split`` takes a record apart
    that holds several posts, ``None`` if it holds one. ``refuse`` returns why a whole file is
    not read, from the fields around its records.
    """

    name: str
    version: int
    """Raised with every change of what a record becomes: files are read anew then."""
    knows: Callable[[Record], bool]
    map_item: Callable[[Record, Around], Mapped]
    table: bool = False
    split: Callable[[Record], list[Record] | None] | None = None
    refuse: Callable[[Around], str] | None = None


def dig(value: object, *path: str | int) -> Any:
    """Return what stands under a path of keys and places, ``None`` where it ends early."""
    for step in path:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and -len(value) <= step < len(value):
            value = value[step]
        else:
            return None
    return value


def first(*values: object) -> Any:
    """Return the first value that is neither null nor an empty text."""
    for value in values:
        if value is not None and value != "":
            return value
    return None


def or_empty(value: object) -> object:
    """Return a text, an empty one for null: a post without words, as under a picture."""
    return "" if value is None else value


def take(row: Mapping[str, object], *names: str) -> Any:
    """Return the first of several columns or keys that holds something."""
    for name in names:
        value = row.get(name)
        if value is not None and value != "":
            return value
    return None


def word(value: object) -> str:
    """Return a name or number as text, nothing for anything else."""
    return value.strip() if isinstance(value, str) else ""


def account(value: object) -> str:
    """Return the name of an account for a reference to a post that is known by it alone.

    What looks like an id or an address would be kept as it is: such signs are taken out.
    """
    name = " ".join(re.sub(r"[:/]", " ", word(value)).split())
    return f"@{name}" if name.isdecimal() else name


def filled(fields: Fields) -> Fields:
    """Return the fields without those that hold nothing; an empty text is one."""
    return {
        name: value
        for name, value in fields.items()
        if value is not None and (value != "" or name == "text")
    }


def utc(value: object) -> object:
    """Say of a date without a zone that it is in UTC, where the tool is known to write so."""
    text = word(value)
    return f"{text}Z" if ":" in text and not _ZONED.search(text) else value


def joined(parts: Iterable[str], between: str = "") -> str:
    """Join the parts of a text that are not empty."""
    return between.join(part for part in parts if part)


def without_tags(text: str) -> str:
    """Return a text without HTML tags; a line break for ``<br>``."""
    return _TAG.sub(lambda tag: "\n" if tag[0][1:3].lower() == "br" else "", text)
