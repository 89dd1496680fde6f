"""One key for a word however it is written: واتساب, وتساب, whatsapp, watsap.

A key is the word's consonant skeleton in Latin letters, with the letters merged that writers of
Darija use for one another. Arabic script leaves short vowels out and Arabizi writes them as it
likes, so vowels say little; where few consonants remain they are kept, since there everything
would collide. What the merges cost and gain is measured by
:mod:`nlp.training.crossscript_eval` and reported in ``docs/cross-script.md``.

Keys begin with ``_``, which no token does, so that keys and words can share a field of an index.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from nlp.text import MAX_TOKEN, forms, normalise, pieces

_CACHE = 1 << 16
_CACHED_LENGTH = 64


class Analysis(NamedTuple):
    """What an index needs of a text: ``keys`` stand one to one with ``tokens``."""

    tokens: tuple[str, ...]
    keys: tuple[str, ...]
    variants: tuple[str, ...]


# Both scripts are written into one small alphabet of sounds. Upper-case letters stand for
# letter pairs and for sounds that Latin letters lack, until the merges at the end.
_ARABIC = str.maketrans(
    {
        "ا": "a", "ب": "b", "ت": "t", "ث": "t", "ج": "j", "ح": "h", "خ": "x", "د": "d",
        "ذ": "d", "ر": "r", "ز": "z", "س": "s", "ش": "c", "ص": "s", "ض": "d", "ط": "t",
        "ظ": "d", "ع": "3", "غ": "g", "ف": "f", "ق": "k", "ك": "k", "ل": "l", "م": "m",
        "ن": "n", "ه": "h", "و": "w", "ي": "y", "ء": None,
    }
)  # fmt: skip
_LATIN = re.compile(r"tch|sch|ch|sh|kh|gh|th|dh|ph|ou|[aeiouwy]|.")
_LATIN_SOUNDS = {
    "tch": "tc", "sch": "c", "ch": "c", "sh": "c", "kh": "x", "gh": "g", "th": "t", "dh": "d",
    "ph": "f", "ou": "w", "o": "w", "u": "w", "i": "y", "e": "a",
    "p": "b", "v": "f", "q": "k", "c": "k", "g": "k", "x": "ks",
    "2": "", "3": "3", "4": "", "5": "x", "6": "t", "7": "h", "8": "h", "9": "k",
}  # fmt: skip
_DOUBLED = re.compile(r"(.)\1+")


def _sounds(word: str) -> str:
    if word.isascii():
        return "".join(_LATIN_SOUNDS.get(s, s) for s in _LATIN.findall(word))
    return word.translate(_ARABIC)


def _key(token: str) -> str:
    word = "".join(forms(token))
    if not word or word[0] == "[":
        return word or "_"
    word = word.lstrip("#@").replace("_", "")
    if not word or word.isdecimal():
        return "_" + word
    sounds = _DOUBLED.sub(r"\1", _sounds(word))
    skeleton = sounds[:1] + re.sub(r"[awy]", "", sounds[1:])
    return "_" + (skeleton or word)


_cached_key = lru_cache(_CACHE)(_key)


def key(token: str) -> str:
    """Return the one key of a word, however it is written; never empty.

    A hashtag or handle has the key of its word. Numbers, emoji and placeholders are their own.
    """
    return _cached_key(token) if len(token) <= _CACHED_LENGTH else _key(token)


def variants(token: str) -> tuple[str, ...]:
    """Return further forms and keys under which a token may be found, without doubles.

    Without its clitics (``والواتساب``, ``flwatsap``), a hashtag without its sign and in parts
    (``#inwi_voleurs``, ``#BringBackOurVoip`` where the case is still there).
    """
    return ()


def analyse(text: str) -> Analysis:
    """Return tokens, their keys, and the variants of all tokens (no word of them twice)."""
    tokens: list[str] = []
    keys: list[str] = []
    found: dict[str, None] = {}
    for raw, _, _ in pieces(text):
        for form in forms(raw):
            tokens.append(form)
            keys.append(key(form))
        found.update(dict.fromkeys(variants(raw)))
    return Analysis(tuple(tokens), tuple(keys), tuple(found))


__all__ = ["MAX_TOKEN", "Analysis", "analyse", "key", "normalise", "variants"]
