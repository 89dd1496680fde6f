"""Labels of metrics: few values, and nothing of a post or a person.

A label that could take any value would make a time series of each and, worse, carry what
people wrote into a monitoring system where no deletion reaches it.
"""

from __future__ import annotations

import re
from typing import Literal

Stage = Literal["collect", "score", "index"]
#: What became of a record in a stage. ``passed``: handed on to the next stage.
Outcome = Literal["passed", "indexed", "duplicate", "filtered", "deleted", "dead"]

#: The value that stands for everything a label has no room for.
OTHER = "other"
_CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_SOURCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,59}")


class Bounded:
    """The values of one label: of a fixed form and at most ``most`` different ones."""

    def __init__(self, form: re.Pattern[str], most: int) -> None:
        self._form = form
        self._most = most
        self._known: set[str] = set()

    def __call__(self, value: str) -> str:
        """Return the value, or :data:`OTHER` if it has another form or there are too many."""
        if value in self._known:
            return value
        if len(self._known) >= self._most or not self._form.fullmatch(value):
            return OTHER
        self._known.add(value)
        return value


def codes(most: int = 100) -> Bounded:
    """Return the values of a label that holds codes such as ``json-truncated``."""
    return Bounded(_CODE, most)


def sources(most: int = 200) -> Bounded:
    """Return the values of a label that holds names of configured sources."""
    return Bounded(_SOURCE, most)
