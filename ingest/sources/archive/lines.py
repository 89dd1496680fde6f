"""Lines of a stream, read in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ingest.records import RAW_LIMIT
from ingest.sources.archive.compression import Stream

LIMIT = 10_000_000
"""The longest record, in bytes; the beginning of a longer one becomes a dead letter."""


class Line(NamedTuple):
    """One line without its end (or one value of a JSON document, which is counted instead).

    ``end`` is the offset of what follows it; ``final`` says that nothing does. ``closed`` says that
    the list, in which a JSON document's values stand, ended before it.
    """

    raw: bytes
    number: int
    end: int
    problem: str = ""
    truncated: bool = False
    final: bool = False
    closed: bool = False


def lines(stream: Stream, offset: int, number: int, newline: bytes = b"\n") -> Iterator[Line]:
    """Yield the lines of a stream that begins at ``offset`` with line ``number``.

    A line above the limit has only its beginning and the problem ``line-too-long``. Where the
    stream is damaged, the last line holds what is left of it and the damage as its problem.
    """
    rest = b""
    skipping = False
    lost = 0  # bytes of a too long line that are not in rest any more
    while piece := stream.read():
        *full, rest = (rest + piece).split(newline)
        for raw in full:
            offset += len(raw) + lost + 1
            if skipping or len(raw) > LIMIT:
                yield Line(raw[:RAW_LIMIT], number, offset, "line-too-long", truncated=True)
                skipping, lost = False, 0
            else:
                yield Line(raw, number, offset)
            number += 1
        if skipping or len(rest) > LIMIT:
            skipping = True
            lost += max(0, len(rest) - RAW_LIMIT)
            rest = rest[:RAW_LIMIT]
    offset += len(rest) + lost
    if stream.damage:
        yield Line(rest[:RAW_LIMIT], number, offset, stream.damage, skipping, final=True)
    elif skipping:
        yield Line(rest, number, offset, "line-too-long", truncated=True)
    elif rest:
        yield Line(rest, number, offset)
