"""``marsad score``: NDJSON in, the same objects with their scores out, in order.

A line is copied byte for byte and the scores are put before its closing brace: numbers of any
size, unusual escapes and unknown fields pass through as they came. Where one of our fields stands
there already, its old value is left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NoReturn

import msgspec

from ingest.records import Post
from nlp.score import Scorer
from pipelines.stages import FAILED_DETAIL, Finder, score_each

#: Fields that are added; values that stand there already are replaced.
ADDED = (
    "language",
    "language_confidence",
    "sentiment",
    "entities",
    "targets",
    "model",
)

#: A line longer than this is not read as a post, in bytes.
LINE_LIMIT = 10_000_000


class BadLine(msgspec.Struct, frozen=True):
    """A line that is no object with ``id`` and ``text``, or that the model fails on: where, why,
    and its bytes."""

    line: int
    reason: str
    raw: bytes


class _Good(msgspec.Struct, frozen=True):
    line: int
    raw: bytes
    text: str
    stale: bool
    """Whether it has one of our fields already."""


def score_lines(
    lines: Iterable[bytes], scorer: Scorer, finder: Finder, batch_size: int
) -> Iterator[bytes | BadLine]:
    """Yield one result for each line that is not blank, in order; nothing is filtered.

    Raises :class:`~nlp.errors.ModelError` if the model fails on every text.
    """
    numbered = ((number, _bare(number, line)) for number, line in enumerate(lines, 1))
    parsed = (_parse(number, line) for number, line in numbered if line)
    while batch := list(islice(parsed, batch_size)):
        good = [entry for entry in batch if isinstance(entry, _Good)]
        posts = iter(score_each([_post(entry.text, finder) for entry in good], scorer))
        for entry in batch:
            yield entry if isinstance(entry, BadLine) else _result(entry, next(posts))


def read_lines(stream: Iterable[bytes]) -> Iterator[bytes]:
    """Yield lines of a binary stream in bounded memory: an endless line is cut at the limit."""
    readline = getattr(stream, "readline", None)
    if readline is None:
        yield from stream
        return
    while line := readline(LINE_LIMIT + 1):
        rest = line
        while len(rest) > LINE_LIMIT and not rest.endswith(b"\n"):
            rest = readline(LINE_LIMIT + 1)
        yield line


def _post(text: str, finder: Finder) -> Post:
    return finder.matched(Post(id="", platform="", text=text))


def _parse(number: int, line: bytes) -> _Good | BadLine:
    def bad(reason: str) -> BadLine:
        return BadLine(number, reason, line[:LINE_LIMIT])

    if len(line) > LINE_LIMIT:
        return bad(f"the line is longer than {LINE_LIMIT:,} bytes")
    try:
        value = json.loads(line.decode(), parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        return bad(f"not UTF-8 (byte {error.start + 1}); convert it first, for example with iconv")
    except RecursionError:
        return bad("nested too deeply")
    except ValueError as error:
        return bad(f"not JSON: {error}")
    if not isinstance(value, dict):
        return bad(f"not a JSON object but {_kind(value)}")
    if isinstance(value.get("id"), (dict, list, bool, type(None))):
        return bad("no `id` (a string or a number)")
    text = value.get("text")
    if not isinstance(text, str):
        found = _kind(text) if "text" in value else "none"
        return bad(f"no `text` that is a string (found: {found})")
    return _Good(number, line, text, any(field in value for field in ADDED))


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON value")


def _kind(value: object) -> str:
    names = {list: "an array", str: "a string", bool: "true or false", dict: "an object"}
    return "null" if value is None else names.get(type(value), "a number")


def _result(entry: _Good, post: Post | None) -> bytes | BadLine:
    if post is None:
        return BadLine(entry.line, FAILED_DETAIL, entry.raw)
    return _spliced(entry, post)


def _spliced(entry: _Good, post: Post) -> bytes:
    added = msgspec.json.encode({field: getattr(post, field) for field in ADDED})
    raw = _without_stale(entry.raw) if entry.stale else entry.raw
    return raw[:-1].rstrip() + b", " + added[1:]


def _without_stale(line: bytes) -> bytes:
    """Return an object without the fields that are ours; the others as they are written."""
    text = line.decode()
    decoder = json.JSONDecoder()
    kept = []
    at = _skip(text, 1)
    while text[at] != "}":
        start = at
        name, at = decoder.raw_decode(text, at)
        at = _skip(text, _skip(text, at) + 1)  # over the colon
        _, at = decoder.raw_decode(text, at)
        if name not in ADDED:
            kept.append(text[start:at])
        at = _skip(text, at)
        if text[at] == ",":
            at = _skip(text, at + 1)
    return ("{" + ", ".join(kept) + "}").encode()


def _skip(text: str, at: int) -> int:
    while text[at] in " \t\n\r":
        at += 1
    return at


def _bare(number: int, line: bytes) -> bytes:
    """Return a line without white space around it, and the first one without its UTF-8 mark."""
    return (line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line).strip()
