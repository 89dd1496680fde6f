"""The bytes of a feed, before it is parsed: one encoding, and no markup without end.

feedparser reads what is no valid XML by a parser of its own, in time that grows with the square
of the number of elements that are open at once. A feed of a few kilobytes could hold a source
for hours, so such a feed is refused.
"""

from __future__ import annotations

import codecs
import re
from typing import Final

from ingest.errors import SourceChanged

#: Bytes of a feed that is read; the largest seen have about 2 MB.
LARGEST: Final = 5_000_000
#: Elements open at once, or not closed at all. Feeds have about ten; the HTML inside some more.
DEEPEST: Final = 5_000
_WIDE = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"<\0?\0", "utf-16-le"),
    (b"\0<\0?", "utf-16-be"),
)
_DECLARED = re.compile(r"(<\?xml[^>]*?)\s+encoding\s*=\s*(?:\"[^\"]*\"|'[^']*')")
_TAG = re.compile(rb"<(?:([a-zA-Z/!?])[^<>]*+(>)?)?")
_VOID = re.compile(rb"<(?:br|hr|img|input|meta|col|wbr|source)\b", re.IGNORECASE)


def as_utf8(body: bytes, content_type: str) -> tuple[bytes, str]:
    """Return a feed of two or four bytes a character as UTF-8, with its content type.

    Its own bytes count more than what the server says, which knows only about one-byte letters.
    """
    for mark, encoding in _WIDE:
        if body.startswith(mark):
            text = body.decode(encoding, "replace")
            kind = content_type.partition(";")[0].strip() or "application/xml"
            return _DECLARED.sub(r"\1", text, count=1).encode(), f"{kind}; charset=utf-8"
    return body, content_type


def refuse_endless(body: bytes) -> None:
    """Raise :class:`~ingest.errors.SourceChanged` for a feed that is too large or too deep."""
    if len(body) > LARGEST:
        raise SourceChanged(f"the feed is larger than {LARGEST // 1_000_000} MB", body=body)
    depth = unclosed = 0
    for tag in _TAG.finditer(_without_sections(body)):
        first, closed = tag.groups()
        if not closed:
            unclosed += 1
        elif first == b"/":
            depth = max(0, depth - 1)
        elif first not in b"!?" and not tag[0].endswith(b"/>") and not _VOID.match(tag[0]):
            depth += 1
        if max(depth, unclosed) > DEEPEST:
            raise SourceChanged("its elements are nested without end", body=body)


def _without_sections(body: bytes) -> bytes:
    """Return a feed without comments and sections of text, in which tags mean nothing."""
    for opening, closing in ((b"<![CDATA[", b"]]>"), (b"<!--", b"-->")):
        parts, at = [], 0
        while (begin := body.find(opening, at)) >= 0:
            end = body.find(closing, begin)
            if end < 0:
                break
            parts.append(body[at:begin])
            at = end + len(closing)
        body = b"".join([*parts, body[at:]])
    return body
