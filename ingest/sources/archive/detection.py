"""What a file is made of: compression, encoding, format, columns. Seen in its content alone."""

from __future__ import annotations

import codecs
import re
from collections.abc import Collection, Iterator
from typing import Literal, NamedTuple

import msgspec

from ingest.errors import SourceError
from ingest.mapping.fields import KNOWN, column_names, plain
from ingest.mapping.objects import MAX_COLUMNS, Bad, parse_object
from ingest.sources.archive import csv_rows, encodings, private
from ingest.sources.archive.compression import (
    ArchiveFile,
    Compression,
    FileStream,
    Memory,
    Stream,
    check_kind,
    compression_of,
)
from ingest.sources.archive.documents import (
    AROUND,
    SCRIPT,
    container,
    first_value,
    is_array,
    is_object,
    is_record,
    is_text_line,
)
from ingest.sources.archive.json_stream import Elements
from ingest.sources.archive.lines import Line, lines

HEAD = 1_000_000
"""How much is looked at before reading, in bytes."""
_ASCII_HEAD = 64_000_000
"""How far to look for the first letter that tells the encoding."""

_POSITION = re.compile(r"#\d+")
_CONTROLS = frozenset(range(32)) - {0x09, 0x0A, 0x0C, 0x0D, 0x1B}

Format = Literal["empty", "ndjson", "json", "csv"]


class Layout(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a file is to be read."""

    format: Format
    compression: Compression = ""
    encoding: str = "utf-8"
    codec: str = "utf-8"
    """The encoding of lines as they are read: UTF-8 where the file's own was turned into it."""
    newline: str = "\n"
    start: int = 0
    """Offset of the first record, in decompressed bytes."""
    first: int = 1
    """Line of the first record."""
    array: bool = False
    under: str = ""
    """The field of the one large object whose list holds the posts, such as ``data.items``."""
    around: dict[str, str] = {}
    """Fields of that object which stand before the list, and ``ytd``: what Twitter calls it."""
    dialect: csv_rows.Dialect = csv_rows.Dialect()
    columns: tuple[str, ...] = ()
    width: int = 0
    header: bool = False


class Survey(NamedTuple):
    """A layout, and what was seen: the beginning of the file, and whether it is all of it."""

    layout: Layout
    head: bytes
    complete: bool
    wide_header: bytes = b""
    before: int = 0
    """Lines before the names of a table's columns."""


def open_stream(file: ArchiveFile, layout: Layout, offset: int) -> tuple[Stream, FileStream]:
    """Return the bytes from an offset on, and the stream below that knows the progress."""
    if layout.codec == layout.encoding:
        stream = FileStream(file, layout.compression, offset)
        return stream, stream
    inner = FileStream(file, layout.compression)
    outer = encodings.Transcoded(inner, layout.encoding)
    return (_Rest(outer, offset) if offset else outer), inner


class _Rest:
    """A stream without its first bytes."""

    def __init__(self, stream: Stream, offset: int) -> None:
        self._stream = stream
        self._offset = offset

    @property
    def damage(self) -> str:
        return self._stream.damage

    def read(self) -> bytes:
        while piece := self._stream.read():
            if len(piece) > self._offset:
                piece, self._offset = piece[self._offset :], 0
                return piece
            self._offset -= len(piece)
        return b""


def survey(file: ArchiveFile, encoding: str, named: Collection[str]) -> Survey:
    """Look at the head of a file and return how to read it.

    ``encoding`` is the user's or empty; ``named`` are the fields that a user's mapping names.
    Raises :class:`SourceError` if the file is no text.
    """
    begin = file.read_at(0, 4096)
    check_kind(file.name, begin)
    compression = compression_of(begin)
    head, complete, stream = _head(FileStream(file, compression))
    if compression:
        check_kind(file.name, head)
    charset = encodings.known(encoding) if encoding else _charset(head, stream)
    charset = "utf-8" if charset == "utf-8-sig" else charset
    codec = charset if encodings.is_transparent(charset) else "utf-8"
    base = Layout(format="empty", compression=compression, encoding=charset, codec=codec)
    if codec != charset:
        head, complete, _ = _head(open_stream(file, base, 0)[0])
    start = len(codecs.BOM_UTF8) if head.startswith(codecs.BOM_UTF8) else 0
    base = msgspec.structs.replace(base, start=start)
    if not head[start:].strip():
        return Survey(base, head, complete)
    if head[start:].lstrip()[:1] in {b"{", b"[", b"w"}:
        private.refuse_document(file.name, head)
    found = _as_json(base, head, complete=complete)
    if found is not None:
        return Survey(found, head, complete)
    return _as_table(file.name, base, head, complete, named)


def _head(stream: Stream) -> tuple[bytes, bool, Stream]:
    pieces: list[bytes] = []
    size = 0
    while size < HEAD:
        piece = stream.read()
        if not piece:
            return b"".join(pieces), True, stream
        pieces.append(piece)
        size += len(piece)
    return b"".join(pieces)[: HEAD * 2], False, stream


def _charset(head: bytes, stream: Stream) -> str:
    marked, _ = encodings.mark_of(head)
    if marked:
        return marked
    seen = len(head)
    sample = head
    while sample.isascii() and seen < _ASCII_HEAD and (piece := stream.read()):
        seen += len(piece)
        sample = head if piece.isascii() else piece
    if sample is not head:
        sample += stream.read()
    return encodings.detect(sample)


def _as_json(base: Layout, head: bytes, *, complete: bool) -> Layout | None:
    body = head[base.start :].lstrip()
    if script := SCRIPT.match(body):
        base = msgspec.structs.replace(base, around={"ytd": script[1].decode()})
        body = body[script.end() :]
    start = len(head) - len(body)
    whole = body.split(b"\n")[: None if complete or b"\n" not in body else -1]
    sample = [line for line in whole if line and not line.isspace()][:200]
    objects = sum(is_object(line, base.codec) for line in sample)
    if body[:1] == b"[" and is_array(body, sample, objects, base.codec):
        return msgspec.structs.replace(base, format="json", start=start + 1, array=True)
    ndjson = msgspec.structs.replace(base, format="ndjson")
    if body[:1] == b'"' and all(map(is_text_line, sample)):
        return ndjson
    if body[:1] == b"{" and (end := first_value(body, base.codec)):
        alone = not body[end:].strip()
        lined = b"\n" in body[:end].strip() and (alone or objects * 4 < len(sample))
        large = alone and not is_record(body[:end], base.codec)
        if large and (inside := _inside(base, body, start)):
            return inside
        return msgspec.structs.replace(base, format="json", start=start) if lined else ndjson
    if objects * 10 >= len(sample) and objects:
        return ndjson
    if 2 * sum(line.lstrip()[:1] == b"{" for line in sample) > len(sample):
        return ndjson
    # Else a large object, broken somewhere, or no JSON at all.
    return _inside(base, body, start) if body[:1] == b"{" else None


def _inside(base: Layout, body: bytes, start: int) -> Layout | None:
    """Return how to read the list of posts in one large object."""
    found = container(body)
    if found is None:
        return None
    under, inside, depth = found
    around = base.around
    try:
        fields = parse_object(body[:inside] + b"]" + b"}" * depth, base.codec)
    except Bad:
        pass
    else:
        around = {name: str(value) for name in AROUND if isinstance(value := fields.get(name), str)}
    return msgspec.structs.replace(
        base, format="json", start=start + inside, array=True, under=under, around=around
    )


def _as_table(
    name: str, base: Layout, head: bytes, complete: bool, named: Collection[str]
) -> Survey:
    body = head[base.start :]
    newline = "\r" if b"\r" in body and b"\n" not in body else "\n"
    if not complete:
        body = body[: body.rfind(newline.encode()) + 1] or body
    text = body.decode(base.codec, "replace").replace("\r\n", "\n").replace("\r", "\n")
    private.refuse_text(name, text)
    known = KNOWN | {plain(name) for name in named}
    by_position = any(_POSITION.fullmatch(name) for name in named)
    raw = body.decode(base.codec, "replace")  # with the line ends that are counted
    before = 0 if by_position else csv_rows.preamble(raw.replace(newline, "\n"), known)
    dialect, hint = csv_rows.detect("\n".join(text.split("\n")[before:]), known)
    first = 1 + before + bool(hint)
    passed = body.split(newline.encode())[: first - 1]
    start = base.start + sum(len(line) + 1 for line in passed)
    base = msgspec.structs.replace(
        base, format="csv", newline=newline, dialect=dialect, start=start, first=first, width=2**31
    )
    row = next(iter(rows(Memory(head[start:]), base, start, first, 0)), None)
    cells = row.cells if row is not None else []
    controls = sum(byte in _CONTROLS for byte in head[:4096])
    if controls * 20 > len(head[:4096]) and not any(plain(cell) in known for cell in cells):
        raise SourceError(
            f"{name} is neither JSON nor a table but binary data. Posts are read from NDJSON, "
            "JSON or CSV; if it is text, name its encoding"
        )
    if by_position and not any(plain(cell) in KNOWN for cell in cells):
        columns = tuple(f"#{place}" for place in range(1, len(cells) + 1))
        layout = msgspec.structs.replace(base, columns=columns, width=len(cells))
        return Survey(layout, head, complete)
    layout = msgspec.structs.replace(
        base,
        columns=column_names(cells[:MAX_COLUMNS]),
        width=len(cells),
        header=True,
        start=row.end if row is not None else start,
        first=row.next_line if row is not None else first,
    )
    wide = row.raw if row is not None and len(cells) > MAX_COLUMNS else b""
    return Survey(layout, head, complete, wide, before)


def rows(stream: Stream, layout: Layout, offset: int, number: int, torn: int) -> csv_rows.Rows:
    """Return the rows of a table from an offset on."""
    source = lines(stream, offset, number, layout.newline.encode())
    return csv_rows.Rows(source, layout.codec, layout.dialect, layout.width, torn)


def values(
    stream: Stream, layout: Layout, offset: int, number: int, *, closed: bool = False
) -> Iterator[Line]:
    """Yield the lines of NDJSON, or the values of a JSON document, from an offset on.

    ``closed`` says that the list of a document ended before that offset.
    """
    if layout.format == "json":
        return iter(Elements(stream, offset, number, array=layout.array, closed=closed))
    return lines(stream, offset, number)
