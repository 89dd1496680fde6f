"""Inputs, notices and counts: the documents of the state index that the ledger is made of.

Each input has one document: its position, its counters, and which batches were applied. It is
written last of all that a batch writes, by compare-and-set, so the batch counts from then on.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC
from typing import Any

import msgspec

from ingest.records import Counter, Gap, Heartbeat
from pipelines.records import DeadLetter, Position
from pipelines.stores.elasticsearch.address import short
from pipelines.stores.elasticsearch.checkpoints import Epoch
from pipelines.stores.elasticsearch.indices import Indices, Seen, Write
from pipelines.stores.twins import KINDS, Keys, Kind, new_key

#: The document that is written whenever tombstones were.
DELETIONS = "deletions"
#: The documents of the keys of marks (:mod:`pipelines.stores.twins`), by their kind.
MARK_KEYS: dict[Kind, str] = {kind: f"marks:{kind}" for kind in KINDS}
_ENCODER = msgspec.json.Encoder(order="deterministic")


class Input(msgspec.Struct, kw_only=True):
    """One input: how far it was read and what became of its records.

    Posts that were accepted are counted by their documents.
    """

    position: Position
    order: int
    """When it was first seen (milliseconds), for listings."""
    duplicate: int = 0
    filtered: int = 0
    deleted: int = 0
    dead: int = 0
    reasons: dict[str, int] = {}
    """Dead records by reason."""
    epochs: tuple[Epoch, ...] = ()
    token: str = ""
    """The last batch that was applied, and by whom."""


def order_now() -> int:
    """Return a number that grows with time and leaves room to count up within a batch."""
    return time.time_ns() // 1_000_000 * 100_000


def input_id(key: str) -> str:
    """Return the id of an input's document."""
    return short(f"input:{key}")


def input_of(seen: Seen) -> Input:
    """Return an input from its document."""
    kept = {name: value for name, value in seen.source.items() if name not in {"kind", "body"}}
    return msgspec.convert({**kept, **seen.source["body"]}, Input)


def read_input(indices: Indices, key: str) -> tuple[Input, Seen] | None:
    """Return an input as it is now."""
    seen = indices.get(indices.state, input_id(key))
    return None if seen is None else (input_of(seen), seen)


def inputs(indices: Indices) -> Iterator[Input]:
    """Yield all inputs in the order they were first seen."""
    body = {
        "query": {"term": {"kind": "input"}},
        "sort": [{"order": "asc"}, {"_shard_doc": "asc"}],
        "seq_no_primary_term": True,
    }
    for hit in indices.walk(indices.state, body):
        yield input_of(Seen(hit["_source"], 0, 0, hit["_index"]))


def save(indices: Indices, one: Input, seen: Seen | None) -> bool:
    """Write an input's document, only if it is as it was seen (or not there); say whether."""
    counters = {name: getattr(one, name) for name in ("duplicate", "filtered", "deleted", "dead")}
    body = {
        "position": one.position,
        "reasons": one.reasons,
        "epochs": one.epochs,
        "token": one.token,
    }
    write = Write(
        indices.state,
        input_id(one.position.key),
        {"kind": "input", "order": one.order, "body": body, **counters},
        create=seen is None,
        seen=seen,
    )
    return not indices.bulk([write])[0].conflict


def note(
    indices: Indices,
    notices: Sequence[Gap | Heartbeat | Counter],
    retried: Sequence[DeadLetter],
) -> None:
    """Write notices, and what takes dead letters off the ledger that were tried again.

    What is there already stays: the same notice is one, and a letter is taken off once.
    """
    writes: dict[str, Write] = {}
    for one in notices:
        name, document = _notice(one)
        writes.setdefault(name, Write(indices.state, name, document, create=True))
    for letter in retried:
        name = short(f"retried:{letter.line}:{letter.origin}")
        document = {"kind": "retried", "dead": -1, "reason": letter.reason}
        writes.setdefault(name, Write(indices.state, name, document, create=True))
    indices.bulk(list(writes.values()))


def retried(indices: Indices) -> dict[str, int]:
    """Return how many dead letters left the ledger since they were tried again, by reason."""
    body = {
        "query": {"term": {"kind": "retried"}},
        "size": 0,
        "aggs": {"reasons": {"terms": {"field": "reason", "size": 10_000}}},
    }
    found = indices.search(indices.state, body)["aggregations"]["reasons"]["buckets"]
    return {bucket["key"]: bucket["doc_count"] for bucket in found}


def notices(indices: Indices, kind: str) -> Iterator[Any]:
    """Yield the bodies of all notices of one kind, oldest first."""
    body = {"query": {"term": {"kind": kind}}, "sort": [{"at": "asc"}, {"_shard_doc": "asc"}]}
    for hit in indices.walk(indices.state, body):
        yield hit["_source"]["body"]


def note_deletion(indices: Indices) -> None:
    """Note that tombstones were written: :func:`deletions_of` is another from now on."""
    indices.bulk([Write(indices.state, DELETIONS, {"kind": "deletions"})])


def deletions_of(seen: Seen | None) -> int:
    """Return a number that is another one whenever tombstones were written; -1 if never."""
    return -1 if seen is None else seen.seq_no


def deletions(indices: Indices) -> int:
    """Return :func:`deletions_of` as it is now."""
    return deletions_of(indices.get(indices.state, DELETIONS))


def count_deletions(indices: Indices, token: str, count: int) -> None:
    """Count tombstones that no input brought."""
    document = {"kind": "deletion", "deleted": count}
    indices.bulk([Write(indices.state, f"deletion:{token}", document)])


def mark_keys(found: Mapping[str, Seen]) -> Keys:
    """Return the keys of the marks that were written so far, from their documents."""
    return {
        kind: [bytes.fromhex(found[name].source["body"]["key"])]
        for kind, name in MARK_KEYS.items()
        if name in found
    }


def settle_mark_keys(indices: Indices, kinds: Iterable[Kind]) -> Keys:
    """Make keys of these kinds where there are none yet, and return those in force."""
    wanted = [MARK_KEYS[kind] for kind in kinds]
    found = indices.get_many(indices.state, wanted)
    missing = [name for name in wanted if name not in found]
    if not missing:
        return mark_keys(found)
    documents = {name: {"kind": "marks", "body": {"key": new_key().hex()}} for name in missing}
    indices.bulk(
        [Write(indices.state, name, body, create=True) for name, body in documents.items()]
    )
    return mark_keys(indices.get_many(indices.state, wanted))


def totals(indices: Indices, index: str, fields: Iterable[str]) -> dict[str, int]:
    """Return the sums of some fields over an index."""
    aggs = {name: {"sum": {"field": name}} for name in fields}
    found = indices.search(index, {"size": 0, "track_total_hits": False, "aggs": aggs})
    return {name: int(one["value"]) for name, one in found["aggregations"].items()}


def _notice(notice: Gap | Heartbeat | Counter) -> tuple[str, object]:
    """Return the id and the document of a notice: the same whenever it comes."""
    at = (notice.start if isinstance(notice, Gap) else notice.at).astimezone(UTC).isoformat()
    kind = type(notice).__name__.lower()
    # Of the same source, page, metric and time the first reading stays.
    identity = (
        _ENCODER.encode([notice.source, notice.page, notice.metric, at])
        if isinstance(notice, Counter)
        else _ENCODER.encode(notice)
    )
    name = f"{kind}:{hashlib.blake2b(identity, digest_size=16).hexdigest()}"
    return name, {"kind": kind, "at": at, "body": notice}
