"""Why a post was scored as it was: asked of the model that is loaded now, in one thread."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec

from nlp.language import identify
from nlp.occlusion import occlusion
from nlp.score import Scorer
from pipelines.commands._shared.scoring import make_scorer
from pipelines.web.hostile import visible

#: Characters of a text that are explained.
LONGEST = 4_000
#: Effects below this are shown without a colour.
_SMALL = 0.02


class Word(msgspec.Struct, frozen=True):
    """A stretch of the text with its effect on the label, -1 to 1; 0 between words."""

    text: str
    effect: float
    strength: int
    """How strongly it is shown: -3 (spoke against the label) to 3 (spoke for it)."""


class Explanation(msgspec.Struct, frozen=True):
    """What the model says of a text, and which words moved it."""

    label: str
    negative: float
    neutral: float
    positive: float
    model: str
    words: list[Word]
    strongest: list[Word]
    """The words that moved the score most, whatever their direction."""
    language: str
    language_confidence: float
    arabic: float
    """Share of the letters that are Arabic."""
    latin: float
    langdetect: str
    """What the library langdetect says, where it was asked; an ISO 639 code."""


class Explainer:
    """Loads the model when it is first asked (a second), then keeps it."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="explainer")
        self._scorer: Scorer | None = None

    async def explain(self, text: str) -> Explanation:
        """Return the explanation. Raises :class:`~pipelines.errors.ModelError`."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._explain, text[:LONGEST])

    def close(self) -> None:
        """Stop the thread."""
        self._threads.shutdown()

    def _explain(self, text: str) -> Explanation:
        self._scorer = self._scorer or make_scorer()
        whole, effects = occlusion(text, self._scorer)
        words: list[Word] = []
        at = 0
        for start, end, effect in effects:
            if start > at:
                words.append(Word(visible(text[at:start]), 0.0, 0))
            words.append(Word(visible(text[start:end]), effect, _strength(effect)))
            at = end
        words.append(Word(visible(text[at:]), 0.0, 0))
        moved = [word for word in words if word.strength]
        spoken = identify([text])[0]
        scripts: Any = spoken.scripts
        return Explanation(
            label=whole.label,
            negative=whole.probabilities[0],
            neutral=whole.probabilities[1],
            positive=whole.probabilities[2],
            model=self._scorer.version,
            words=words,
            strongest=sorted(moved, key=lambda word: -abs(word.effect))[:8],
            language=spoken.label,
            language_confidence=spoken.confidence,
            arabic=float(scripts[0]),
            latin=float(scripts[1]),
            langdetect=spoken.opinion,
        )


def _strength(effect: float) -> int:
    size = 3 if abs(effect) >= 0.2 else 2 if abs(effect) >= 0.08 else int(abs(effect) >= _SMALL)
    return size if effect > 0 else -size
