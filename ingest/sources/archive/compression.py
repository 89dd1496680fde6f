"""The bytes of a file, decompressed, from any place on; and what a file is that holds no posts.

Memory stays bounded whatever the file holds: compressed data is fed in pieces so small that
what comes out of one is at most 32 MB.
"""

from __future__ import annotations

import hashlib
import os
import stat
import sys
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal, Protocol

import zstandard

from ingest.errors import SourceError

Compression = Literal["", "gzip", "zstd"]

BLOCK = 256 * 1024
# A byte of gzip becomes at most about 1,000, four bytes of zstd at most 128 KB.
_FEED = {"gzip": 16 * 1024, "zstd": 1024}
#: Archives packed with ``zstd --long=31`` need this window; others take what they declare.
_WINDOW = 2**31
_GZIP = b"\x1f\x8b\x08"
_ZSTD = b"\x28\xb5\x2f\xfd"

#: Beginnings of files that hold no posts as they are, and what to do.
_FOREIGN: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook; unpack it, or save the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook; save the sheet as CSV"),
    (b"SQLite format 3\0", "an SQLite database; export the table of posts as CSV"),
    (b"PAR1\x15", "a Parquet file; write it as CSV or NDJSON first"),
    (b"ARROW1\0\0", "an Arrow file; write it as CSV or NDJSON first"),
    *(
        (b"BZh%d1AY&SY" % level, "compressed with bzip2; unpack it with bunzip2")
        for level in range(1, 10)
    ),
    (b"\xfd7zXZ\0", "compressed with xz; unpack it with unxz"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive; unpack it"),
    (b"Rar!\x1a\x07", "a RAR archive; unpack it"),
    (b"\x89PNG", "a picture (PNG)"),
    (b"\xff\xd8\xff", "a picture (JPEG)"),
    (b"GIF89a", "a picture (GIF)"),
    (b"%PDF-", "a PDF document; export its data as CSV"),
    (b"<!doctype", "a web page (HTML); save the data itself, not the page that shows it"),
    (b"<html", "a web page (HTML); save the data itself, not the page that shows it"),
    (
        b"<?xml",
        "an XML file: a feed is read by its address (marsad ingest rss ADDRESS); convert"
        " another one to CSV or NDJSON",
    ),
    (b"<rss", "a feed, which is read by its address (marsad ingest rss ADDRESS)"),
    (b"<feed", "a feed, which is read by its address (marsad ingest rss ADDRESS)"),
    (b"WARC/", "a web archive (WARC): take the data out of the pages that it holds"),
)


class Stream(Protocol):
    """Pieces of bytes."""

    @property
    def damage(self) -> str:
        """Reason code of what is wrong at the end, once that was read; else empty."""

    def read(self) -> bytes:
        """Return the next piece, of any length; nothing at the end."""


class Memory:
    """Bytes that are there already, as a stream."""

    damage = ""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self) -> bytes:
        """Return everything at once."""
        data, self._data = self._data, b""
        return data


class ArchiveFile:
    """One file on disk, or standard input copied there so that it can be read again.

    The copy has no name and is gone with the process, so nobody else can read it.
    ``name`` is what errors call it instead of its path.
    Raises :class:`SourceError` for what can't be opened.
    """

    def __init__(
        self, path: str | os.PathLike[str], stdin: BinaryIO | None = None, name: str = ""
    ) -> None:
        self.name = name or os.fspath(path)
        try:
            if os.fspath(path) == "-":
                self._file = _spooled(stdin or sys.stdin.buffer)
            else:
                self._file = Path(path).open("rb")  # noqa: SIM115 (until close)
                if not stat.S_ISREG(os.fstat(self._file.fileno()).st_mode):
                    with self._file as pipe:
                        self._file = _spooled(pipe)
        except IsADirectoryError as error:
            raise SourceError(f"{self.name} is a folder: name the files in it") from error
        except OSError as error:
            raise SourceError(
                f"{self.name} can't be read: {error.strerror or error}. Check the path, the "
                "permissions and the room in the folder for temporary files"
            ) from error
        self._fd = self._file.fileno()
        self._state = self._stat()
        self.size = self._state[0]

    def _stat(self) -> tuple[int, int]:
        found = os.fstat(self._fd)
        return found.st_size, found.st_mtime_ns

    def read_at(self, offset: int, size: int) -> bytes:
        """Return bytes from a place; readers don't disturb each other."""
        try:
            return os.pread(self._fd, size, offset)
        except OSError as error:
            raise SourceError(
                f"{self.name} can't be read at byte {offset}: {error.strerror or error}. "
                "Repeat the command to go on from there"
            ) from error

    def digest(self) -> str:
        """Return a hash of all bytes as they lie on disk."""
        hasher = hashlib.blake2b(digest_size=20)
        offset = 0
        while block := self.read_at(offset, BLOCK):
            hasher.update(block)
            offset += len(block)
        return hasher.hexdigest()

    def check_unchanged(self) -> None:
        """Raise :class:`SourceError` if somebody wrote to the file since it was opened."""
        if self._stat() != self._state:
            raise SourceError(
                f"{self.name} changed while it was being read. Wait until it is complete, "
                "then repeat the command"
            )

    def close(self) -> None:
        """Release the file."""
        self._file.close()


def _spooled(pipe: BinaryIO) -> BinaryIO:
    spool = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the source)
    while block := pipe.read(BLOCK):
        spool.write(block)
    spool.flush()
    return spool


class FileStream:
    """The decompressed bytes of a file from ``offset`` on (counted in decompressed bytes)."""

    def __init__(self, file: ArchiveFile, compression: Compression, offset: int = 0) -> None:
        self.damage = ""
        self.doubtful = False
        """The damage lies behind data that was given already and that its checksum, which stands
        at the end, can't confirm any more."""
        self.position = 0
        """How much of the file itself has been read, in bytes."""
        self._file = file
        if compression:
            self._pieces = _skipped(self._unpacked(compression), offset)
        else:
            self.position = offset
            self._pieces = self._blocks()

    def read(self) -> bytes:
        """Return the next piece; nothing at the end or where the data is damaged."""
        return next(self._pieces, b"")

    def _blocks(self) -> Iterator[bytes]:
        while block := self._file.read_at(self.position, BLOCK):
            self.position += len(block)
            yield block

    def _unpacked(self, compression: Literal["gzip", "zstd"]) -> Iterator[bytes]:
        feed = _FEED[compression]
        unpacker: zlib._Decompress | zstandard.ZstdDecompressionObj | None = None
        given = False  # something of what is being unpacked
        for block in self._blocks():
            for start in range(0, len(block), feed):
                data = block[start : start + feed]
                while data:
                    if unpacker is None:
                        # Tapes and some writers pad gzip with zeros after the last member.
                        data = data.lstrip(b"\0") if compression == "gzip" else data
                        if not data:
                            break
                        unpacker, given = _unpacker(compression), False
                    spare = unpacker.copy() if hasattr(unpacker, "copy") else None
                    try:
                        piece = unpacker.decompress(data)
                    except (zlib.error, zstandard.ZstdError):
                        self.damage = "file-damaged"
                        self.doubtful = given
                        for piece in _salvaged(spare, data):
                            self.doubtful = True
                            yield piece
                        return
                    if piece:
                        given = True
                        yield piece
                    data = b""
                    if unpacker.eof:
                        data = unpacker.unused_data
                        unpacker = None
        if unpacker is not None:
            self.damage = "file-truncated"


def checked(file: ArchiveFile, compression: Compression) -> FileStream:
    """Return a stream that was read to its end, so that its damage is known.

    The checksums of gzip and zstd stand at the end of the data: only a pass over all of it shows
    whether its beginning is right. A file that is not compressed has none and costs nothing.
    """
    stream = FileStream(file, compression)
    while compression and stream.read():
        pass
    return stream


def _unpacker(compression: str) -> zlib._Decompress | zstandard.ZstdDecompressionObj:
    if compression == "gzip":
        return zlib.decompressobj(wbits=31)
    return zstandard.ZstdDecompressor(max_window_size=_WINDOW).decompressobj()


def _salvaged(unpacker: zlib._Decompress | None, data: bytes) -> Iterator[bytes]:
    """Yield what a piece still gives before its first damaged byte."""
    for byte in range(len(data) if unpacker is not None else 0):
        try:
            piece = unpacker.decompress(data[byte : byte + 1])  # type: ignore[union-attr]
        except zlib.error:
            return
        if piece:
            yield piece


def _skipped(pieces: Iterator[bytes], offset: int) -> Iterator[bytes]:
    for piece in pieces:
        if offset >= len(piece):
            offset -= len(piece)
        elif offset:
            yield piece[offset:]
            offset = 0
        else:
            yield piece


def compression_of(head: bytes) -> Compression:
    """Return how a file that begins like this is compressed."""
    if head.startswith(_GZIP):
        return "gzip"
    return "zstd" if head.startswith(_ZSTD) else ""


def check_kind(name: str, head: bytes) -> None:
    """Raise :class:`SourceError` if what begins like this is no text with posts."""
    start = head[:64].lstrip().lower()
    for magic, kind in _FOREIGN:
        if head.startswith(magic) or (magic[:1] == b"<" and start.startswith(magic)):
            raise SourceError(f"{name} seems to be {kind}. Posts are read from NDJSON, JSON or CSV")
    if head[257:262] == b"ustar":
        raise SourceError(f"{name} seems to be a tar archive: unpack it and name the files in it")
