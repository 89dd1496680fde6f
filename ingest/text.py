"""The text gate: what a record holds as text becomes the text that its readers saw.

Platforms and programs wrap texts: Mastodon in HTML, Twitter in entities (``&lt;3``), R and Python
in escapes (``<U+0625>``, ``b'\\xd8'``), and Excel reads UTF-8 as another encoding and saves that.
:func:`readable` undoes it and says whether it repaired anything. Names of people that platforms
mark up without a sign (``[id1|Name]``) become ``[user]``.

Letters that look alike are no matter of this module: :func:`nlp.folding.fold` gives them one
spelling.
"""

from __future__ import annotations

import ast
import html
import re
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

import ftfy

from ingest.mapping.html import text_of

USER = "[user]"

# Elements that platforms use; `<3` and `<dépassé>` are no markup.
_MARKUP = re.compile(
    r"<(?:/?(?:p|br|a|span|div|b|i|em|strong|u|s|ul|ol|li|blockquote|pre|code|img|h[1-6]|font"
    r"|table|tr|td|article|figure|iframe)\b[^<>]*|!--.*?--)>",
    re.IGNORECASE | re.DOTALL,
)
#: Twitter, YouTube and many exports write these, each once; websites also letters and marks.
_NAMED = (
    r"(?:amp|lt|gt|quot|apos|nbsp|#\d{2,6}|#x[0-9a-fA-F]{2,5}"
    r"|[aeiouyAEIOU](?:acute|grave|circ|uml)|[cC]cedil|ntilde|oelig|OElig|aelig|szlig"
    r"|[lr]a?quo|[lr][sd]quo|hellip|ndash|mdash|euro|deg|middot|zwnj|zwj|[lr][lr]m);"
)
_ENTITY = re.compile("&" + _NAMED)
#: An entity that a second program escaped once more: ``&amp;lt;3``. Who means the entity itself
#: writes of HTML, which no post of a protest does.
_TWICE = re.compile("&amp;(?=" + _NAMED + ")")
_CODE_POINTS = re.compile(r"<U\+([0-9A-Fa-f]{4,8})>")
_BYTES = re.compile(r"(?:<[0-9a-f]{2}>){2,}")
_HEX_BYTES = re.compile(r"(?:\\x[0-9a-fA-F]{2}){2,}")
_UNITS = re.compile(r"(?:\\u[0-9a-fA-F]{4}|\\U000[0-9a-fA-F]{5})+")
_LITERAL = re.compile(r"""b(?:'.*'|".*")""", re.DOTALL)
_LONGEST_LITERAL = 100_000
# The first letters of UTF-8's bytes in Western encodings: without one of them nothing is garbled.
_GARBLED = re.compile(
    "[\u00c0-\u00df\u0102\u0103\u00e0-\u00f4√ŒÎï]"
    "[\u0080-\u00bf\u0100-\u0192\u02c6-\u02dd\u2013-\u2122≤≥¬†°¢£§•¶ß®©™´¨Æ]"
)
#: A wrong encoding is undone, and nothing else that the library offers.
_MOJIBAKE = ftfy.TextFixerConfig(fix_c1_controls=False)
#: What no repair may bring: a text that decodes to these was no text of that encoding.
_NO_LETTER = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd]")
#: UTF-8 of Arabic letters, read as Windows-1256: its first bytes are these two letters.
_GARBLED_ARABIC = re.compile("[طظ][^\\s\u0621-\u063a\u0641-\u064a]")
#: Three and more accented letters in a row: Arabic of Windows-1256, read as Western letters.
_WESTERN_RUN = re.compile("[\u00c0-\u00ff]{3}")
_WESTERN_LETTER = re.compile("[\u00c0-\u00ff]")
_ARABIC_LETTER = re.compile("[\u0621-\u064a]")
_LATIN_LETTER = re.compile("[A-Za-z]")

_VK = re.compile(r"\[(?:id|club|public|event)-?\d+(?::bp[-\w]+)?\|[^\]\n]{1,200}\]")
_VK_SHORT = re.compile(r"[@*](?:id|club|public)\d+ \([^)\n]{1,200}\)")
_FACEBOOK = re.compile(r"@\[\d+:\d+:[^\]\n]{1,200}\]")
_TELEGRAM = re.compile(r"\[[^\]\n]{1,200}\]\(tg://(?:user|openmessage)\?[^)\s]*\)")
#: Discord and Slack.
_CHAT = re.compile(r"<@[!&]?[A-Z]?[0-9A-Z]+(?:\|[^>\n]{1,100})?>")
_SHOWN = re.compile(
    r"[@＠][\u200b-\u200f\u2060\ufeff]*[\u2066-\u2068][^\u2066-\u2069\n]{1,100}\u2069"
)
#: Google+ and YouTube wrote whom a comment answers as ``+Name Surname`` at its begin.
_PLUS = re.compile(r"(?:^|(?<=\s))[+＋]\w[\w.'’-]*(?:[ \u00a0][A-ZÀ-ÖØ-Þ][\w.'’-]*){0,3}")


class Readable(NamedTuple):
    """A text as its readers saw it."""

    text: str
    repaired: bool = False
    """Its encoding or its escapes were wrong and have been undone."""


def readable(text: str, *, markup: bool = True, entities: bool = True) -> Readable:
    """Return a text without what programs wrapped around it; never raises.

    ``markup`` undoes HTML, wrong encodings and escapes, ``entities`` undoes entities: a text
    that a platform itself sends may hold them as its author wrote them. Names that are marked
    up become ``[user]`` in any case.
    """
    original = text
    repaired = False
    if markup:
        if "\\" in text or text[:2] in {"b'", 'b"'}:
            text = _unescaped(text)
        if "<" in text:
            text = _BYTES.sub(_of_bytes, _CODE_POINTS.sub(_of_code_point, text))
        if not text.isascii():
            text = _of_right_encoding(text)
        repaired = text != original
        if "<" in text and _MARKUP.search(text):
            return Readable(_names_in(text_of(_names_in(text))), repaired)
    if entities and "&" in text and _ENTITY.search(text):
        text = _TWICE.sub("&", _TWICE.sub("&", text))
        text = _ENTITY.sub(lambda found: html.unescape(found[0]), text)
    return Readable(_names_in(text), repaired)


def _names_in(text: str) -> str:
    """Return a text in which names that a platform marked up are ``[user]``."""
    if "[" in text or "(" in text:
        text = _FACEBOOK.sub(USER, _TELEGRAM.sub(USER, _VK.sub(USER, _VK_SHORT.sub(USER, text))))
    if "<@" in text:
        text = _CHAT.sub(USER, text)
    if "\u2069" in text:
        text = _SHOWN.sub(USER, text)
    return text


def without_plus_names(text: str) -> str:
    """Return a comment of YouTube without the ``+Name`` whom it answers."""
    return _PLUS.sub(USER, text) if "+" in text or "＋" in text else text


class Span(NamedTuple):
    """Where a text names a person, in UTF-16 units or in code points."""

    start: int
    length: int


def without_names(
    text: str, spans: Iterable[Span], names: Iterable[str] = (), *, units: bool = False
) -> str:
    """Return a text in which people stand as ``[user]``: at the given places, else by their names.

    ``units`` says that places count UTF-16 units, as Telegram's and Facebook's do. A place that
    lies outside the text is passed over; a name is replaced wherever it stands as whole words.
    """
    wide = units and any(ord(sign) > 0xFFFF for sign in text)
    raw = text.encode("utf-16-le", "surrogatepass") if wide else b""
    parts = [*spans]
    for span in sorted(parts, reverse=True):
        start, end = span.start, span.start + span.length
        if start < 0 or span.length <= 0:
            continue
        if wide and 2 * end <= len(raw):
            raw = raw[: 2 * start] + USER.encode("utf-16-le") + raw[2 * end :]
        elif not wide and end <= len(text):
            text = text[:start] + USER + text[end:]
    if wide:
        text = raw.decode("utf-16-le", "surrogatepass")
    wanted = {name.strip() for name in names if len(name.strip()) > 1}
    for name in sorted(wanted, key=len, reverse=True):
        text = re.sub(rf"(?<!\w)@?{re.escape(name)}(?!\w)", USER, text)
    return text


def _unescaped(text: str) -> str:
    if _LITERAL.fullmatch(text) and len(text) <= _LONGEST_LITERAL:
        try:
            return str(ast.literal_eval(text).decode())
        except (ValueError, SyntaxError, UnicodeDecodeError, MemoryError, RecursionError):
            pass
    return _UNITS.sub(_of_units, _HEX_BYTES.sub(_of_hex, text))


def _of_units(found: re.Match[str]) -> str:
    try:
        letters = re.sub(r"\\[uU]([0-9a-fA-F]{4,8})", lambda unit: chr(int(unit[1], 16)), found[0])
        return letters.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except (ValueError, OverflowError):
        return found[0]


def _of_hex(found: re.Match[str]) -> str:
    return _of_utf8(bytes.fromhex(found[0].replace("\\x", "")), found[0])


def _of_bytes(found: re.Match[str]) -> str:
    return _of_utf8(bytes.fromhex(found[0].replace("<", "").replace(">", "")), found[0])


def _of_code_point(found: re.Match[str]) -> str:
    number = int(found[1], 16)
    return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else found[0]


def _of_utf8(data: bytes, otherwise: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return otherwise


def _of_right_encoding(text: str) -> str:
    """Return a text whose bytes were read in a wrong encoding as they should have been read."""
    if _GARBLED_ARABIC.search(text):
        with suppress(UnicodeEncodeError, UnicodeDecodeError):
            text = text.encode("cp1256").decode()
    if _GARBLED.search(text):
        found = ftfy.fix_encoding(text, _MOJIBAKE)
        if not _NO_LETTER.search(found) or _NO_LETTER.search(text):
            text = found
    if _WESTERN_RUN.search(text):
        text = _of_arabic_windows(text)
    return text


def _of_arabic_windows(text: str) -> str:
    """Return a text of Windows-1256 that was read as Western letters; others as they are.

    Of Arabic nearly all letters become accented ones, of any language of the West a few.
    """
    accented = _WESTERN_LETTER.findall(text)
    if len(set(accented)) < 4 or len(accented) < 2 * len(_LATIN_LETTER.findall(text)):
        return text
    for encoding in ("cp1252", "latin-1"):
        try:
            found = text.encode(encoding).decode("cp1256")
        except (UnicodeEncodeError, UnicodeDecodeError):
            continue
        letters = [sign for sign in found if not sign.isascii() and sign.isalpha()]
        arabic = sum(bool(_ARABIC_LETTER.match(sign)) for sign in letters)
        if letters and arabic >= 0.9 * len(letters):
            return found
    return text
