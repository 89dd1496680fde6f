"""Darija written in Arabic letters, written again as its speakers write it in Latin ones.

Labelled posts in Arabic script are many, in Latin script few. How a word is spelt is drawn from
sentences known in both scripts (`pairs.jsonl.gz`, aligned word by word where both sides have as
many words); a word not met there is spelt letter by letter, most short vowels left out, as
Arabizi does.
"""

from __future__ import annotations

import dataclasses
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

from nlp.text import normalise
from nlp.training import read_posts
from nlp.training.data import GROUPS, Licence, Row, read_lines

_WORD = re.compile("[\u0621-\u064a\u067e\u0686\u06a4\u06a9\u06ad\u06af\u06cc]+")
_SOURCES = frozenset({"smartly-rabat-madar", "smartly-sentences", "narabizi-sentences"})
_MOST = 12  # spellings kept of a word
_KNOWN = 0.4  # share of a post's words that must be spelt from pairs

#: Ends the language of a post that is to be shown in Latin script.
MARK = "~Latn"

#: What a letter is written as, the likeliest first; long vowels and doubled consonants follow.
_LETTERS: dict[str, tuple[str, ...]] = {
    "ا": ("a",), "أ": ("a",), "إ": ("i",), "آ": ("a",), "ى": ("a",), "ة": ("a",), "ب": ("b",),
    "ت": ("t",), "ث": ("t", "th"), "ج": ("j",), "ح": ("7", "h"), "خ": ("kh", "5"), "د": ("d",),
    "ذ": ("d",), "ر": ("r",), "ز": ("z",), "س": ("s",), "ش": ("ch", "sh"), "ص": ("s",),
    "ض": ("d",), "ط": ("t",), "ظ": ("d",), "ع": ("3", "a"), "غ": ("gh",), "ف": ("f",),
    "ق": ("9", "q", "k"), "ك": ("k",), "ل": ("l",), "م": ("m",), "ن": ("n",), "ه": ("h",),
    "و": ("ou", "o", "w"), "ي": ("i", "y"), "ء": ("2", ""), "ئ": ("2", ""), "ؤ": ("2", "o"),
    "پ": ("p",), "چ": ("tch",), "ڤ": ("v",), "ک": ("k",), "ڭ": ("g",), "گ": ("g",), "ی": ("i",),
}  # fmt: skip


class Spellings:
    """How each Arabic-script word is spelt in Latin letters, with how often."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        """`pairs` are words (Latin, Arabic) that mean the same."""
        counts: dict[str, Counter[str]] = defaultdict(Counter)
        for latin, arabic in pairs:
            counts[normalise(arabic)][latin.lower()] += 1
        self._known = {
            word: tuple(zip(*found.most_common(_MOST), strict=True))
            for word, found in counts.items()
        }

    def __contains__(self, word: str) -> bool:
        return normalise(word) in self._known

    def word(self, word: str, rng: random.Random) -> str:
        """Return one spelling of a word."""
        known = self._known.get(normalise(word))
        if known is None:
            return spell(word, rng)
        spellings, counts = known
        return str(rng.choices(spellings, counts)[0])

    def text(self, text: str, rng: random.Random) -> str:
        """Return a text with every word of Arabic letters in Latin ones."""
        return _WORD.sub(lambda found: self.word(found[0], rng), text)

    def share_known(self, text: str) -> float:
        """Return which share of the Arabic-script words of a text is spelt from pairs."""
        words = _WORD.findall(text)
        return sum(word in self for word in words) / len(words) if words else 0.0


def spell(word: str, rng: random.Random) -> str:
    """Return a word letter by letter; between two consonants a vowel now and then."""
    parts: list[str] = []
    for place, letter in enumerate(word):
        choices = _LETTERS.get(letter, ("",))
        part = choices[0] if rng.random() < 0.7 else rng.choice(choices)
        if letter == "و" and place == 0:
            part = "w"
        if letter == "ي" and place == 0:
            part = "y"
        before = parts[-1][-1:] if parts else "a"
        if part and before not in "aeiou" and part[0] not in "aeiou" and rng.random() < 0.25:
            part = "e" + part
        parts.append(part)
    return "".join(parts)


def learn(data: Path, licence: Licence = "all") -> Spellings:
    """Read the pairs of the data folder; those for non-commercial use only with licence "all"."""
    barred = read_posts.barred(licence)
    pairs: list[tuple[str, str]] = []
    for row in read_lines(data / "text" / "pairs.jsonl.gz"):
        if row["source"] in _SOURCES and not row["source"].startswith(barred):
            latin, arabic = row["latin"].split(), row["arabic"].split()
            if len(latin) == len(arabic):
                pairs += [
                    (one, other)
                    for one, other in zip(latin, arabic, strict=True)
                    if _WORD.fullmatch(other) and one.isascii() and one.isalnum()
                ]
    return Spellings(pairs)


def candidates(rows: Iterable[Row], spellings: Spellings) -> list[Row]:
    """Return the posts that are worth showing in Latin script, marked so; their text unchanged.

    Which sources are taken is said by the groups of `GROUPS` with the mark: comments only, since
    a headline is never written in Arabizi, and its script would give the class away.
    """
    marked = (dataclasses.replace(row, lang=row.lang + MARK) for row in rows)
    return [
        row for row in marked if row.group in GROUPS and spellings.share_known(row.text) >= _KNOWN
    ]
