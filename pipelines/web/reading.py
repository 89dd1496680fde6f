"""What people write into the box beside words: names of languages, and days.

``inwi darija 27 février 2016`` means the word inwi, in Darija, on that day. What was understood
becomes filters, which the page shows one by one and lets people remove; ``=darija`` and
``"darija"`` search for the word itself.
"""

from __future__ import annotations

import functools
import re
from datetime import date

from babel import Locale, localedata

from nlp.text import normalise
from pipelines.web.asked import Asked

#: The names of languages in those of the page, beside what the languages call themselves.
_LANGUAGES: dict[str, tuple[str, ...]] = {
    "darija": ("ary", "ary-Latn"),
    "الدارجة": ("ary", "ary-Latn"),
    "دارجة": ("ary", "ary-Latn"),
    "arabizi": ("ary-Latn",),
    "عربيزي": ("ary-Latn",),
    "french": ("fr",),
    "français": ("fr",),
    "francais": ("fr",),
    "الفرنسية": ("fr",),
    "فرنسية": ("fr",),
    "arabic": ("ar",),
    "arabe": ("ar",),
    "العربية": ("ar",),
    "fusha": ("ar",),
    "الفصحى": ("ar",),
    "english": ("en",),
    "anglais": ("en",),
    "الإنجليزية": ("en",),
}
_ISO = re.compile(r"(?<![\w:.-])(\d{4})-(\d{2})-(\d{2})(?![\w-])")
_SLASHES = re.compile(r"(?<![\w:./-])(\d{1,2})/(\d{1,2})/(\d{4})(?![\w/-])")
_IN_WORDS = re.compile(
    r"(?<![\w:.-])(\d{1,2})(?:er|st|nd|rd|th)?\s+([^\W\d_]+)\.?,?\s+(\d{4})(?!\w)"
)
_MONTH_FIRST = re.compile(
    r"(?<![\w:.-])([^\W\d_]+)\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})(?!\w)"
)


def understood(asked: Asked) -> Asked:
    """Return what was asked, with names of languages and one day taken out of the words.

    Nothing is taken out of quotation marks, of words with a sign (``=darija``, ``lang:fr``) or
    where the address names languages or days already.
    """
    if '"' in asked.q or len(asked.q) > 200:
        return asked
    words, day = asked.q, ""
    if not (asked.day or asked.since or asked.until):
        words, day = _without_day(words)
    languages: list[str] = []
    if not asked.lang:
        rest = []
        for word in words.split():
            found = _names().get(normalise(word))
            if found:
                languages += found
            else:
                rest.append(word)
        words = " ".join(rest)
    if not day and not languages:
        return asked
    return asked.changed(
        q=words, day=day or asked.day, lang=tuple(dict.fromkeys(languages)) or asked.lang
    )


def _without_day(words: str) -> tuple[str, str]:
    for pattern, order in (
        (_ISO, "ymd"),
        (_SLASHES, "dmy"),
        (_IN_WORDS, "dmy"),
        (_MONTH_FIRST, "mdy"),
    ):
        for match in pattern.finditer(words):
            parts = dict(zip(order, match.groups(), strict=True))
            month = parts["m"]
            number = int(month) if month.isdecimal() else _months().get(normalise(month), 0)
            try:
                day = date(int(parts["y"]), number, int(parts["d"])).isoformat()
            except ValueError:
                continue
            return f"{words[: match.start()]} {words[match.end() :]}".strip(), day
    return words, ""


@functools.cache
def _names() -> dict[str, tuple[str, ...]]:
    return {normalise(name): codes for name, codes in _LANGUAGES.items()}


@functools.cache
def _months() -> dict[str, int]:
    """Return the names of months in English, French and Arabic of every country."""
    found: dict[str, int] = {}
    for name in localedata.locale_identifiers():
        if name.split("_")[0] not in {"en", "fr", "ar"}:
            continue
        months = Locale.parse(name).months
        for context in months.values():
            for width in ("wide", "abbreviated"):
                for number, month in context.get(width, {}).items():
                    found.setdefault(normalise(str(month).strip(".")), number)
    return found
