"""Normalisation and tokens, shared by matcher, search and model.

One analyser serves every store: its tokens, joined by a space, come back unchanged from
SQLite FTS5's ``ascii`` tokenizer with ``tokenchars '#@_[]'`` and from Elasticsearch's
``whitespace`` analyzer. So a token holds no white space, no ASCII punctuation besides
``# @ _ [ ]``, and at most :data:`MAX_TOKEN` characters.

All functions take any ``str`` (lone surrogates and NUL included), never raise, and run in time
linear in the length of the text.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from functools import lru_cache
from typing import NamedTuple

#: Characters a token keeps. Elasticsearch cuts words after 255 UTF-16 units by itself.
MAX_TOKEN = 100
#: What masking leaves in a text; each is one token.
PLACEHOLDERS = ("[user]", "[url]", "[mail]", "[phone]", "[id]")

#: Words that are looked up instead of normalised again. Small, since the analysis of a word
#: (:mod:`nlp.crossscript`) and the matcher keep caches of their own above this one.
_CACHE = 1 << 14
#: Longer words are rare, not repeated, and would fill the cache with megabytes.
_CACHED_LENGTH = 64


class Token(NamedTuple):
    """A word, hashtag, handle, placeholder or emoji in its normalised form.

    ``start`` and ``end`` are offsets into the original text.
    """

    text: str
    start: int
    end: int


def _ranges(categories: frozenset[str]) -> str:
    """Return the inside of a character class: the basic plane's characters of these categories.

    Python's ``\\w`` holds no combining marks, so without them Arabic with harakat, Hindi or
    Thai would fall apart at every vowel sign.
    """
    found = [c for c in range(0x10000) if unicodedata.category(chr(c)) in categories]
    parts: list[str] = []
    start = previous = found[0]
    for code in [*found[1:], sys.maxunicode + 1]:
        if code != previous + 1:
            parts.append(f"\\u{start:04x}-\\u{previous:04x}")
            start = code
        previous = code
    return "".join(parts)


#: Combining and format characters, as a range of a regular expression: ``\w`` has none of them.
MARKS = _ranges(frozenset({"Mn", "Mc", "Me", "Cf"}))
#: Letters, digits and the marks that stand inside a word. The apostrophe of ``3'`` (غ) and
#: ``7'`` (خ) belongs to the Arabizi letter; every other apostrophe parts two words.
_WORD = rf"\w+(?:[{MARKS}]+\w*|(?<=[37])['’](?=[a-zA-Z])\w+)*"
_EMOJI = "[\u2300-\u23ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001f1e5\U0001f200-\U0001faff]"
#: Joiners, variation selectors and skin tones: ❤ and ❤️, 👏 and 👏🏽 are the same token.
_EMOJI_TAIL = "[\u200d\ufe0e\ufe0f\U0001f3fb-\U0001f3ff]"
_FLAG = "[\U0001f1e6-\U0001f1ff]{2}"
_URL = r"(?:[hH][tT]{2}[pP][sS]?://|[wW]{3}\.)[^\s<>\"]+"
_MAIL = r"[\w.+-]{1,64}+@[\w-]{1,63}+(?:\.[\w-]{1,63}){1,8}"


def _pattern(mail: bool) -> re.Pattern[str]:
    placeholder = "|".join(map(re.escape, PLACEHOLDERS))
    return re.compile(
        rf"(?P<placeholder>{placeholder})|(?P<url>{_URL})|"
        + (rf"(?P<mail>{_MAIL})|" if mail else "(?P<mail>(?!))|")
        + rf"(?P<tag>[#＃]{_WORD}|(?<!\w)[@＠]{_WORD})|(?P<word>{_WORD})|"
        rf"(?P<emoji>(?:(?P<one>{_EMOJI}){_EMOJI_TAIL}*+(?:(?P=one){_EMOJI_TAIL}*+)*)|{_FLAG})"
    )


_PLAIN = _pattern(mail=False)
_WITH_MAIL = _pattern(mail=True)

_ELONGATED = re.compile(r"([^\W\d_])\1{2,}")
_APOSTROPHES = re.compile(r"([37])['’](?=[a-z])")
_MARK = re.compile(f"[{MARKS}]")
_WORDS = re.compile(r"\w+")
#: Words that need no decomposition: ASCII, or Arabic letters without marks.
_SIMPLE = re.compile("[0-9a-zA-Z]+|[\u0621\u0627-\u063a\u0641-\u064a]+")

#: Letters that writers use for one another. Hamza on a carrier is a combining mark after
#: decomposition and falls with the other marks.
_FOLD = str.maketrans(
    {
        "ـ": None,  # tatweel
        "ٱ": "ا",
        "ى": "ي",
        "ی": "ي",
        "ې": "ي",
        "ے": "ي",
        "ة": "ه",
        "ھ": "ه",
        "ہ": "ه",
        "ە": "ه",
        "ۃ": "ه",
        "ک": "ك",
        # /g/: of its spellings ك is the one all over the Maghreb (أكادير, أݣادير, أڭادير)
        "گ": "ك",
        "ڭ": "ك",
        "ݣ": "ك",
        "ڮ": "ك",
        "ڨ": "ق",
        "ڤ": "ف",
        "ڥ": "ف",
        "ڢ": "ف",
        "پ": "ب",
        "چ": "ج",
        "ژ": "ج",
        "ۋ": "و",
        "ø": "o",
        "đ": "d",
        "ł": "l",
        "ı": "i",
        "œ": "oe",
        "æ": "ae",
        "ß": "ss",
        **{chr(0x660 + n): str(n) for n in range(10)},
        **{chr(0x6F0 + n): str(n) for n in range(10)},
    }
)


def _fold(text: str) -> str:
    """Lower-case, decompose, drop marks and fold letters; elongation stays."""
    if text.isascii():
        return text.lower()
    # Folding case can make new compositions and the other way round: twice is enough
    # (Unicode's own definition of compatibility caseless matching does the same).
    for _ in range(2):
        text = _MARK.sub("", unicodedata.normalize("NFKD", text.casefold()))
    return text.translate(_FOLD)


def normalise(text: str) -> str:
    """Return the text in one spelling: case, accents, harakat and letter variants folded.

    Three or more of a letter become one ("bzaaaf", "حشوووومة"), two where the word is nothing
    else ("hhhhh", "ههههه"). Arabic digits become ASCII. White space and punctuation stay, so
    offsets do not survive; use :func:`tokenize` for those. The function is idempotent.
    """
    text = _fold(text)
    if "'" in text or "’" in text:
        text = _APOSTROPHES.sub(lambda m: "gh" if m[1] == "3" else "kh", text)
    return _ELONGATED.sub(_shorten, text)


def _shorten(match: re.Match[str]) -> str:
    letter, text = match[1], match.string
    before = text[match.start() - 1 : match.start()] if match.start() else ""
    after = text[match.end() : match.end() + 1]
    alone = not (before.isalnum() or after.isalnum() or before == "_" or after == "_")
    return letter * 2 if alone else letter


def _words(raw: str) -> tuple[str, ...]:
    """Return the normalised tokens of one stretch that the scanner found.

    Usually one; none for a lone tatweel; more where a compatibility character stands for
    several words (``ﷺ``).
    """
    if _SIMPLE.fullmatch(raw):
        return (_ELONGATED.sub(_shorten, raw.lower().translate(_FOLD))[:MAX_TOKEN],)
    sign = "" if raw[0] not in "#＃@＠" else "#" if raw[0] in "#＃" else "@"
    found = [w.strip("_")[:MAX_TOKEN] for w in _WORDS.findall(normalise(raw[len(sign) :]))]
    found = [w for w in found if w]
    if found and sign:
        found[0] = sign + found[0][: MAX_TOKEN - 1]
    return tuple(found)


_cached_words = lru_cache(_CACHE)(_words)


def pieces(text: str) -> list[tuple[str, int, int]]:
    """Return the raw stretches of a text that make tokens, with their offsets.

    For callers that keep their own cache per word (:mod:`nlp.crossscript`, the matcher):
    :func:`forms` gives the tokens of a stretch.
    """
    scan = (_WITH_MAIL if "@" in text else _PLAIN).finditer
    found = []
    for match in scan(text):
        kind = match.lastgroup
        if kind in {"word", "tag"}:
            raw = match[0]
        elif kind == "url":
            raw = "[url]"
        elif kind == "mail":
            raw = "[mail]"
        else:
            raw = match["one"] or match[0]
        start, end = match.span()
        found.append((raw, start, end))
    return found


def forms(raw: str) -> tuple[str, ...]:
    """Return the tokens of one stretch from :func:`pieces`."""
    if raw[0] == "[" or not (raw[0].isalnum() or raw[0] in "_#＃@＠"):
        return (raw,)
    return _cached_words(raw) if len(raw) <= _CACHED_LENGTH else _words(raw)


#: What parts a compound word: hyphen-minus, hyphen, non-breaking hyphen.
HYPHENS = ("-", "\u2010", "\u2011")


def compounds(text: str) -> list[Token]:
    """Return the words that hyphens part, written together: ``wifi`` of ``Wi-Fi``.

    Each two neighbours, and all of more than two (``e-mail-adresse``) if they make no longer
    token than :data:`MAX_TOKEN`. Only words that have letters: ``2016-02-27`` is none.
    """
    if not any(hyphen in text for hyphen in HYPHENS):
        return []
    found: list[Token] = []
    run: list[Token] = []
    for raw, start, end in [*pieces(text), ("", len(text) + 2, 0)]:
        after = run and start == run[-1].end + 1 and text[run[-1].end] in HYPHENS
        words = forms(raw) if raw else ()
        word = words[0].removeprefix("#") if len(words) == 1 else ""
        lettered = word[:1].isalnum() and not word.isdecimal()
        if run and not (after and lettered):
            if len(run) > 2 and sum(len(token.text) for token in run) <= MAX_TOKEN:
                whole = "".join(token.text for token in run)
                found.append(Token(whole, run[0].start, run[-1].end))
            run = []
        if lettered:
            one = Token(word, start, end)
            if run and len(run[-1].text) + len(one.text) <= MAX_TOKEN:
                found.append(Token(run[-1].text + one.text, run[-1].start, end))
            run.append(one)
    return found


def tokenize(text: str) -> list[Token]:
    """Return the tokens of a text in order.

    Words (Arabizi digits included: ``3lach``), ``#hashtags``, ``@handles``, ``[user]``-like
    placeholders, emoji (a run of one emoji is one token). Addresses and e-mails become ``[url]``
    and ``[mail]``, as masking writes them, so that a text has the same tokens before and after.
    """
    return [Token(form, start, end) for raw, start, end in pieces(text) for form in forms(raw)]
