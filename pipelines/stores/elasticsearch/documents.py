"""A scored post as the index holds it, and back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from ingest.records import Post, Target
from pipelines.records import Document, Hit
from pipelines.stores.elasticsearch.names import short

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ENCODER = msgspec.json.Encoder(order="deterministic")
#: What a hit is read from.
HIT = ("post", "day")


def document_json(document: Document) -> bytes:
    """Return a document's source: the same bytes whenever the same document is indexed."""
    return _ENCODER.encode(_source(document))


def hit_of(source: Any) -> Hit:
    """Return what a search found."""
    return Hit(msgspec.convert(source["post"], Post), source.get("day", ""))


def _source(document: Document) -> dict[str, Any]:
    post = document.post
    source: dict[str, Any] = {
        "id": post.id,
        "platform": short(post.platform),
        "author": short(post.author),
        "source": short(post.source),
        "language": post.language,
        "flags": post.flags,
        "model": short(post.model),
        "tokens": document.tokens,
        "keys": document.keys,
        "variants": document.variants,
        "post": post,
    }
    if document.day:
        source |= {"day": document.day, "hour": document.hour}
    if document.day and post.created_at is not None:
        delta = post.created_at - _EPOCH
        source["created"] = (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds
        source["created_at"] = post.created_at.astimezone(UTC).isoformat()
    if score := post.sentiment:
        source |= {
            "label": score.label,
            "negative": score.negative,
            "neutral": score.neutral,
            "positive": score.positive,
        }
    found: dict[str, Target | None] = dict.fromkeys(post.entities)
    found.update((target.entity, target) for target in post.targets)
    source["entities"] = sorted(found)
    targets = [target for target in found.values() if target is not None]
    source["attitudes"] = [f"{target.entity}={target.label}" for target in targets]
    source["targets"] = [_target(target, document) for target in targets]
    return source


def _target(target: Target, document: Document) -> dict[str, Any]:
    # With the post's day and language, since sums are made within the nested documents.
    result = {**msgspec.structs.asdict(target), "language": document.post.language}
    if document.day:
        result |= {"day": document.day, "hour": document.hour}
    return result
