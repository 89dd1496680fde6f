"""Mixtures of two or three languages, spliced from posts of one language each.

There is no labelled collection of mixed posts to learn from, so they are made: pieces of posts
follow each other, cut between words, as people change language within a sentence. Which share each
language has is known, so a splice is labelled by the rule itself: mixed if no language has two
thirds of the words. The two languages in Arabic letters are never mixed with each other, since
most of their words are the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from random import Random
from typing import NamedTuple

_PARTNERS = {
    "ary-Latn": ("fr", "fr", "fr", "ary", "en"),
    "ary": ("fr", "fr", "ary-Latn", "en"),
    "fr": ("ary-Latn", "ary-Latn", "ary", "ar", "en"),
    "ar": ("fr", "en", "ary-Latn"),
    "en": ("fr", "ary-Latn", "ary"),
}
_LONGEST = 24


class Splice(NamedTuple):
    """A made post: its text, and the share of words of its commonest language."""

    text: str
    share: float
    language: str

    @property
    def mixed(self) -> bool:
        """Whether no language has two thirds of the words."""
        return self.share < 2 / 3


def splices(posts: Mapping[str, Sequence[str]], count: int, seed: int) -> list[Splice]:
    """Return `count` splices of `posts` (texts by language): half of them mixed by the rule."""
    rng = Random(seed)
    words = {
        language: [split for text in texts if len(split := text.split()) >= 3]
        for language, texts in posts.items()
    }
    languages = [language for language in _PARTNERS if words.get(language)]
    made = list[Splice]()
    while len(made) < count:
        main = rng.choice(languages)
        others = [language for language in _PARTNERS[main] if words.get(language)]
        splice = _splice(words, main, rng.choice(others), rng)
        if splice.mixed == (len(made) % 2 == 0):
            made.append(splice)
    return made


def _splice(words: Mapping[str, Sequence[list[str]]], main: str, other: str, rng: Random) -> Splice:
    """Shuffle pieces of a stretch of `main` and of one of `other` into each other, in turn."""
    total = rng.randint(4, _LONGEST)
    guest = max(1, round(total * rng.uniform(0.08, 0.6)))
    first = _stretch(words[main], total - guest, rng)
    second = _stretch(words[other], guest, rng)
    turns = rng.choice((1, 1, 2, 3))
    pieces = [_cut(first, turns, rng), _cut(second, max(1, turns - rng.randint(0, 1)), rng)]
    rng.shuffle(pieces)
    counts = {main: len(first), other: len(second)}
    language = max(counts, key=lambda name: counts[name])
    text = " ".join(
        word for turn in range(turns) for side in pieces if turn < len(side) for word in side[turn]
    )
    return Splice(text, counts[language] / sum(counts.values()), language)


def _cut(words: list[str], pieces: int, rng: Random) -> list[list[str]]:
    """Cut `words` at random into `pieces` (fewer, if there are fewer words)."""
    cuts = sorted(rng.sample(range(1, len(words)), min(pieces, len(words)) - 1))
    return [words[a:b] for a, b in pairwise([0, *cuts, len(words)])]


def _stretch(posts: Sequence[list[str]], count: int, rng: Random) -> list[str]:
    """Return `count` words in a row of one post (or all of it, if it is shorter)."""
    post = rng.choice(posts)
    begin = rng.randint(0, max(0, len(post) - count))
    return post[begin : begin + count]
