"""The encoding of a feed that names none, or a wrong one."""

from __future__ import annotations

import re

from ingest.sources.archive import encodings

_DECLARED = re.compile(rb"<\?xml[^>]*\bencoding\s*=\s*[\"']([\w.:-]+)[\"'][^>]*\?>")
_DECLARATION = re.compile(r"<\?xml[^>]*\?>")


def with_guessed_encoding(body: bytes, content_type: str) -> tuple[bytes, str]:
    """Return a feed whose encoding nobody names, or names wrongly, in UTF-8.

    feedparser guesses by the letters of the West alone. A named encoding counts as long as the
    bytes are valid in it.
    """
    if encodings.mark_of(body)[0] or body.isascii():
        return body, content_type
    said = content_type.partition("charset=")[2].strip("\"' ;")
    named = said.encode("ascii", "replace") or next(iter(_DECLARED.findall(body[:500])), b"utf-8")
    try:
        body.decode(named.decode())
    except (LookupError, UnicodeDecodeError):
        guessed = encodings.detect(_text_alone(body))
        text = body.decode(guessed, "replace")
        text = _DECLARATION.sub('<?xml version="1.0" encoding="utf-8"?>', text, count=1)
        return text.encode(), f"{content_type.partition(';')[0]}; charset=utf-8"
    return body, content_type


def _text_alone(body: bytes) -> bytes:
    """Return what stands between the tags of a feed, so that names of tags don't count as text."""
    return (
        b"\n".join(part for part in re.findall(rb">([^<]+)<", body) if not part.isascii()) or body
    )
