"""What a query can't find: why nothing matches, and posts whose counts are unknown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Literal

import msgspec

from pipelines.commands._shared.output import notify
from pipelines.query import All, And, Filter, Node, uncounted
from pipelines.stores.protocols import Store

#: Entities, platforms or sources that are listed at most.
_LISTED = 30
#: Newest posts whose sources are listed.
_NEWEST = 1_000

Field = Literal["entity", "platform", "source"]


class NoMatch(msgspec.Struct, frozen=True, kw_only=True):
    """Why nothing matches: days that exclude each other, values that no post has, or neither."""

    since: str = ""
    until: str = ""
    """With ``since``: no day is since the one and before the other."""
    field: Field | None = None
    """The filter with values that no post has."""
    unknown: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    """Values that there are, at most 30 of them."""
    more: int = 0
    """How many there are beside these."""


def no_match(node: Node, store: Store) -> NoMatch:
    """Return why a query without a match found nothing."""
    parts = node.nodes if isinstance(node, And) else (node,)
    filters = [one for one in parts if isinstance(one, Filter)]
    since = max((v for f in filters if f.field == "since" for v in f.values), default="")
    until = min((v for f in filters if f.field == "until" for v in f.values), default="")
    if since and until and since >= until:
        return NoMatch(since=since, until=until)
    for field, values_of in _FIELDS.items():
        wanted = dict.fromkeys(v for f in filters if f.field == field for v in f.values)
        unknown = tuple(one for one in wanted if not store.count(Filter(field, (one,)))[0])
        if unknown:
            known = sorted(filter(None, values_of(store)))
            shown = tuple(known[:_LISTED])
            return NoMatch(
                field=field, unknown=unknown, known=shown, more=max(len(known) - _LISTED, 0)
            )
    return NoMatch()


def why_nothing(node: Node, store: Store) -> str:
    """Return the sentence for a query without a match."""
    found = no_match(node, store)
    if found.since:
        return (
            f"No post matches: no day is since {found.since} and before {found.until} "
            "(`until` is exclusive)."
        )
    if found.field is None:
        return "No post matches."
    says, there, none = _WORDS[found.field]
    more = f" and {found.more:,} more" if found.more else ""
    known = f"{there}: {', '.join(found.known)}{more}." if found.known else none
    return f"No post matches: none in the store {says} {', '.join(found.unknown)}. {known}"


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


def _entities(store: Store) -> Iterable[str]:
    return {one.group for one in store.sums(All(), "day", "entity")}


def _platforms(store: Store) -> Iterable[str]:
    return store.status().platforms


def _sources(store: Store) -> Iterable[str]:
    return {hit.post.source for hit in store.search(All(), _NEWEST).hits}


#: Fields whose values people mistype, and what says which there are.
_FIELDS: Mapping[Field, Callable[[Store], Iterable[str]]] = {
    "entity": _entities,
    "platform": _platforms,
    "source": _sources,
}
#: How posts with a value are said, how those that there are, and what where there are none.
_WORDS: Mapping[Field, tuple[str, str, str]] = {
    "entity": (
        "mentions",
        "It has posts on",
        "No entities were looked for: marsad rescore --watchlist NAME does.",
    ),
    "platform": ("is of the platform", "It has posts of", "It is empty."),
    "source": ("is of the source", "Its newest posts are of", "It is empty."),
}
