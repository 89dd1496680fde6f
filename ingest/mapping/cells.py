"""Lists and objects that programs print into one cell of a table: JSON, Python, R, NumPy."""

from __future__ import annotations

import ast
import json
import re
from typing import Any, Final

from ingest.mapping.tool import account

_LONGEST: Final = 100_000
_ACCOUNT_KEYS: Final = (
    *("screen_name", "username", "userName", "uniqueId", "unique_id", "acct", "handle"),
    *("name", "id_str", "id"),
)
#: NumPy prints no commas between texts, and a name around them.
_ARRAY = re.compile(r"(?:np\.)?array\((\[.*\])(?:,\s*dtype=[\w.'<]+)?\)", re.DOTALL)
_NO_COMMA = re.compile(r"(?<=['\"])\s+(?=['\"])")
#: A handle in an object that holds what only its program can read, such as ``datetime(2010, 1)``.
_HANDLE = re.compile(
    r"""['"](?:screen_name|username|userName|uniqueId|handle|acct)['"]\s*:\s*['"]([^'"]{1,200})['"]"""
)


def written_list(value: str) -> list[Any] | None:
    """Return a list that a program wrote as JSON or as Python does; ``None`` for another text."""
    if len(value) > _LONGEST:
        return None
    text = value.strip()
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        if array := _ARRAY.fullmatch(text):
            text = array[1]
        try:
            found = ast.literal_eval(_NO_COMMA.sub(", ", text))
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            return None
    if isinstance(found, dict):
        inner = found.get("hashtags", [found])
        found = inner if isinstance(inner, list) else [inner]
    if isinstance(found, tuple):
        found = list(found)
    return found if isinstance(found, list) else None


def named_account(value: str) -> str:
    """Return whom accounts that were written as a text name first."""
    entries = written_list(value)
    for entry in entries or ():
        name = entry
        if isinstance(entry, dict):
            name = next((entry[key] for key in _ACCOUNT_KEYS if entry.get(key)), None)
        if isinstance(name, str | int):
            return account(str(name))
    found = _HANDLE.search(value[:_LONGEST]) if entries is None else None
    return account(found[1]) if found else ""
