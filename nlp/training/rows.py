"""One labelled post, and the lines of a data file."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

LABELS = ("negative", "neutral", "positive")
#: "free" leaves out sources for non-commercial use.
Licence = Literal["all", "free"]


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled post; `text` is as collected, `label` an index into `LABELS`.

    `soft` are the shares of the labels where several people, or a careful reader with known
    doubts, judged the post; otherwise the label alone is known.
    """

    text: str
    label: int
    lang: str
    source: str
    soft: tuple[float, float, float] | None = None

    @property
    def group(self) -> str:
        """Source and language, as in `nlp.training.data.GROUPS`."""
        return f"{self.source}/{self.lang}"


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of an NDJSON file, gzipped or not; a missing file yields none."""
    if not path.exists():
        return
    if path.suffix == ".gz":
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            yield from map(json.loads, lines)
    else:
        with path.open(encoding="utf-8") as lines:
            yield from map(json.loads, lines)
