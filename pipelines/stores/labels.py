"""Which labels still belong to the posts that a store returns; the same for every store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from pipelines.query import Node, all_of, only
from pipelines.records import Hit, HumanLabel

#: Ids in one query.
CHUNK = 400


def queries(query: Node, labels: Mapping[str, object]) -> Iterator[Node]:
    """Yield queries that together find the labelled posts among those that match."""
    ids = sorted(labels)
    for start in range(0, len(ids), CHUNK):
        yield all_of(query, only("id", *ids[start : start + CHUNK]))


def matched(
    hits: Iterable[Hit], labels: Mapping[str, Sequence[HumanLabel]]
) -> list[tuple[Hit, list[HumanLabel]]]:
    """Return hits with their labels, by id; without labels of an earlier content."""
    found = []
    for hit in sorted(hits, key=lambda hit: hit.post.id):
        own = [
            label for label in labels.get(hit.post.id, ()) if label.digest in {"", hit.post.digest}
        ]
        if own:
            found.append((hit, own))
    return found
