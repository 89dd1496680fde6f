"""Noise that a post's author could have made: other spellings in Latin script, lost emoji.

Arabizi has no orthography: `3lach`, `alach` and `3lash` are one word. Drawing a post with another
spelling each time keeps the model from learning a source's habits. Emoji give the class away in
some sets (hearts with positive, tears with negative), so they are dropped at random there.
"""

from __future__ import annotations

import random
import re
import unicodedata

_EMOJI = re.compile("[\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]+")
_SWAPS = (
    ("3", "a"),
    ("7", "h"),
    ("9", "q"),
    ("9", "k"),
    ("5", "kh"),
    ("ch", "sh"),
    ("ou", "o"),
    ("ou", "u"),
    ("gh", "r"),
    ("i", "e"),
    ("y", "i"),
    ("w", "ou"),
    ("aa", "a"),
    ("ee", "i"),
    ("dh", "d"),
    ("th", "t"),
)
_ACCENTS = re.compile("([a-zA-Z])[\u0300-\u0327]+")
_VOWELS = "aeiou"
_SHORTEST = 3


def drop_emoji(text: str) -> str:
    """Remove all emoji; a text of nothing else is returned as it is."""
    without = _EMOJI.sub(" ", text)
    return without if without.strip() else text


def drop_accents(text: str) -> str:
    """Write French as many do on a telephone: without accents and cedillas."""
    if text.isascii():
        return text
    plain = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFC", _ACCENTS.sub(r"\1", plain))


def _respell_word(word: str, rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.6:
        pairs = [(a, b) for a, b in _SWAPS if a in word or b in word]
        if pairs:
            one, other = rng.choice(pairs)
            if one not in word or (other in word and rng.random() < 0.5):
                one, other = other, one
            return word.replace(one, other, 1)
    if kind < 0.8:
        places = [i for i, letter in enumerate(word) if letter in _VOWELS and i > 0]
        if places:
            place = rng.choice(places)
            return word[:place] + word[place + 1 :]
    place = rng.randrange(len(word))
    return word[:place] + word[place] + word[place:]


def respell(text: str, rng: random.Random, share: float = 0.2) -> str:
    """Respell about `share` of the words of a text in Latin script."""
    words = text.split(" ")
    for place, word in enumerate(words):
        plain = len(word) >= _SHORTEST and word.isascii() and word.isalnum()
        if plain and rng.random() < share:
            words[place] = _respell_word(word, rng)
    return " ".join(words)
