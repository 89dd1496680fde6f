"""What platforms answer, read as archives of the same platforms are: numbers as written."""

from __future__ import annotations

import json
from datetime import UTC
from typing import Any

import msgspec

from ingest.errors import SourceChanged
from ingest.http.client import refuse_walls
from ingest.mapping.items import Seen, reject
from ingest.mapping.objects import Bad, parse_object
from ingest.mapping.posts import Frame, build
from ingest.mapping.tool import Fields, Record, filled
from ingest.records import Post, Reject


def parsed(body: bytes) -> Record:
    """Return the JSON object of an answer.

    Raises :class:`~ingest.errors.SourceBlocked` for a page that wants a login or a human, and
    :class:`~ingest.errors.SourceChanged` for anything else that is no object.
    """
    try:
        return parse_object(body)
    except Bad:
        refuse_walls(body)
        raise SourceChanged("it answered something else than a JSON object", body=body) from None


def outcome(fields: Fields, record: Record, seen: Seen) -> Post | Reject:
    """Return the post that an archive's module sees in a record, or the dead letter."""
    frame = Frame(dataset="", platform="", platform_first=False, zone=UTC, styles={}, now=seen.now)
    try:
        post = build(filled(fields), frame)
    except Bad as bad:
        return reject(bad.reason, written(record))
    return msgspec.structs.replace(post, source=seen.source, collected_at=None)


def written(record: Any) -> bytes:
    """Return a part of an answer as JSON, for a dead letter."""
    return json.dumps(record, ensure_ascii=False).encode("utf-8", "surrogatepass")
