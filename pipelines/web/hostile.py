"""Texts of posts as the page shows them: whatever they hold, they stay inside their box.

Templates escape mark-up. What is left are characters that reach beyond their own text on a screen:
directional overrides, which turn around what stands beside them, and floods of combining marks,
which cover the lines above and below.
"""

from __future__ import annotations

import functools
import re
import unicodedata

import msgspec

#: Combining marks on one letter that are shown; no orthography stacks more.
MARKS = 4
#: Characters of a post that a list shows, and that its own page shows.
IN_LIST, ALONE = 1_200, 50_000
#: Directional embeddings, overrides and isolates (Unicode Standard Annex 9).
_DIRECTION = re.compile("[\u202a-\u202e\u2066-\u2069]")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Segment(msgspec.Struct, frozen=True):
    """A stretch of a text; ``mark`` says whether the query found it."""

    text: str
    mark: str = ""
    """``exact``, ``fuzzy`` (the same word in another spelling) or empty."""


def visible(text: str) -> str:
    """Return a text without what reaches beyond it on a screen."""
    text = _CONTROL.sub("\N{REPLACEMENT CHARACTER}", _DIRECTION.sub("", text))
    if text.isascii() or not any(map(_combines, set(text))):
        return text
    kept: list[str] = []
    marks = 0
    for sign in text:
        marks = marks + 1 if _combines(sign) else 0
        if marks <= MARKS:
            kept.append(sign)
    return "".join(kept)


def segments(
    text: str,
    found: list[tuple[int, int]],
    exact: list[tuple[int, int]],
    longest: int,
) -> tuple[list[Segment], bool]:
    """Return a text in stretches, and whether it was cut after ``longest`` characters.

    ``found`` are the spans that a query matched, ``exact`` those spelt as asked.
    """
    cut = len(text) > longest
    end = longest if cut else len(text)
    made: list[Segment] = []
    at = 0
    for start, stop in found:
        if start >= end:
            break
        stop = min(stop, end)
        as_asked = any(begin < stop and start < last for begin, last in exact)
        made += [
            Segment(visible(text[at:start])),
            Segment(visible(text[start:stop]), "exact" if as_asked else "fuzzy"),
        ]
        at = stop
    made.append(Segment(visible(text[at:end])))
    return [one for one in made if one.text], cut


@functools.lru_cache(maxsize=4_000)
def _combines(sign: str) -> bool:
    return bool(unicodedata.combining(sign)) or unicodedata.category(sign) == "Me"
