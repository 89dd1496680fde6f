"""One key for a word however it is written: واتساب, وتساب, whatsapp, watsap.

A key is the word's consonant skeleton in Latin letters, with the letters merged that writers of
Darija use for one another. Arabic script leaves short vowels out and Arabizi writes them as it
likes, so vowels say little: only the first letter's class is kept, and where few consonants
remain the class of the ending. What the merges gain and cost is measured by
:mod:`nlp.training.crossscript_eval` and reported in ``docs/cross-script.md``.

Keys begin with ``_``, which no token does, so that keys and words can share a field of an index.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

from nlp.clitics import LETTERS, hashtag_parts, stems
from nlp.text import compounds, forms, pieces

#: Words with everything about them: about 35 MB when full.
_CACHE = 1 << 16
_CACHED_LENGTH = 64


class Analysis(NamedTuple):
    """What an index needs of a text: ``keys`` stand one to one with ``tokens``."""

    tokens: tuple[str, ...]
    keys: tuple[str, ...]
    variants: tuple[str, ...]


# Both scripts are first written in one alphabet of sounds: a, w, y are the vowel classes
# (w and y also the consonants, which neither script tells apart from long vowels).
_ARABIC = str.maketrans(
    {
        "ا": "a", "ب": "b", "ت": "t", "ث": "t", "ج": "j", "ح": "H", "خ": "x", "د": "d",
        "ذ": "d", "ر": "r", "ز": "z", "س": "s", "ش": "c", "ص": "s", "ض": "d", "ط": "t",
        "ظ": "d", "ع": "3", "غ": "g", "ف": "f", "ق": "k", "ك": "k", "ل": "l", "م": "m",
        "ن": "n", "ه": "h", "و": "w", "ي": "y", "ء": None,
    }
)  # fmt: skip
_IS_ARABIC = re.compile("[ء-ي]")
_LATIN = re.compile(
    r"tch|sch|ch|sh|kh|gh|[dt](?=h(?:a|ou?m|m)$)|th|dh|ph|wh|ti(?=on)|ou|c(?=[eiy])|g(?=[eiy])|.",
    re.DOTALL,
)
_LATIN_SOUNDS = {
    "tch": "tc", "sch": "c", "ch": "c", "sh": "c", "kh": "x", "gh": "g", "th": "t", "dh": "d",
    "ph": "f", "wh": "w", "ti": "sy", "ou": "w", "o": "w", "u": "w", "i": "y", "e": "a",
    "p": "b", "v": "f", "q": "k", "c": "k", "g": "k", "x": "ks",
    "4": "", "5": "x", "6": "t", "7": "H", "8": "h", "9": "k",
}  # fmt: skip
#: ``c`` and ``g`` before e, i, y.
_SOFT = {"c": "s", "g": "j"}

_ARABIC_ARTICLE = re.compile("^(?:ال|لل)(?=..)")
_LATIN_ARTICLE = re.compile(
    r"^(?:[ea]?l2?(?=[^aeiouyl2]|y[aeiou])|[ea]l(?=l)|l(?=l)|e(?=([^aeiouy])\1))(?=.{2})"
)
_FINAL_H = re.compile("(?<=[awy])h$")
_NO_VOWELS = str.maketrans("", "", "awy")
_DOUBLED = re.compile(r"(.)\1+", re.DOTALL)
#: Skeletons up to this length get the class of their ending.
_SHORT = 4


#: Letters of words and of keys, merged so far that a word and all of its keys have the same.
_OUTLINE = str.maketrans(
    {
        **dict.fromkeys("aeiouwyhH2478_اوىيهةحء", None),
        **dict.fromkeys("sckgjqxt569ستثشصخجغقكط", "x"),
        **dict.fromkeys("bpvfبف", "b"),
        **dict.fromkeys("dدذضظ", "d"),
        **dict(zip("رزعلمن", "rz3lmn", strict=True)),
    }
)


#: The classes of consonants that clitics have.
_CLITICS = re.escape("".join(sorted({one.translate(_OUTLINE) for one in LETTERS})))


def _arabic_sounds(word: str) -> str:
    sounds = word.translate(_ARABIC)
    if sounds.endswith("h") and len(sounds) > 1:
        # ه and ة are one letter here: at the end both are a vowel
        sounds = sounds[:-1] + ("" if sounds[-2] in "awy" else "a")
    return sounds


def _latin_sounds(word: str) -> str:
    word = word.replace("2", "")
    if len(word) > 3 and word.endswith("e") and word[-2] not in "aeiouycg":
        word = word[:-1]
    parts = _LATIN.findall(word)
    sounds = []
    for i, part in enumerate(parts):
        following = parts[i + 1][0] if i + 1 < len(parts) else ""
        if part in _SOFT and following and following in "eiy":
            sounds.append(_SOFT[part])
        elif i == 0 and part in {"i", "o", "u"} and following and following not in "aeiou":
            sounds.append("a")  # Arabic writes any first vowel with an alif
        else:
            sounds.append(_LATIN_SOUNDS.get(part, part))
    return "".join(sounds)


def _skeleton(sounds: str) -> str:
    sounds = sounds.replace("H", "h")
    if sounds.endswith(("wa", "ya")):  # هو is howa, شويه is chwiya
        sounds = sounds[:-1]
    skeleton = _DOUBLED.sub(r"\1", sounds[:1] + sounds[1:].translate(_NO_VOWELS))
    if len(skeleton) == 1:
        return _DOUBLED.sub(r"\1", sounds)
    if len(skeleton) <= _SHORT:
        skeleton += _DOUBLED.sub(r"\1", sounds[len(sounds.rstrip("awy")) :])
    return skeleton


def _keys(word: str) -> tuple[str, ...]:
    """Return the key of a normalised word, then the keys other spellings of it may have."""
    if not word or word[0] == "[":
        return (word or "_",)
    word = word.lstrip("#@").replace("_", "")
    if not word or word.isdecimal():
        return ("_" + word,)
    found: list[str] = []
    if _IS_ARABIC.search(word):
        bare = _ARABIC_ARTICLE.sub("", word)
        sounds = _arabic_sounds(bare)
        found.append(_skeleton(sounds))
        if bare[-1] == "ي" and len(bare) > 2:  # ى and ي are one letter here: على is 3la
            found.append(_skeleton(sounds[:-1] + "a"))
        if len(bare) < len(word) and sounds[0] == "a":  # الاستاذ is lostad
            found.append(_skeleton("l" + sounds))
    else:
        bare = _LATIN_ARTICLE.sub("", word)
        written = _latin_sounds(bare)
        sounds = _FINAL_H.sub("", written)
        found.append(_skeleton(sounds))
        if len(sounds) < len(written):  # "ssbah" is الصباح, though "allah" ends in a vowel
            found.append(_skeleton(written))
        if len(bare) < len(word):  # لمدينه is lmdina, but ليل is no "il"
            found.append(_skeleton(_FINAL_H.sub("", _latin_sounds(word.lstrip("ea")))))
        if sounds.endswith("an") and len(sounds) > 4:  # شكرا is chokran
            found.append(_skeleton(sounds[:-1]))
    return tuple(dict.fromkeys("_" + (s or word) for s in found))


_cached_keys = lru_cache(_CACHE // 4)(_keys)


def _word_keys(word: str) -> tuple[str, ...]:
    return _cached_keys(word) if len(word) <= _CACHED_LENGTH else _keys(word)


def key(token: str) -> str:
    """Return the one key of a word, however it is written; never empty.

    A hashtag or handle has the key of its word. Numbers, emoji and placeholders are their own.
    """
    words = [form for raw, _, _ in pieces(token) for form in forms(raw)]
    return _word_keys(words[0] if len(words) == 1 else "".join(w.strip("#@") for w in words))[0]


@lru_cache(_CACHE)
def _raw_keys(raw: str) -> str:
    return " ".join(_word_keys(token)[0][1:] for token in forms(raw))


def keyed(text: str) -> str:
    """Return the keys of the words of a text, without their ``_``: one text for both scripts.

    A model that reads keys knows واتساب from whatsapp. Runs that are longer than any word are
    left out.
    """
    return " ".join(_raw_keys(raw) for raw, _, _ in pieces(text) if len(raw) <= _CACHED_LENGTH)


def variants(token: str) -> tuple[str, ...]:
    """Return further forms and keys under which a token may be found, without doubles.

    Without its clitics (``والواتساب``, ``flwatsap``), a hashtag without its sign and in parts
    (``#inwi_voleurs``, ``#BringBackOurVoip`` where the case is still there), with the keys of
    all of these. The token itself and its own key are not repeated.
    """
    return analyse(token).variants


def outline(word: str) -> str:
    """Return the consonants of a normalised word, or of a key, in a few classes.

    Costs a tenth of the keys, and rules most words out. The outline of a word consists of
    consonants of clitics (or none), the outline of a key, and an ``n`` (or none), for each key
    of the word and of its :func:`~nlp.clitics.stems`.
    """
    return "".join([letter for letter, _ in groupby(word.translate(_OUTLINE))])


def outlines(keys: Iterable[str]) -> re.Pattern[str]:
    """Return what the outline of every word matches that may have one of these keys.

    Be it the word's own, or that of one of its stems.
    """
    found = "|".join(re.escape(one) for one in sorted({outline(key) for key in keys}))
    return re.compile(f"[{_CLITICS}]*(?:{found})n?" if found else r"(?!)")


def _analyse_word(raw: str) -> Analysis:
    tokens = forms(raw)
    keys = tuple(_word_keys(token)[0] for token in tokens)
    words: dict[str, None] = {}
    for token in tokens:
        words[token] = None
        if token[0] in "#@":
            words[token[1:]] = None
    if raw[0] in "#＃":
        words.update(dict.fromkeys(hashtag_parts(raw)))
    for word in list(words):
        words.update(dict.fromkeys(stems(word)))
    found = dict.fromkeys(words)
    for word in words:
        found.update(dict.fromkeys(_word_keys(word)))
    for known in (*tokens, *keys):
        found.pop(known, None)
    return Analysis(tokens, keys, tuple(found))


_cached_word = lru_cache(_CACHE)(_analyse_word)


def analyse_word(raw: str) -> Analysis:
    """Return everything about one raw stretch from :func:`nlp.text.pieces`."""
    return _cached_word(raw) if len(raw) <= _CACHED_LENGTH else _analyse_word(raw)


def analyse(text: str) -> Analysis:
    """Return tokens, their keys, and the variants of all tokens (none of them twice).

    The words that a hyphen parts are a variant together: ``Wi-Fi`` is found as ``wifi``.
    """
    tokens: list[str] = []
    keys: list[str] = []
    found: dict[str, None] = {}
    cached = _cached_word
    for raw, _, _ in pieces(text):
        entry = cached(raw) if len(raw) <= _CACHED_LENGTH else _analyse_word(raw)
        tokens += entry.tokens
        keys += entry.keys
        for variant in entry.variants:
            found[variant] = None
    for compound in compounds(text):
        found[compound.text] = None
    return Analysis(tuple(tokens), tuple(keys), tuple(found))
