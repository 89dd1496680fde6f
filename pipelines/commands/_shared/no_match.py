"""What a query can't find: why nothing matches, and posts whose counts are unknown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from pipelines.commands._shared.output import notify
from pipelines.query import All, And, Filter, Node, uncounted
from pipelines.stores.protocols import Store

#: Entities, platforms or sources that are listed at most.
_LISTED = 30
#: Newest posts whose sources are listed.
_NEWEST = 1_000


def why_nothing(node: Node, store: Store) -> str:
    """Return the sentence for a query without a match: days that exclude each other, an entity,
    platform or source that no post has, or no more than that nothing matches.
    """
    parts = node.nodes if isinstance(node, And) else (node,)
    filters = [one for one in parts if isinstance(one, Filter)]
    since = max((v for f in filters if f.field == "since" for v in f.values), default="")
    until = min((v for f in filters if f.field == "until" for v in f.values), default="")
    if since and until and since >= until:
        return (
            f"No post matches: no day is since {since} and before {until} (`until` is exclusive)."
        )
    for field, (says, known) in _FIELDS.items():
        wanted = dict.fromkeys(v for f in filters if f.field == field for v in f.values)
        unknown = [one for one in wanted if not store.count(Filter(field, (one,)))[0]]
        if unknown:
            return f"No post matches: none in the store {says} {', '.join(unknown)}. {known(store)}"
    return "No post matches."


def tell_uncounted(node: Node, store: Store) -> None:
    """Tell how many posts a query leaves out because a count that it asks for is unknown."""
    missed = uncounted(node)
    posts = store.count(missed)[0] if missed else 0
    if posts:
        those, they = ("posts are", "they do") if posts > 1 else ("post is", "it does")
        notify(
            f"{posts:,} {those} left out since the query asks for a number that {they} not tell "
            "(likes:unknown and the like find such posts)."
        )


def _entities(store: Store) -> str:
    known = {one.group for one in store.sums(All(), "day", "entity")}
    if not known:
        return "No entities were looked for: marsad rescore --watchlist NAME does."
    return f"It has posts on: {_listed(known)}."


def _platforms(store: Store) -> str:
    return _of("It has posts of", store.status().platforms)


def _sources(store: Store) -> str:
    newest = store.search(All(), _NEWEST).hits
    return _of("Its newest posts are of", {hit.post.source for hit in newest})


def _of(what: str, known: Iterable[str]) -> str:
    return f"{what}: {_listed(known)}." if known else "It is empty."


def _listed(known: Iterable[str]) -> str:
    names = sorted(filter(None, known))
    more = f" and {len(names) - _LISTED:,} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more


#: For each field how its posts are said, and what says which values there are.
_FIELDS: Mapping[str, tuple[str, Callable[[Store], str]]] = {
    "entity": ("mentions", _entities),
    "platform": ("is of the platform", _platforms),
    "source": ("is of the source", _sources),
}
