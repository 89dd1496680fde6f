"""Labels that people gave to posts: one document for each labelled post, in an index of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from pipelines.errors import StoreError
from pipelines.records import HumanLabel
from pipelines.stores.elasticsearch.server import Server

_MAPPINGS = {
    "_meta": {"marsad": {"schema": 1, "holds": "labels"}},
    "dynamic": "strict",
    "properties": {
        "post": {"type": "keyword"},
        "labels": {"type": "object", "enabled": False},
    },
}
#: Documents of one request.
_PAGE = 1_000


def index_of(prefix: str) -> str:
    """Return the name of the index that holds a store's labels."""
    return f"{prefix}-labels"


def put(server: Server, prefix: str, known: Iterable[str], labels: Sequence[HumanLabel]) -> int:
    """Store labels of the posts that are ``known`` to be there; return how many these are."""
    index = index_of(prefix)
    if not server.do(lambda es: es.indices.exists(index=index)):
        settings = {"number_of_shards": 1, "auto_expand_replicas": "0-1"}
        server.do(lambda es: es.indices.create(index=index, mappings=_MAPPINGS, settings=settings))
    there = set(known)
    taken = [label for label in labels if label.post in there]
    before = read(server, prefix)
    merged: dict[str, dict[tuple[str, str], HumanLabel]] = {}
    for label in taken:
        own = merged.setdefault(
            label.post, {(one.coder, one.aspect): one for one in before.get(label.post, ())}
        )
        own[label.coder, label.aspect] = label
    ids = sorted(merged)
    for start in range(0, len(ids), _PAGE):
        operations: list[Any] = []
        for name in ids[start : start + _PAGE]:
            listed = [merged[name][key] for key in sorted(merged[name])]
            operations.append({"index": {"_index": index, "_id": name}})
            operations.append({"post": name, "labels": msgspec.to_builtins(listed)})
        _bulk(server, operations)
    return len(taken)


def read(server: Server, prefix: str) -> dict[str, list[HumanLabel]]:
    """Return all labels by the ids of their posts."""
    found: dict[str, list[HumanLabel]] = {}
    after: list[Any] | None = None
    while True:
        answer = server.do(
            lambda es, after=after: es.search(  # type: ignore[misc]
                index=index_of(prefix),
                ignore_unavailable=True,
                query={"match_all": {}},
                sort=[{"post": "asc"}],
                size=_PAGE,
                search_after=after,
            )
        )
        hits = answer["hits"]["hits"]
        for hit in hits:
            source = hit["_source"]
            found[source["post"]] = msgspec.convert(source["labels"], list[HumanLabel])
        if len(hits) < _PAGE:
            return found
        after = hits[-1]["sort"]


def remove_orphans(
    server: Server, prefix: str, labels: Mapping[str, object], there: set[str]
) -> None:
    """Remove the labels of posts that are not there any more."""
    gone = sorted(set(labels) - there)
    for start in range(0, len(gone), _PAGE):
        part = gone[start : start + _PAGE]
        _bulk(server, [{"delete": {"_index": index_of(prefix), "_id": name}} for name in part])


def _bulk(server: Server, operations: Sequence[Any]) -> None:
    answer = server.do(lambda es: es.bulk(operations=operations, refresh=True))
    failed = [one for item in answer["items"] for one in item.values() if one.get("error")]
    if failed:
        raise StoreError(
            f"{server.url} did not take the labels ({failed[0]['error'].get('reason', '')}): "
            "see its log, then repeat the command."
        )
