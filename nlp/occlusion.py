"""Which words moved a score: each word is taken out, and the text is scored again.

The method is occlusion (M. D. Zeiler and R. Fergus 2014, "Visualizing and Understanding
Convolutional Networks", ECCV), for words of a text as J. Li, W. Monroe and D. Jurafsky 2016,
"Understanding Neural Networks through Representation Erasure", arXiv:1612.08220, section 3: the
effect of a word is the probability of the label with it minus the probability without it.
It looks at one word at a time: of two words that say the same, neither may seem to matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from nlp.score import Scored
from nlp.targets import Mentioned
from nlp.text import pieces

#: Words that are taken out at most; of a longer text the first so many.
WORDS = 60
_LABELS = ("negative", "neutral", "positive")


class Effect(NamedTuple):
    """One word and how much it raised (above zero) or lowered the probability of the label."""

    start: int
    end: int
    effect: float
    """Between -1 and 1."""


class Scores(Protocol):
    """What scores texts: :class:`nlp.score.Scorer`."""

    def score(self, texts: Sequence[str], mentions: Sequence[Sequence[Mentioned]]) -> list[Scored]:
        """Return one result per text, in order."""


def occlusion(text: str, scorer: Scores) -> tuple[Scored, list[Effect]]:
    """Return what the model says of a text, and the effect of each of its words on that label.

    ``start`` and ``end`` are offsets into ``text``. Costs up to :data:`WORDS` + 1 scorings.
    """
    words = [(start, end) for _, start, end in pieces(text)][:WORDS]
    texts = [text, *(f"{text[:start]} {text[end:]}" for start, end in words)]
    whole, *without = scorer.score(texts, [()] * len(texts))
    label = _LABELS.index(whole.label)
    return whole, [
        Effect(start, end, round(whole.probabilities[label] - one.probabilities[label], 6))
        for (start, end), one in zip(words, without, strict=True)
    ]
