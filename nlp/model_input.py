"""The form in which a post reaches the sentiment model, in training and at run time alike.

It removes what tells sources apart without telling attitudes apart (letter case, vowel marks,
masks of different makers, runs of a repeated letter) and what no vocabulary knows (controls, lone
surrogates, invisible marks). It is pure and begins with the one spelling of :mod:`nlp.folding`, so
that a shipped model never drifts from the text it was trained on.
"""

from __future__ import annotations

import re

from nlp.clitics import spaced_hashtags
from nlp.folding import fold

#: Version of the rules below; a model records the one it was trained with.
VERSION = 2

#: Characters beyond this are not read. 128 pieces seldom hold more than 700 characters.
MAX_CHARACTERS = 2_000

_URL = re.compile(r"\[url\]|\bhttps?://\S+|\bwww\.\S+|\burl\b(?=\s*$)", re.IGNORECASE)
_USER = re.compile(
    r"\[(?:user|mail|phone)\](?:\s*\[(?:user|mail|phone)\])*|(?<!\w)@\w+(?:\s+@\w+)*"
)
_RUN = re.compile(r"(\S)\1{2,}")
_SPACE = re.compile(r"\s+")

_INVISIBLE = (
    *range(0x00, 0x20),
    *range(0x7F, 0xA0),
    0xAD,
    0x61C,
    *range(0x200B, 0x2010),
    *range(0x2028, 0x202F),
    *range(0x2060, 0x2070),
    *range(0xFE00, 0xFE10),
    0xFEFF,
    *range(0xFFF0, 0xFFFE),
)
_ARABIC_MARKS = (*range(0x610, 0x61B), 0x640, *range(0x64B, 0x660), 0x670, *range(0x6D6, 0x6ED))

_TABLE: dict[int, str] = {
    **dict.fromkeys(_INVISIBLE, " "),
    # A joiner between two emoji would leave a space in the middle of one sign: drop it instead.
    **dict.fromkeys((0x200D, 0xFE0F, 0xFE0E, 0x200E, 0x200F), ""),
    **dict.fromkeys(_ARABIC_MARKS, ""),
    **dict.fromkeys((0x622, 0x623, 0x625, 0x671), "\u0627"),
    0x6A9: "\u0643",
    0x6CC: "\u064a",
    ord("#"): " ",
    ord("_"): " ",
    **dict.fromkeys((0x2018, 0x2019, 0x02BC, 0x60), "'"),
}


def prepare(text: str) -> str:
    """Return `text` as the model reads it: lower case, one line, at most `MAX_CHARACTERS` long.

    Mentions, addresses and telephone numbers become ``@``, links ``http``, three and more of the
    same character become two, hashtags lose their sign and become words (``#InwiVoleurs``). Never
    raises: lone surrogates are dropped.
    The result may be empty.
    """
    text = spaced_hashtags(fold(text[:MAX_CHARACTERS]))
    text = _URL.sub(" http ", text)
    text = _USER.sub(" @ ", text)
    text = text.translate(_TABLE).lower()
    text = _RUN.sub(r"\1\1", text)
    return _SPACE.sub(" ", text).strip()
