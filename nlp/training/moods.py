"""Short sentences with an obvious mood, put together from lists of words (``moods.toml``).

Posts that people collect are longer and seldom say plainly "inwi is bad": a model of them alone
guesses at the plainest words. Here each such word meets many subjects, with and without an
intensifier, before and after, so that the word and not the subject is what is learned.
"""

from __future__ import annotations

import random
import tomllib
from functools import cache
from pathlib import Path

from nlp.training.rows import LABELS, Row

_FILE = Path(__file__).with_name("moods.toml")
#: The source of these sentences.
SOURCE = "moods"
_EACH = 6  # sentences of each word
_INTENSIFIED = 0.4
_BEFORE = 0.3  # share of sentences in which the word stands before the subject
_ALONE = 0.1


def _sentence(word: str, subjects: list[str], more: list[str], rng: random.Random) -> str:
    said = f"{word} {rng.choice(more)}" if rng.random() < _INTENSIFIED else word
    where = rng.random()
    if where < _ALONE:
        return said
    subject = rng.choice(subjects)
    return f"{said} {subject}" if where < _ALONE + _BEFORE else f"{subject} {said}"


@cache
def rows(seed: int = 1) -> tuple[Row, ...]:
    """Return the sentences of all languages, the same ones for the same `seed`."""
    rng = random.Random(seed)
    found: dict[str, Row] = {}
    for lang, words in tomllib.loads(_FILE.read_text("utf-8")).items():
        for place, label in enumerate(LABELS):
            for word in words[label]:
                for _ in range(_EACH):
                    text = _sentence(word, words["subjects"], words["more"], rng)
                    found.setdefault(text, Row(text, place, lang, SOURCE))
    return tuple(found.values())
