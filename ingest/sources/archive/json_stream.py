"""The values of one large JSON document, one after the other, framed without being parsed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ingest.records import RAW_LIMIT
from ingest.sources.archive.compression import Stream
from ingest.sources.archive.lines import LIMIT, Line

# A whole string, or the sign that opens one which the buffer does not hold to its end.
_TOKEN = re.compile(rb'"[^"\\\n]*+(?:\\[^\n][^"\\\n]*+)*+"|["{}\[\]]')
# The next bracket, with all whole strings before it in one step.
_BRACKET = re.compile(rb'(?:[^"{}\[\]]++|"[^"\\\n]*+(?:\\[^\n][^"\\\n]*+)*+")*+([{}\[\]])')
_IN_STRING = re.compile(rb'\\[^\n]|["\n]')
_STRING = re.compile(rb'"[^"\\\n]*+(?:\\[^\n][^"\\\n]*+)*+"')
_SEPARATORS = re.compile(rb"[\s,]*")
_SCALAR_END = re.compile(rb"[\s,\]{\[]")
_OPENS = {0x7D: 0x7B, 0x5D: 0x5B}
_DEEPEST = 100_000


class Elements:
    """The values of an array, or of a document of values; ``number`` counts them.

    Brackets and strings are followed, so that memory stays bounded and a value that is no valid
    JSON costs no other. Where brackets don't match or a string holds a line's end, reading goes
    on at the next line that begins as the broken value began.
    """

    def __init__(
        self, stream: Stream, offset: int, number: int, *, array: bool, closed: bool = False
    ) -> None:
        """``array``: the document is a list, of which ``closed`` says that it ended before."""
        self._stream = stream
        self._buffer = b""
        self._at = 0  # where the value begins in the buffer
        self._lost = 0  # bytes of the value that the buffer does not hold any more
        self._offset = offset  # of the value's first byte, in the stream
        self._number = number
        self._array = array
        self._closed = closed or not array
        self._ended = False

    def __iter__(self) -> Iterator[Line]:
        """Yield the values; where the document ends too early, a last line says so."""
        indent = b""
        while True:
            margin = self._skip_separators()
            indent = indent if margin is None else margin
            if self._at >= len(self._buffer):
                break
            if self._array and self._buffer[self._at] == 0x5D:
                self._take(1)
                self._closed = True
                self._skip_separators()
                if self._buffer[self._at : self._at + 1] in {b"[", b"{"}:
                    if self._buffer[self._at] == 0x5B:  # another list: files were joined
                        self._take(1)
                        self._closed = False
                    continue
                while self._stream.read():
                    pass  # only to learn whether the file is whole
                break
            value = self._value(indent)
            yield value._replace(closed=self._array and self._closed)
            if value.final:
                return
            self._number += 1
        problem = self._stream.damage or ("" if self._closed else "file-truncated")
        if problem:
            yield Line(b"", self._number, self._offset, problem, final=True)

    def _more(self) -> bool:
        """Read on; what lies before the value is let go."""
        piece = b"" if self._ended else self._stream.read()
        if not piece:
            self._ended = True
            return False
        self._buffer = self._buffer[self._at :] + piece
        self._at = 0
        return True

    def _shorten(self, size: int) -> int:
        """Forget the middle of a value of ``size`` bytes that is too long; return its new size."""
        if size <= LIMIT:
            return size
        start = self._at
        self._buffer = self._buffer[start : start + RAW_LIMIT] + self._buffer[start + size :]
        self._at = 0
        self._lost += size - RAW_LIMIT
        return RAW_LIMIT

    def _take(self, size: int, problem: str = "") -> Line:
        raw = self._buffer[self._at : self._at + size]
        self._at += size
        self._offset += size + self._lost
        truncated = self._lost > 0
        if truncated or size > LIMIT:
            raw, truncated = raw[:RAW_LIMIT], True
            problem = problem or "line-too-long"
        self._lost = 0
        return Line(raw, self._number, self._offset, problem, truncated)

    def _skip_separators(self) -> bytes | None:
        """Skip to the next value; return what stands before it on its line, if it begins one."""
        skipped = b"\n" if self._offset == 0 else b""
        while True:
            match = _SEPARATORS.match(self._buffer, self._at)
            size = match.end() - self._at if match else 0
            skipped = (skipped + self._buffer[self._at : self._at + size])[-256:]
            self._take(size)
            if self._at < len(self._buffer) or not self._more():
                break
        return skipped.rpartition(b"\n")[2] if b"\n" in skipped else None

    def _value(self, indent: bytes) -> Line:
        if self._buffer[self._at] not in b"{[":
            return self._scalar()
        opened = bytearray()
        size = 0
        while True:
            match = _BRACKET.match(self._buffer, self._at + size)
            if match is None:
                match, size = self._search(_TOKEN, size)
            if match is None:
                return self._broken(indent, "json-truncated")
            sign = match[match.re.groups]
            size = match.end() - self._at
            if sign == b'"':
                size, problem = self._rest_of_string(size)
                if problem:
                    return self._broken(indent, problem)
            elif sign in {b"{", b"["}:
                opened += sign
                if len(opened) > _DEEPEST:
                    return self._broken(indent, "json-too-deep")
            elif sign in {b"}", b"]"}:
                if opened.pop() != _OPENS[sign[0]]:
                    return self._broken(indent, "json-invalid")
                if not opened:
                    return self._take(size)

    def _rest_of_string(self, size: int) -> tuple[int, str]:
        """Follow a string that goes on behind the buffer, or that no quotation mark closes."""
        while True:
            match, size = self._search(_IN_STRING, size)
            if match is None:
                return size, "json-truncated"
            size = match.end() - self._at
            if match[0] == b'"':
                return size, ""
            if match[0] == b"\n":
                return size, "json-invalid"

    def _search(self, pattern: re.Pattern[bytes], size: int) -> tuple[re.Match[bytes] | None, int]:
        """Find the next sign from ``size`` bytes into the value on, reading on as needed.

        Return it with its place, which moves when a value that is too long is shortened.
        """
        while True:
            match = pattern.search(self._buffer, self._at + size)
            if match is not None:
                return match, size
            # A backslash at the very end waits for what it escapes.
            end = len(self._buffer) - self._at - (pattern is _IN_STRING)
            size = self._shorten(max(size, end))
            if not self._more():
                return None, size

    def _scalar(self) -> Line:
        """Take a value that is no object; anything up to a separator, so garbage too."""
        while True:
            string = _STRING.match(self._buffer, self._at)
            match = string or _SCALAR_END.search(self._buffer, self._at + 1)
            if match is not None:
                return self._take((match.end() if string else match.start()) - self._at)
            size = len(self._buffer) - self._at
            if size > LIMIT or not self._more():
                return self._take(size)

    def _broken(self, indent: bytes, problem: str) -> Line:
        """Take everything up to the next line that begins a value like this one."""
        again = re.compile(rb"\n" + re.escape(indent) + rb",?[ \t]*(?=[{])")
        size = RAW_LIMIT if self._lost else 1
        while not (match := again.search(self._buffer, self._at + size)):
            margin = len(indent) + 64  # the line's beginning may be cut by the buffer's end
            size = self._shorten(max(size, len(self._buffer) - self._at - margin))
            if not self._more():
                size = len(self._buffer) - self._at
                return self._take(size, self._stream.damage or problem)._replace(final=True)
        taken = self._take(match.end() - self._at, problem)
        return taken._replace(raw=taken.raw.rstrip(b" \t\r\n,"))
