"""A text as it is read, whatever characters it is written with: the view that patterns search.

Patterns for numbers and addresses are plain because they see plain characters only: digits of any
script as ASCII digits, wide and styled letters as plain ones, all spaces as one, all dashes as
one, and none of the characters that nobody sees. Every place in the view leads back to its place
in the text.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

#: Dots and bars that people put between the digits of a number, beside the dashes of Unicode.
_SEPARATORS = {
    **dict.fromkeys("·•∙⋅‧・｡。٫", "."),
    **dict.fromkeys("٬،、", ","),
    **dict.fromkeys("￨¦‖", "|"),
    "−": "-",
}
#: Variation selectors and enclosing marks (the key around 0️⃣) count as unseen.
_ENCLOSING = {"Cf", "Me"}


class _Plain(dict[int, str]):
    """Maps each character to its plain form, filled as characters are met."""

    def __missing__(self, code: int) -> str:
        plain = self[code] = _plain(chr(code))
        return plain


def _plain(char: str) -> str:
    if char in _SEPARATORS:
        return _SEPARATORS[char]
    category = unicodedata.category(char)
    if category in _ENCLOSING or "\ufe00" <= char <= "\ufe0f":
        return ""
    if (digit := unicodedata.digit(char, None)) is not None:
        return str(digit)
    if category == "Zs":
        return " "
    if category == "Pd":
        return "-"
    folded = unicodedata.normalize("NFKC", char)
    return folded if len(folded) == 1 else char


_PLAIN = _Plain()


class Span(NamedTuple):
    """A place in a text or view, end exclusive, and what is to stand there instead."""

    start: int
    end: int
    placeholder: str


class Folded:
    """A text with its view."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.view = text if text.isascii() else text.translate(_PLAIN)
        self._offsets: list[int] | None = None
        if len(self.view) != len(text):
            self._offsets = [place for place, char in enumerate(text) if _PLAIN[ord(char)]]

    def replaced(self, spans: Iterable[Span]) -> str:
        """Return the text with placeholders at places of the view.

        Of two places that overlap the one that begins first counts, with the end of both.
        """
        parts: list[str] = []
        end = 0
        for span in sorted(spans):
            start, stop = self._place(span.start), self._place(span.end - 1) + 1
            if start >= end:
                parts += [self.text[end:start], span.placeholder]
            end = max(end, stop)
        return "".join([*parts, self.text[end:]]) if parts else self.text

    def _place(self, place: int) -> int:
        return place if self._offsets is None else self._offsets[place]
