"""Why a query found nothing, where a mistake in it shows."""

from __future__ import annotations

from pipelines.query import All, And, Filter, Node
from pipelines.stores.base import Store

#: Entities that are listed at most.
_LISTED = 30


def why_nothing(node: Node, store: Store) -> str:
    """Return the sentence for a query without a match: days that exclude each other, a
    misspelt entity, or no more than that nothing matches.
    """
    parts = node.nodes if isinstance(node, And) else (node,)
    filters = [one for one in parts if isinstance(one, Filter)]
    since = max((v for f in filters if f.field == "since" for v in f.values), default="")
    until = min((v for f in filters if f.field == "until" for v in f.values), default="")
    if since and until and since >= until:
        return (
            f"No post matches: no day is since {since} and before {until} (`until` is exclusive)."
        )
    wanted = dict.fromkeys(v for f in filters if f.field == "entity" for v in f.values)
    unknown = [one for one in wanted if not store.count(Filter("entity", (one,)))[0]]
    if not unknown:
        return "No post matches."
    return f"No post matches: none in the store mentions {', '.join(unknown)}. {_known(store)}"


def _known(store: Store) -> str:
    known = sorted({one.group for one in store.sums(All(), "day", "entity")})
    if not known:
        return "No entities were looked for: marsad rescore --watchlist NAME does."
    more = f" and {len(known) - _LISTED:,} more" if len(known) > _LISTED else ""
    return f"It has posts on: {', '.join(known[:_LISTED])}{more}."
