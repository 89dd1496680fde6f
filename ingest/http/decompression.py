"""The bytes of an answer as they come: unpacked in small pieces, and only so many of them.

The client's own unpacking makes all that a piece holds at once, so that a few kilobytes could
become gigabytes before anybody looks at their size.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import httpx2

from ingest.errors import SourceChanged, SourceError
from ingest.http.deadlines import overdue

#: What servers are told that we can unpack (``Accept-Encoding``).
PACKED = "gzip"
_KINDS = {"gzip", "x-gzip", "deflate"}
#: Bytes that are unpacked at a time.
_PIECE = 65_536
#: What is said of an answer that takes longer than any.
ENDLESS = "its answer does not end"
_EITHER_HEADER = zlib.MAX_WBITS | 32


def pieces(response: httpx2.Response) -> Iterator[bytes]:
    """Yield the body, unpacked.

    Raises :class:`~ingest.errors.SourceChanged` for what can't be unpacked,
    :class:`~ingest.errors.SourceError` for what ends too early, and errors of the client.
    """
    kind = response.headers.get("content-encoding", "").strip().lower()
    if kind in {"", "identity"}:
        yield from response.iter_raw()
        return
    if kind not in _KINDS:
        raise SourceChanged(f"its answer is packed in a way that nobody asked for ({kind[:40]})")
    unpacking = zlib.decompressobj(_EITHER_HEADER)
    begun = False
    try:
        for raw in response.iter_raw():
            begun = begun or bool(raw)
            while raw and not unpacking.eof:
                yield unpacking.decompress(raw, _PIECE)
                raw = unpacking.unconsumed_tail
        yield unpacking.flush()
    except zlib.error:
        raise SourceChanged(f"its answer says that it is {kind} and can't be unpacked") from None
    if begun and not unpacking.eof:
        raise SourceError("its answer breaks off")


def whole(response: httpx2.Response, largest: int) -> bytes:
    """Return the body, unpacked, if it has at most ``largest`` bytes and ends in time.

    Raises :class:`~ingest.errors.SourceError` with what came of it, and what :func:`pieces`
    raises.
    """
    body = bytearray()
    try:
        for piece in pieces(response):
            body += piece
            if len(body) > largest:
                raise SourceChanged("its answer is larger than any that it should give")
    except httpx2.HTTPError as error:
        if not overdue(error):
            raise
        raise SourceError(ENDLESS, body=bytes(body)) from None
    return bytes(body)
