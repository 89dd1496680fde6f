"""Deletions: tombstones first, then what they name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from pipelines.records import Collected, CollectedTombstone
from pipelines.stores.elasticsearch import books, heads, months
from pipelines.stores.elasticsearch.heads import Head, head_json, read_head, stone_id, tombstones_of
from pipelines.stores.elasticsearch.names import Address, is_hash, short
from pipelines.stores.elasticsearch.requests import Write, bulk, get, get_many, walk
from pipelines.stores.elasticsearch.server import Server
from pipelines.stores.plain import plain_names

_AUTHORS = 1_000
_ACCOUNTS = 50


def named(tombstones: Sequence[CollectedTombstone]) -> tuple[tuple[str, str], ...]:
    """Return kind and name of everything that tombstones name, each once, aliases last."""
    tombstones = _naming(tombstones)
    chosen = list(dict.fromkeys(_own(c) for c in tombstones))
    aliases = [(_own(c)[0], alias) for c in tombstones for alias in c.aliases]
    return tuple(dict.fromkeys([*chosen, *aliases]))


def unknown(server: Server, names: Address, tombstones: Sequence[CollectedTombstone]) -> int:
    """Return for how many of these deletions there is no tombstone yet."""
    wanted = {stone_id(*_own(c)) for c in _naming(tombstones)}
    return len(wanted) - len(get_many(server, names.tombstones, wanted))


def buried(server: Server, names: Address, wanted: Iterable[str]) -> set[str]:
    """Return those of these tombstones (ids of :func:`stone_id`) that are there now."""
    return set(get_many(server, names.tombstones, wanted))


def hitting(posts: Iterable[Collected]) -> list[tuple[str, ...]]:
    """Return for each post the tombstones that would hit it, there or not."""
    return [
        tombstones_of((c.post.id, *c.aliases), (c.post.author, *c.author_aliases)) for c in posts
    ]


def refused(server: Server, names: Address, posts: Sequence[Collected]) -> list[str]:
    """Return the ids of those posts that a tombstone names."""
    if get(server, names.books, books.DELETIONS) is None:
        return []  # there never was a tombstone
    stones = hitting(posts)
    there = buried(server, names, {name for some in stones for name in some})
    return [c.post.id for c, some in zip(posts, stones, strict=True) if not there.isdisjoint(some)]


def bury(server: Server, names: Address, stones: Sequence[tuple[str, str]]) -> int:
    """Write tombstones, remove the posts they name, and return how many those were.

    Doing it again does nothing. The tombstone comes first: whoever indexes a post at the same
    time either sees it, or loses the post's head and removes what it wrote.
    """
    if not stones:
        return 0
    doomed = [short(name) for kind, name in stones if kind == "id"]
    doomed += condemn(server, names, stones)
    return erase(server, names, dict.fromkeys(doomed))


def condemn(server: Server, names: Address, stones: Sequence[tuple[str, str]]) -> list[str]:
    """Write tombstones; return the heads' ids of all posts of the authors they name.

    Doing it again does nothing, and finds those that are not removed yet.
    """
    if not stones:
        return []
    # Before the tombstones, since where this note is missing nobody looks for any.
    books.note_deletion(server, names)
    body = {stone_id(*stone): stone for stone in stones}
    bulk(
        server,
        [
            Write(
                names.tombstones,
                name,
                msgspec.json.encode({"kind": kind, "name": text}),
                create=True,
            )
            for name, (kind, text) in body.items()
        ],
    )
    # Between the tombstones and the search: whoever claimed a post before this is found by it,
    # whoever does so later sees the change and looks for tombstones again.
    books.note_deletion(server, names)
    authors = [short(name) for kind, name in stones if kind == "author"]
    return list(_of_authors(server, names, authors))


def erase_plain(server: Server, names: Address, tombstones: Sequence[CollectedTombstone]) -> int:
    """Remove what is stored under the plain names of deletions; return how many posts.

    Doing it again does nothing. These names are in no tombstone, and in no journal.
    """
    plain = plain_names(tombstones)
    if not plain:
        return 0
    doomed = [short(name) for name in plain.ids]
    if plain.accounts:
        server.do(lambda es: es.indices.refresh(index=names.heads))
    written = sorted({name for _, name in plain.accounts})
    for start in range(0, len(written), _ACCOUNTS):
        body = {
            "query": {"bool": {"should": list(_spellings(written[start : start + _ACCOUNTS]))}},
            "sort": [{"_shard_doc": "asc"}],
            "_source": ["author"],
        }
        for hit in walk(server, names.heads, body):
            name, author = hit["_id"], hit["_source"]["author"]
            if plain.written_by(name, author) or is_hash(name):
                doomed.append(name)
    return erase(server, names, dict.fromkeys(doomed))


def erase(server: Server, names: Address, ids: Iterable[str]) -> int:
    """Remove posts by their heads' ids: the waiting text, and documents in every month.

    Returns how many were not removed before. Heads forget their author last, so that whoever
    repeats the deletion of an account after a crash finds those whose documents are left.
    """
    buried: dict[str, Head] = {}

    def bury(name: str, head: Head) -> Head | None:
        buried[name] = heads.bury(head)
        return None if head.state == "buried" else buried[name]

    before = change(server, names, ids, bury)
    months.remove(server, names, buried)
    change(server, names, [name for name, head in buried.items() if head.author], _anonymous)
    return len(before)


def change(
    server: Server,
    names: Address,
    ids: Iterable[str],
    event: Callable[[str, Head], Head | None],
) -> dict[str, Head]:
    """Let an event happen to heads, again where somebody else changed one meanwhile.

    ``event`` gets its name and returns the head after it, None to leave it. Returns the changed
    heads as they were before; after an answer that was lost also those changed already.
    """
    before: dict[str, Head] = {}
    left = list(ids)
    while left:
        seen = get_many(server, names.heads, left)
        writes: list[Write] = []
        for name, found in seen.items():
            head = read_head(found.source)
            after = event(name, head)
            if after is not None:
                before[name] = head
                writes.append(Write(names.heads, name, head_json(after), seen=found))
        results = bulk(server, writes)
        left = [w.id for w, result in zip(writes, results, strict=True) if result.conflict]
    return before


def sweep(server: Server, names: Address) -> None:
    """Remove documents that an indexing process, killed at the wrong moment, left behind.

    It wrote the document of a post that was being deleted and died before it could look. Only
    while nobody indexes.
    """
    body = {
        "query": {
            "bool": {"filter": [{"term": {"state": "buried"}}, {"exists": {"field": "months"}}]}
        },
        "sort": [{"_shard_doc": "asc"}],
    }
    part: dict[str, Head] = {}
    for hit in walk(server, names.heads, body):
        part[hit["_id"]] = read_head(hit["_source"])
        if len(part) >= _AUTHORS:
            _swept(server, names, part)
            part = {}
    _swept(server, names, part)


def _swept(server: Server, names: Address, part: dict[str, Head]) -> None:
    months.remove(server, names, part)
    change(
        server,
        names,
        part,
        lambda _, head: (
            msgspec.structs.replace(head, months=()) if head.state == "buried" else None
        ),
    )


def _anonymous(_: str, head: Head) -> Head | None:
    if head.state != "buried" or not head.author:
        return None
    return msgspec.structs.replace(head, author="")


def _naming(tombstones: Sequence[CollectedTombstone]) -> list[CollectedTombstone]:
    """Return those that name something: without a name, all posts without an author would go."""
    return [one for one in tombstones if one.tombstone.id or one.tombstone.author]


def _own(collected: CollectedTombstone) -> tuple[str, str]:
    stone = collected.tombstone
    return ("id", stone.id) if stone.id else ("author", stone.author)


def _spellings(accounts: Sequence[str]) -> Iterator[dict[str, object]]:
    for account in accounts:
        for sign in ("", "@", "＠"):
            # The server ignores the case of ASCII letters only: the others' forms are named.
            for name in {account, account.upper(), account.title()}:
                value = {"value": short(sign + name), "case_insensitive": True}
                yield {"term": {"author": value}}


def _of_authors(server: Server, names: Address, authors: Sequence[str]) -> Iterator[str]:
    if not authors:
        return
    # What was accepted before the tombstone stood must be found; what comes later sees it.
    server.do(lambda es: es.indices.refresh(index=names.heads))
    for start in range(0, len(authors), _AUTHORS):
        body = {
            "query": {"terms": {"author": list(authors[start : start + _AUTHORS])}},
            "sort": [{"_shard_doc": "asc"}],
            "_source": False,
        }
        for hit in walk(server, names.heads, body):
            yield hit["_id"]
