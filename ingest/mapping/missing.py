"""The words that programs write where a value is missing: one table for all fields.

pandas, R, SQL, JSON, JavaScript and spreadsheets each have their own (pandas'
``STR_NA_VALUES``; R's ``NA``; MySQL's ``\\N``; the error values of Excel in English and French).
"""

from __future__ import annotations

from typing import Final

_PROGRAMS = (
    *("na", "n/a", "n.a.", "nan", "-nan", "null", "none", "nat", "<na>", "<null>", "[null]"),
    *("character(0)", "list()", "integer(0)", "logical(0)"),
    *("(null)", "\\n", "#n/a", "#na", "nil", "undefined"),
    *("#name?", "#ref!", "#value!", "#null!", "#num!", "#div/0!", "#spill!", "#error!"),
    *("#nom?", "#valeur!", "#nul!", "#nombre!", "1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan"),
)
#: What tables hold for nothing; as a whole text some of these are words of a person.
_SIGNS = ("-", "--", "---", "—", "–", "?", ".", "..", "missing", "unknown", "inconnu", "nd", "n.d.")
#: What platforms and archives write instead of a text that is gone.
_GONE = (
    "[deleted]",
    "[removed]",
    "[deleted by user]",
    "[removed by reddit]",
    "[ removed by reddit ]",
    "[unavailable]",
)
MISSING_TEXTS: Final = frozenset(_PROGRAMS)
MISSING: Final = MISSING_TEXTS | frozenset(_SIGNS)
GONE: Final = frozenset(_GONE)
_LONGEST = max(map(len, (*MISSING, *GONE)))
#: Of accounts only the spellings of programs: somebody may be called Nan or Nil.
_NO_ACCOUNT = frozenset(
    (
        "NaN",
        "nan",
        "None",
        "NULL",
        "null",
        "NA",
        "N/A",
        "<NA>",
        "\\N",
        "#N/A",
        "undefined",
        "[deleted]",
    )
)


def is_missing(value: str) -> bool:
    """Say whether an id, a reference, a hashtag or a date is one of the words for nothing."""
    return len(value) <= _LONGEST and value.strip().casefold() in MISSING


def is_no_text(text: str) -> bool:
    """Say whether a whole text is a word for nothing, or stands for a text that is gone."""
    return len(text) <= _LONGEST and text.strip().casefold() in MISSING_TEXTS


def is_gone(text: object) -> bool:
    """Say whether a text stands for one that its author or a moderator has deleted."""
    return isinstance(text, str) and len(text) <= _LONGEST + 4 and text.strip().casefold() in GONE


def is_no_account(name: str) -> bool:
    """Say whether the name of an account is what a program writes for none."""
    return name in _NO_ACCOUNT
