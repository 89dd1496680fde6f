"""What becomes of each post of a batch: the same rules as in every store."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from ingest.records import Post, decode_post
from pipelines.records import Batch, Document
from pipelines.stores.elasticsearch import generations
from pipelines.stores.elasticsearch.books import order_now
from pipelines.stores.elasticsearch.heads import Claim, Entry, read_head, tombstones_of
from pipelines.stores.elasticsearch.names import Address, short
from pipelines.stores.elasticsearch.requests import Seen, get_many
from pipelines.stores.elasticsearch.server import Server
from pipelines.stores.elasticsearch.sight import Sight
from pipelines.stores.versions import Known, Rank, read_rank, settled, taken_over


class Resting(NamedTuple):
    """A post as it waits or is stored; day and hour only where it is stored."""

    post: Post
    dated: tuple[str, str] | None


class Decided(NamedTuple):
    """What a batch does to heads."""

    entries: tuple[Entry, ...]
    claims: tuple[Claim, ...]


class _Known(Known):
    """The newest version of a post, with the names of tombstones that would hit it."""

    __slots__ = ("given", "names", "refused", "waiting")

    def __init__(
        self,
        rank: Rank | None = None,
        watchlist: str = "",
        *,
        waiting: bool = False,
        refused: bool = False,
    ) -> None:
        super().__init__(rank, watchlist)
        self.waiting = waiting
        self.refused = refused
        self.names: tuple[str, ...] = ()
        self.given: list[Document] = []
        """What the batch brought of it, scored."""

    def takes(self, post: Post) -> bool:
        """Let a version come in, also once more the one that the server refused before."""
        if self.refused and post.rank() == self.rank:
            self.rank = None
        taken = super().takes(post)
        self.refused = self.refused and not taken
        return taken


def decide(
    server: Server,
    names: Address,
    batch: Batch,
    documents: Sequence[Document] | None,
    outcomes: Tally[str],
    sight: Sight,
) -> Decided:
    """Decide about a batch's posts in their order by what there is, and count their outcomes.

    Those with ``documents`` become claims, the others entries of the waiting list.
    """
    posts = batch.posts
    if not posts:
        return Decided((), ())
    known = dict(_live(sight.heads))
    for number, collected in enumerate(posts):
        post = collected.post
        stones = sight.graves[number]
        if not sight.buried.isdisjoint(stones):
            outcomes["deleted"] += 1
            continue
        ids = (post.id, *collected.aliases)
        chosen = next((n for n in ids if short(n) in known), post.id)
        state = known.setdefault(short(chosen), _Known())
        named = post if post.id == chosen else msgspec.structs.replace(post, id=chosen)
        if documents is not None:
            document = documents[number]
            if document.post is not named:
                document = msgspec.structs.replace(document, post=named)
            state.given.append(document)
        if not state.takes(named):
            outcomes["duplicate"] += 1
            continue
        outcomes["pending" if documents is None else "indexed"] += 1
        state.names = tuple(dict.fromkeys((*state.names, *stones)))
    return Decided(*_changes(known, _retaken(server, names, known)))


def _live(seen: dict[str, Seen]) -> Iterator[tuple[str, _Known]]:
    # A tombstone of the same batch removes what is stored, so that is not known any more.
    for name, found in seen.items():
        head = read_head(found.source)
        if head.state != "buried":
            waiting, refused = head.state == "waiting", head.state == "refused"
            yield (
                name,
                _Known(read_rank(head.rank), head.watchlist, waiting=waiting, refused=refused),
            )


def _retaken(
    server: Server, names: Address, known: dict[str, _Known]
) -> dict[str, tuple[str, str] | None]:
    """Let posts that were matched with another watchlist take over what that changed.

    Returns the days and hours that the kept versions are stored under.
    """
    retaken = {name: state for name, state in known.items() if state.retaken is not None}
    stored = newest(server, names, [n for n, state in retaken.items() if state.post is None])
    for name, state in retaken.items():
        kept = state.post or (stored[name].post if name in stored else None)
        if kept is None or state.retaken is None:
            continue  # deleted this moment
        state.post = taken_over(kept, state.retaken)
        state.names = state.names or tombstones_of([kept.id], [kept.author])
    return {name: resting.dated for name, resting in stored.items()}


def _changes(
    known: dict[str, _Known], dated: dict[str, tuple[str, str] | None]
) -> tuple[tuple[Entry, ...], tuple[Claim, ...]]:
    order = order_now()
    entries: list[Entry] = []
    claims: list[Claim] = []
    for name, state in known.items():
        post = state.post
        if post is None:
            # A duplicate that waits without scores is taken off when it comes with them.
            if not state.waiting or not state.given:
                continue
            post = next((d.post for d in state.given if d.post.rank() == state.rank), None)
            if post is None or post.watchlist != state.watchlist:
                continue
            state.names = tombstones_of([post.id], [post.author])
        document = settled(post, state.given, dated.get(name)) if state.given else None
        if document is not None:
            claims.append(Claim(document=document, weight=state.weight, names=state.names))
        elif state.post is not None:
            place = order + len(entries)
            entries.append(Entry(post=post, weight=state.weight, order=place, names=state.names))
    return tuple(entries), tuple(claims)


def newest(server: Server, names: Address, ids: Sequence[str]) -> dict[str, Resting]:
    """Return the newest version of each of these posts, waiting or stored."""
    found: dict[str, Resting] = {}
    resting: dict[str, list[str]] = {}
    for name, seen in get_many(server, names.heads, ids).items():
        head = read_head(seen.source)
        if head.post is not None:
            found[name] = Resting(head.post, None)
        elif head.state == "stored":
            resting.setdefault(head.months[-1], []).append(name)
    generation = generations.read(server, names)[0].current if resting else 1
    for month, some in resting.items():
        for name, seen in get_many(server, names.month(month, generation), some).items():
            source = seen.source
            post = decode_post(msgspec.json.encode(source["post"]))
            found[name] = Resting(post, (source.get("day", ""), source.get("hour", "")))
    return found
