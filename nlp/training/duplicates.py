"""Posts that are nearly the same text: what is measured on must not be learned from.

Two texts count as one if their words, as the model reads them (`nlp.model_input`), are the same; or
if most of the three-word runs of the one stand in the other, as in a repost with a comment or a cut
copy.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

_WORD = re.compile(r"\w+")
_RUN = 3
#: Share of a text's runs that must stand in one other text.
_MOST = 0.6
_FEWEST = 3  # runs: shorter texts are compared as a whole


def words(prepared: str) -> tuple[str, ...]:
    """Return the words by which prepared texts are compared: without signs, links and masks."""
    return tuple(word for word in _WORD.findall(prepared) if word != "http")


def _runs(found: Sequence[str]) -> set[tuple[str, ...]]:
    return {tuple(found[i : i + _RUN]) for i in range(len(found) - _RUN + 1)}


class Near:
    """Says whether a prepared text is nearly one of the prepared `texts`."""

    def __init__(self, texts: Iterable[str]) -> None:
        """Index `texts`."""
        self._whole: set[tuple[str, ...]] = set()
        self._places: dict[tuple[str, ...], list[int]] = {}
        for place, text in enumerate(texts):
            found = words(text)
            self._whole.add(found)
            for run in _runs(found):
                self._places.setdefault(run, []).append(place)

    def __contains__(self, text: str) -> bool:
        found = words(text)
        if not found:
            return False
        if found in self._whole:
            return True
        runs = _runs(found)
        if len(runs) < _FEWEST:
            return False
        hits = Counter(place for run in runs for place in self._places.get(run, ()))
        return bool(hits) and hits.most_common(1)[0][1] >= _MOST * len(runs)
