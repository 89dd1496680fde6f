"""One spelling for text that looks the same: compatibility letters, unseen characters, spaces.

Every reader of a text (masking, matching, language, model, search) shall see the same letters,
whether a keyboard, a PDF or a font generator wrote them. :func:`fold` is that spelling. It follows
Unicode's NFKC (UAX #15) for letters, digits, marks and spaces, and leaves symbols alone, since
NFKC would glue the letters of "™" to the word before it.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

#: Emoji keep what follows them: a variation selector, a skin tone, a joiner to the next one.
_EMOJI = "\u00a9\u00ae\u203c\u2049\u2100-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
#: Characters without a shape of their own. The soft hyphen, the Arabic letter mark, the Mongolian
#: vowel separator, zero-width spaces and joiners, direction marks, invisible operators, the byte
#: order mark, interlinear marks, language tags.
_UNSEEN = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e01ef"
)
_DROPPED = re.compile(
    rf"(?P<kept>(?<=[{_EMOJI}0-9#*])\ufe0f\u20e3?(?:\u200d(?=[{_EMOJI}]))?"
    rf"|(?<=[{_EMOJI}])\u200d(?=[{_EMOJI}]))|[{_UNSEEN}]"
)
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")
_LINES = re.compile("\r\n?|[\x85\u2028\u2029]")
_SURROGATE = re.compile("[\ud800-\udfff]")
#: Blank letters that are no space for Unicode: the Hangul filler and the empty Braille pattern.
_BLANKS = (0x3164, 0x2800)
_CIRCLED = range(0x24B6, 0x24EA)
_FULL_WIDTH = (range(0xFE10, 0xFE70), range(0xFF01, 0xFFEF))
_READ = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Nd", "Mn", "Mc", "Me", "Zs"})


@cache
def _table() -> dict[int, str]:
    """Return what each compatibility character is read as."""
    table = dict.fromkeys(_BLANKS, " ")
    for code in (*range(0xA0, 0x10000), *range(0x1D400, 0x1D800), *range(0x1EE00, 0x1EF00)):
        character = chr(code)
        wanted = unicodedata.category(character) in _READ or code in _CIRCLED
        if not wanted and not any(code in block for block in _FULL_WIDTH):
            continue
        plain = unicodedata.normalize("NFKC", character)
        if plain != character:
            # The isolated form of a vowel mark is the mark on a space; the space is no letter.
            table[code] = plain.lstrip() or " "
        elif unicodedata.category(character) == "Zs":
            table[code] = " "
    for code in range(0xAC00, 0xD7A4):
        table.pop(code, None)
    return table


def fold(text: str) -> str:
    """Return `text` in the one spelling that every part of Marsad reads.

    - Presentation forms of Arabic, full-width, circled and mathematical letters and digits, and
      ligatures become the letters they stand for; decomposed letters are composed.
    - Zero-width characters, direction marks and the like go; those that belong to an emoji stay.
    - Every space becomes a plain one, every line end ``\\n``, other controls a space.
    - Halves of a surrogate pair are joined, lone ones go.

    Words, case, vowel marks, digits of other scripts and punctuation stay. The function is
    idempotent and never raises; its time is linear in the length of the text.
    """
    if text.isascii() and text.isprintable():
        return text
    if _SURROGATE.search(text):
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")
    text = _CONTROLS.sub(" ", _LINES.sub("\n", text))
    if text.isascii():
        return text
    text = _DROPPED.sub(lambda found: found["kept"] or "", text)
    text = unicodedata.normalize("NFC", text).translate(_table())
    return unicodedata.normalize("NFC", text)
