"""Labelled posts as NDJSON, to measure a model on: three shapes, told apart row by row.

| shape | what is measured |
| --- | --- |
| ``{"text", "label", "lang", "source"}`` | sentiment; ``lang`` and ``source`` are groups |
| ``{"text", "lang", "source"}`` | language |
| ``{"text", "labels": {"language", "sentiment", "targets"}}`` | whatever is labelled |
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from ingest.mapping.objects import Bad, parse_object
from ingest.mapping.reasons import REASONS
from ingest.sources.archive.compression import (
    BLOCK,
    ArchiveFile,
    FileStream,
    check_kind,
    compression_of,
)
from ingest.sources.archive.lines import Line, lines
from nlp.language import LABELS as ALL_LANGUAGES
from nlp.sentiment import LABELS

_HEAD = 512


class Labelled(msgspec.Struct, frozen=True, kw_only=True):
    """A post with what people said about it; empty or ``None`` is what nobody labelled."""

    text: str
    sentiment: str = ""
    language: str = ""
    targets: dict[str, str] | None = None
    """Attitude to each entity that the post mentions."""
    group: str = ""
    """Language to group by, which may be finer than those that Marsad tells apart (``arq``)."""
    source: str = ""


class Unlabelled(msgspec.Struct, frozen=True):
    """A line that can't be measured on, and why."""

    line: int
    reason: str


class LabelledFile:
    """A file of labelled posts, plain or packed with gzip or zstd; ``-`` is standard input.

    Raises :class:`~ingest.errors.SourceError` for what can't be opened or is no text.
    """

    def __init__(self, path: str) -> None:
        self._file = ArchiveFile(path)
        self.name = Path(path).name if path != "-" else "-"
        head = self._file.read_at(0, _HEAD)
        check_kind(path, head)
        self._compression = compression_of(head)
        self.size = self._file.size
        self.position = 0
        """How much of ``size`` has been read, in bytes as they lie on disk."""

    def sha256(self) -> str:
        """Return the hash of the file as it lies on disk."""
        hasher = hashlib.sha256()
        offset = 0
        while block := self._file.read_at(offset, BLOCK):
            hasher.update(block)
            offset += len(block)
        return hasher.hexdigest()

    def rows(self) -> Iterator[Labelled | Unlabelled]:
        """Yield one result for each line that is not blank, in order.

        Raises :class:`~ingest.errors.SourceError` if the file can't be read further.
        """
        stream = FileStream(self._file, self._compression)
        for line in lines(stream, 0, 1):
            self.position = stream.position
            if line.problem or line.raw.strip():
                yield read_row(line)

    def close(self) -> None:
        """Release the file."""
        self._file.close()


def read_row(line: Line) -> Labelled | Unlabelled:
    """Return the labelled post that a line holds, or why it holds none."""
    if line.problem:
        return Unlabelled(line.number, REASONS[line.problem])
    try:
        return _labelled(parse_object(line.raw))
    except Bad as bad:
        return Unlabelled(line.number, REASONS[bad.reason])
    except _Wrong as wrong:
        return Unlabelled(line.number, str(wrong))


class _Wrong(Exception):
    """A row has no label, or one that is not known; the message is for people."""


def _labelled(row: dict[str, Any]) -> Labelled:
    if row.get("text") is None:
        raise Bad("no-text")
    if type(row["text"]) is not str:
        raise Bad("text-not-string")
    source = row.get("source") or row.get("platform")
    named = source if isinstance(source, str) else ""
    if "labels" in row:
        return _of_sample(row["text"], row["labels"], named)
    if "label" in row:
        group = row.get("lang", "")
        if type(group) is not str:
            raise _Wrong("`lang` is no string")
        label = _known("label", row["label"], LABELS)
        return Labelled(text=row["text"], sentiment=label, group=group, source=named)
    if "lang" in row:
        language = _known("lang", row["lang"], ALL_LANGUAGES)
        return Labelled(text=row["text"], language=language, group=language, source=named)
    raise _Wrong("no label: neither `label` nor `lang` nor `labels`")


def _of_sample(text: str, labels: object, source: str) -> Labelled:
    if not isinstance(labels, dict):
        raise _Wrong("`labels` is no object")
    language = sentiment = ""
    targets: dict[str, str] | None = None
    if "language" in labels:
        language = _known("labels.language", labels["language"], ALL_LANGUAGES)
    if "sentiment" in labels:
        sentiment = _known("labels.sentiment", labels["sentiment"], LABELS)
    if "targets" in labels:
        if not isinstance(labels["targets"], dict):
            raise _Wrong("`labels.targets` is no object of entities and labels")
        targets = {
            entity: _known(f"labels.targets.{entity}", label, LABELS)
            for entity, label in labels["targets"].items()
        }
    if not (language or sentiment or targets is not None):
        raise _Wrong("`labels` has neither `language` nor `sentiment` nor `targets`")
    return Labelled(
        text=text,
        sentiment=sentiment,
        language=language,
        targets=targets,
        group=language,
        source=source,
    )


def _known(field: str, value: object, allowed: tuple[str, ...]) -> str:
    if isinstance(value, str) and value in allowed:
        return str(value)
    raise _Wrong(f"`{field}` is {value!r:.60}; known are {', '.join(allowed)}")
