"""Deletions: tombstones first, then what they name.

A tombstone stands before anything is removed. Whoever wrote a post at that moment looks for new
tombstones after its documents are written and before its batch counts; if it is killed in
between, :func:`reapply` finds the document. A twin's document is found when the batch comes again.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice

from ingest.records import Post
from pipelines.records import Collected, CollectedTombstone
from pipelines.stores.elasticsearch import documents, inputs, record, twins
from pipelines.stores.elasticsearch.address import is_hash, short
from pipelines.stores.elasticsearch.indices import PAGE, Indices, Seen, Write
from pipelines.stores.elasticsearch.record import PostDocument, read_document
from pipelines.stores.raw_names import raw_names
from pipelines.stores.twins import Keys, Mark, by_name, leading, marks, refused_by
from pipelines.stores.twins import names as mark_names

_ACCOUNTS = 50
#: Names of tombstones, there or not, that a writer remembers before it begins anew.
_REMEMBERED = 100_000
#: What :func:`.inputs.deletions` returns where there never was a tombstone.
NEVER = -1
#: What tells of tombstones before any is asked for: documents of the state.
TOLD = (inputs.DELETIONS, *inputs.MARK_KEYS.values())
#: Kind (``id``, ``author``, or ``id`` of a mark: :mod:`pipelines.stores.twins`) and name.
Named = tuple[str, str]


class Tombstones:
    """What is known of tombstones as long as none were written. For one thread."""

    def __init__(self, indices: Indices) -> None:
        self._indices = indices
        self._deletions = -1
        self._known: dict[str, bool] = {}
        self._keys: Keys = {}

    def learn(self, state: Mapping[str, Seen]) -> int:
        """Take in the documents :data:`TOLD`; return :func:`.inputs.deletions_of`."""
        self._keys = inputs.mark_keys(state)
        return inputs.deletions_of(state.get(inputs.DELETIONS))

    def look(self) -> int:
        """Read these documents, and take them in."""
        return self.learn(self._indices.get_many(self._indices.state, TOLD))

    def naming(self, posts: Mapping[int, Collected], deletions: int) -> dict[int, set[str]]:
        """Return those of some posts that tombstones name, or their twins, with the tombstones.

        ``deletions`` is :func:`.inputs.deletions_of` before this: of the same moment or earlier.
        """
        if deletions == NEVER:
            return {}
        if deletions != self._deletions:
            self._deletions, self._known = deletions, {}
        # Before anything is taken as known: what is forgotten here has to be asked for again.
        if len(self._known) > _REMEMBERED:
            self._known = {}
        wanted = {number: self._names_of(one) for number, one in posts.items()}
        new = {name for names in wanted.values() for name in names} - self._known.keys()
        if new:
            found = self._indices.get_many(self._indices.tombstones, new)
            self._known.update((name, name in found) for name in new)
        there = {
            number: {name for name in names if self._known[name]}
            for number, names in wanted.items()
        }
        return {number: named for number, named in there.items() if named}

    def refused(self, posts: Sequence[Collected]) -> list[str]:
        """Return the ids of those posts that a tombstone names."""
        return [posts[n].post.id for n in self.naming(dict(enumerate(posts)), self.look())]

    def _names_of(self, collected: Collected) -> list[str]:
        """Return the tombstones that would delete a post or its twin, there or not."""
        signs = mark_names(refused_by(collected.post, self._keys), self._keys)
        return [*names_of(collected), *(tombstone_id("id", name) for name in signs)]


def tombstone_id(kind: str, name: str) -> str:
    """Return the id of a tombstone."""
    return short(f"{kind}:{name}")


def names_of(collected: Collected) -> tuple[str, ...]:
    """Return the tombstones that would delete a post, whether they are there or not."""
    kinds = [("id", name) for name in collected.ids]
    kinds += [("author", name) for name in collected.authors]
    return tuple(tombstone_id(kind, name) for kind, name in kinds)


def named(tombstones: Sequence[CollectedTombstone]) -> tuple[Named, ...]:
    """Return everything that tombstones name, each once, aliases last."""
    tombstones = _naming(tombstones)
    chosen = list(dict.fromkeys(_own(one) for one in tombstones))
    aliases = [(_own(one)[0], alias) for one in tombstones for alias in one.aliases]
    return tuple(dict.fromkeys([*chosen, *aliases]))


def unknown(indices: Indices, tombstones: Sequence[CollectedTombstone]) -> int:
    """Return for how many of these deletions there is no tombstone yet."""
    wanted = {tombstone_id(*_own(one)) for one in _naming(tombstones)}
    return len(wanted) - len(indices.get_many(indices.tombstones, wanted))


def apply(indices: Indices, tombstones: Sequence[CollectedTombstone]) -> int:
    """Write tombstones, delete what they name, and return how many posts that were.

    What is stored under their raw names goes too; these names are in no tombstone. Doing it
    again does nothing.
    """
    names = named(tombstones)
    ids = [short(name) for kind, name in names if kind == "id"]
    found = write(indices, names) if names else {}
    raw = live(indices, _stored_raw(indices, tombstones))
    found |= _reach(indices, [("id", document.id) for document in raw.values()])
    # The last links of a chain first: killed in between, doing it again still finds the others.
    return erase(indices, reversed(found)) + erase(indices, [*ids, *raw])


def write(indices: Indices, names: Sequence[Named], refused: Sequence[Post] = ()) -> dict[str, str]:
    """Write tombstones; return all posts that they reach unnamed: document and post id.

    These are the posts of the authors and what repeats any of them. They get tombstones of their
    own, since what repeats them may come later, from anybody. So do their twins, and the words
    of all of them. Doing it again does nothing, and finds those that are not deleted yet.
    """
    _put(indices, names)
    return _reach(indices, names, refused)


def refuse(
    indices: Indices, posts: Sequence[Post], tombstones: Sequence[CollectedTombstone]
) -> list[str]:
    """Write tombstones of what came after its deletion, of its twins and what these reach.

    Returns the documents to delete. Doing it again finds those that are not deleted yet.
    """
    names = named(tombstones)
    _put_missing(indices, names)
    own = [short(name) for kind, name in names if kind == "id"]
    return [*own, *_reach(indices, names, posts)]


def _reach(
    indices: Indices, names: Sequence[Named], refused: Sequence[Post] = ()
) -> dict[str, str]:
    """Write tombstones of what these names reach, and of all twins; return all of it."""
    found = _spread(indices, names) if names else {}
    own = {short(name) for kind, name in names if kind == "id"}
    new, posts = own | found.keys(), list(refused)
    while new or posts:
        posts += _posts(live(indices, new))
        posts = leading(posts, partial(_known, indices))
        signs = [("id", name) for name in twins.mark_names(indices, posts)]
        _put_missing(indices, signs)
        more = {
            one: name
            for one, name in twins.find(indices, posts).items()
            if one not in found and one not in own
        }
        named = [("id", name) for name in more.values()]
        _put(indices, named)
        more |= _spread(indices, named) if named else {}
        new, posts = more.keys() - found.keys() - own, []
        found |= more
    return found


def _known(indices: Indices, some: Iterable[Mark]) -> set[Mark]:
    """Return those of some marks that deletions have left."""
    keys = inputs.mark_keys(indices.get_many(indices.state, inputs.MARK_KEYS.values()))
    ids = {tombstone_id("id", name): one for name, one in by_name(some, keys).items()}
    return {ids[one] for one in indices.get_many(indices.tombstones, ids)}


def _put_missing(indices: Indices, names: Sequence[Named]) -> None:
    """Write tombstones of what has none yet, and tell other writers of all of them."""
    wanted = {tombstone_id(*one): one for one in names}
    known = indices.get_many(indices.tombstones, wanted)
    missing = [one for name, one in wanted.items() if name not in known]
    if missing:
        _put(indices, missing)
    elif wanted:
        # Who wrote them may have been killed before telling, or be about to.
        inputs.note_deletion(indices)


def _spread(indices: Indices, names: Sequence[Named]) -> dict[str, str]:
    """Write tombstones of what these names reach, and so on; return all of it.

    They get none themselves: they have some, or are raw account names.
    """
    found: dict[str, str] = {}
    own = {short(name) for kind, name in names if kind == "id"}
    while new := {
        one: name for one, name in _reached(indices, names) if one not in found and one not in own
    }:
        found |= new
        names = [("id", name) for name in new.values() if name]
        _put(indices, names)
    return found


def live(indices: Indices, ids: Iterable[str]) -> dict[str, PostDocument]:
    """Return those of these documents that hold a post."""
    read = {
        one: read_document(seen.source)
        for one, seen in indices.get_many(indices.posts, ids).items()
    }
    return {one: document for one, document in read.items() if document.live}


def _posts(documents: Mapping[str, PostDocument]) -> list[Post]:
    return [post for document in documents.values() for post in twins.contents(document)]


def _put(indices: Indices, names: Sequence[Named]) -> None:
    if not names:
        return
    # Before the tombstones, since where this note is missing nobody looks for any.
    inputs.note_deletion(indices)
    at = int(time.time())
    bodies = {
        tombstone_id(kind, name): {"kind": kind, "name": name, "at": at} for kind, name in names
    }
    indices.bulk(
        [Write(indices.tombstones, one, body, create=True) for one, body in bodies.items()]
    )
    # Between the tombstones and the search: a post written before this is found by it,
    # a later writer sees the change and looks for tombstones again.
    inputs.note_deletion(indices)


def reached(indices: Indices, tombstones: Sequence[CollectedTombstone]) -> set[str]:
    """Return the ids of the posts that deletions would remove; writes nothing."""
    names: Sequence[Named] = named(tombstones)
    own = [short(name) for kind, name in names if kind == "id"]
    own += _stored_raw(indices, tombstones)
    new = live(indices, own)
    found: dict[str, str] = {}
    left: set[Mark] = set()
    while new or names:
        found |= {one: document.id for one, document in new.items()}
        posts = leading(_posts(new), partial(_known, indices), left)
        left |= marks(posts)
        names = [*names, *(("id", document.id) for document in new.values())]
        more = {*dict(_reached(indices, names)), *twins.find(indices, posts)}
        new, names = live(indices, more - found.keys()), ()
    return set(found.values())


def erase(indices: Indices, ids: Iterable[str]) -> int:
    """Make stubs of documents; return how many were none before."""
    changed = documents.change(
        indices, ids, lambda _, found: record.stub(found) if found.live else None
    )
    return len(changed)


def _stored_raw(indices: Indices, tombstones: Sequence[CollectedTombstone]) -> list[str]:
    """Return the documents that are stored under the raw account names of deletions."""
    plain = raw_names(tombstones)
    if not plain:
        return []
    ids = [short(name) for name in plain.ids]
    if plain.accounts:
        indices.refresh(indices.posts)
    written = sorted({name for _, name in plain.accounts})
    for start in range(0, len(written), _ACCOUNTS):
        spellings = list(_spellings(written[start : start + _ACCOUNTS]))
        body = {
            "query": {"bool": {"should": spellings}},
            "sort": [{"_shard_doc": "asc"}],
            "source_includes": ["author", "waiting_author"],
        }
        for hit in indices.walk(indices.posts, body):
            name, authors = hit["_id"], hit["_source"].values()
            if is_hash(name) or any(plain.written_by(name, author) for author in authors):
                ids.append(name)
    return ids


def reapply(indices: Indices, since: float) -> int:
    """Delete what the tombstones written since then (seconds) name and was not deleted yet.

    That is what a writer left that was killed between its documents and its look for tombstones.
    Not found are twins that it left: a mark tells neither their ids nor their second. They go
    when the batch comes again, as it did not count.
    """
    body = {
        "query": {"range": {"at": {"gte": int(since)}}},
        "sort": [{"_shard_doc": "asc"}],
    }
    indices.refresh(indices.tombstones)
    found = 0
    hits = indices.walk(indices.tombstones, body)
    while page := [(hit["_source"]["kind"], hit["_source"]["name"]) for hit in islice(hits, PAGE)]:
        # Who wrote them may have been killed before telling other writers.
        inputs.note_deletion(indices)
        ids = [short(name) for kind, name in page if kind == "id"]
        found += erase(indices, [*ids, *_reach(indices, page)])
    return found


def _naming(tombstones: Sequence[CollectedTombstone]) -> list[CollectedTombstone]:
    """Return those that name something: without a name, all posts without an author would go."""
    return [one for one in tombstones if one.tombstone.id or one.tombstone.author]


def _own(collected: CollectedTombstone) -> Named:
    tombstone = collected.tombstone
    return ("id", tombstone.id) if tombstone.id else ("author", tombstone.author)


def _spellings(accounts: Sequence[str]) -> Iterator[dict[str, object]]:
    for account in accounts:
        for sign in ("", "@", "＠"):
            # The server ignores the case of ASCII letters only: the others' forms are named.
            for name in {account, account.upper(), account.title()}:
                for field in ("author", "waiting_author"):
                    value = {"value": short(sign + name), "case_insensitive": True}
                    yield {"term": {field: value}}


def _reached(indices: Indices, names: Sequence[Named]) -> Iterator[tuple[str, str]]:
    """Yield the posts of the authors among these names, and what repeats a post or author."""
    # What was written before the tombstone stood must be found; what comes later sees it.
    indices.refresh(indices.posts)
    for start in range(0, len(names), PAGE):
        some = names[start : start + PAGE]
        authors = [short(name) for kind, name in some if kind == "author"]
        fields = {
            "author": authors,
            "waiting_author": authors,
            "repeats": [short(name) for _, name in some],
        }
        either = [{"terms": {field: values}} for field, values in fields.items() if values]
        body = {
            "query": {"bool": {"should": either}},
            "sort": [{"_shard_doc": "asc"}],
            "source_includes": ["id"],
        }
        for hit in indices.walk(indices.posts, body):
            yield hit["_id"], hit["_source"]["id"]
