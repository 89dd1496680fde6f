"""A sheet of labels as labelled posts, for ``marsad evaluate``."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from nlp.sentiment import LABELS
from pipelines.labelled import Labelled, Unlabelled
from pipelines.labels.sheets import read

#: What the files of sheets that hold texts end in; NDJSON is read as labelled posts anyway.
SHEETS = (".xlsx", ".csv", ".tsv")


class LabelledSheet:
    """A sheet with texts and labels, read as :class:`~pipelines.labelled.LabelledFile` is.

    Raises :class:`~pipelines.errors.OutputError` for a file that is no sheet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = path.name
        self._answers = list(read(path))
        self.size = len(self._answers)
        self.position = 0

    def sha256(self) -> str:
        """Return the hash of the file."""
        return hashlib.sha256(self._path.read_bytes()).hexdigest()

    def rows(self) -> Iterator[Labelled | Unlabelled]:
        """Yield a row for each that has a label; rows without one, or unclear, are left out."""
        for one in self._answers:
            self.position += 1
            if one.problem or not one.text:
                yield Unlabelled(one.row, one.problem or "there is no text")
                continue
            mood = one.labels.get("sentiment", "")
            targets = {
                aspect.partition(":")[2]: label
                for aspect, label in one.labels.items()
                if aspect.startswith("target:") and label in LABELS
            }
            mood = mood if mood in LABELS else ""
            if mood or targets:
                yield Labelled(
                    text=one.text,
                    sentiment=mood,
                    targets=targets or None,
                    group=one.group,
                    source=one.source or self.name,
                )

    def close(self) -> None:
        """Do nothing: the file is read at once."""
