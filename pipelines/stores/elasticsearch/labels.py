"""Labels that people gave to posts: a document of the state index for each labelled post."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from pipelines.query import All, Node
from pipelines.records import Hit, HumanLabel
from pipelines.stores.elasticsearch import inputs
from pipelines.stores.elasticsearch.address import short
from pipelines.stores.elasticsearch.indices import Write
from pipelines.stores.elasticsearch.read import Answers
from pipelines.stores.labels import matched, queries


class _Labelled(msgspec.Struct, frozen=True):
    post: str
    labels: list[HumanLabel]


class Labelling(Answers):
    """What :class:`~pipelines.stores.protocols.Labels` asks."""

    def put_labels(self, labels: Sequence[HumanLabel]) -> int:
        """Store labels; see :meth:`pipelines.stores.protocols.Labels.put_labels`."""
        self._writing()
        there = self._there({label.post: None for label in labels})
        taken = [label for label in labels if label.post in there]
        given: dict[str, list[HumanLabel]] = {}
        for label in taken:
            given.setdefault(label.post, []).append(label)
        names = {_name(post): post for post in given}
        while names:  # again where somebody else changed a document meanwhile
            found = self.indices.get_many(self.indices.state, names)
            writes = []
            for name, post in names.items():
                seen = found.get(name)
                before = msgspec.convert(seen.source["body"], _Labelled).labels if seen else []
                merged = {(label.coder, label.aspect): label for label in [*before, *given[post]]}
                body = _Labelled(post, [merged[key] for key in sorted(merged)])
                document = {"kind": "label", "body": body}
                writes.append(
                    Write(self.indices.state, name, document, create=seen is None, seen=seen)
                )
            results = zip(writes, self.indices.bulk(writes), strict=True)
            names = {write.id: names[write.id] for write, result in results if result.conflict}
        self.indices.refresh(self.indices.state)  # who deletes a post must find its labels
        return len(taken)

    def labelled(self, query: Node) -> list[tuple[Hit, list[HumanLabel]]]:
        """Return labelled posts that match; see :meth:`.protocols.Labels.labelled`."""
        found = self._labels()
        return matched(self._among(query, found), found)

    def _labels(self) -> dict[str, list[HumanLabel]]:
        found = (msgspec.convert(one, _Labelled) for one in inputs.notices(self.indices, "label"))
        return {one.post: one.labels for one in found}

    def _among(self, query: Node, posts: Mapping[str, object]) -> Iterator[Hit]:
        return (hit for part in queries(query, posts) for hit in self.scan(part))

    def _there(self, posts: Mapping[str, object]) -> set[str]:
        return {hit.post.id for hit in self._among(All(), posts)}

    def _remove_labels(self) -> None:
        """Remove the labels of posts that were deleted."""
        if found := self._labels():
            gone = found.keys() - self._there(found)
            self.indices.bulk([Write(self.indices.state, _name(post), None) for post in gone])


def _name(post: str) -> str:
    return short(f"label:{post}")
