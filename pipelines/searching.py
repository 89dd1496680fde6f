"""Searches as commands and pages ask for them: in any order, with counts beside them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Literal, Protocol, get_args

import msgspec

from pipelines.query import All, Node
from pipelines.query.ranking import CANDIDATES, clauses, ranked
from pipelines.records import Hit, Page
from pipelines.stores.protocols import Ranking, Reading

Sort = Literal["newest", "oldest", "relevance", "likes", "reposts", "replies"]
SORTS: tuple[Sort, ...] = get_args(Sort)

Kind = Literal["hashtags", "links", "authors", "entities", "languages", "platforms", "sources"]
KINDS: tuple[Kind, ...] = get_args(Kind)


class Source(Reading, Ranking, Protocol):
    """What is searched: any store."""


class Ranked(msgspec.Struct, frozen=True):
    """A value with the number of posts that have it."""

    value: str
    posts: int
    authors: int
    """Different authors of these posts; posts without an author count none."""


def search(store: Source, query: Node, limit: int, offset: int = 0, sort: Sort = "newest") -> Page:
    """Return one page of the posts that match, in the order asked for.

    ``newest`` is what stores keep; ``relevance`` is :mod:`pipelines.query.ranking`. Without any
    word to be relevant to, ``relevance`` is ``newest``. Ties are newest first, then by id. Raises
    :class:`~pipelines.errors.StoreError`.
    """
    if sort == "newest":
        return store.search(query, limit, offset)
    page = store.search(query, 0)
    if sort == "relevance":
        wanted = clauses(query, lambda node: store.count(node)[0], store.count(All())[0])
        if not wanted:
            return store.search(query, limit, offset)
        many = max(CANDIDATES, offset + limit)
        hits = ranked(query, store.best(query, wanted, many))
        hits = hits[offset : offset + limit]
    else:
        hits = store.ordered(query, sort, limit, offset)
    return Page(hits=hits, total=page.total, pending=page.pending)


def top(store: Reading, query: Node, kinds: Iterable[Kind], limit: int) -> dict[Kind, list[Ranked]]:
    """Return the most frequent values of each kind among the posts that match.

    Each post counts a value once; ties are ordered by the value. Reads every post that matches.
    ``links`` are the web addresses that a post itself has or names, ``authors`` pseudonyms.
    """
    wanted = tuple(kinds)
    posts: dict[Kind, Counter[str]] = {kind: Counter() for kind in wanted}
    authors: dict[Kind, dict[str, set[str]]] = {kind: {} for kind in wanted}
    for hit in store.scan(query):
        for kind in wanted:
            for value in set(values_of(hit, kind)):
                posts[kind][value] += 1
                own = authors[kind].setdefault(value, set())
                if hit.post.author:
                    own.add(hit.post.author)
    return {
        kind: [
            Ranked(value, number, len(authors[kind][value]))
            for value, number in sorted(posts[kind].items(), key=lambda one: (-one[1], one[0]))
        ][:limit]
        for kind in wanted
    }


def facets(store: Reading, query: Node) -> dict[str, dict[str, int]]:
    """Return how many of the posts that match have each language, sentiment, platform and day.

    Entities count once for each post. Posts without a day stand under an empty one; the others
    are ordered by their number, then by value, days by date. No post is read: the store counts.
    """
    counted = store.facets(query)
    posts, undated = store.count(query)
    by_number = {
        "language": counted.languages,
        "sentiment": counted.labels,
        "platform": counted.platforms,
        "entity": counted.entities,
    }
    days = counted.days | ({"": undated} if undated else {})
    return {
        "posts": {"all": posts},
        **{
            name: dict(sorted(counts.items(), key=lambda one: (-one[1], one[0])))
            for name, counts in by_number.items()
        },
        "day": dict(sorted(days.items())),
    }


def values_of(hit: Hit, kind: Kind) -> Iterable[str]:
    """Return what a post has of a kind; it may name a value twice."""
    post = hit.post
    match kind:
        case "hashtags":
            from nlp.text import tokenize

            own = {tag.lstrip("#").casefold() for tag in post.hashtags}
            return own | {t.text[1:] for t in tokenize(post.text) if t.text.startswith("#")}
        case "links":
            return [post.url] if post.url else []
        case "authors":
            return [post.author] if post.author else []
        case "entities":
            return post.entities
        case "languages":
            return [post.language] if post.language else []
        case "platforms":
            return [post.platform]
        case "sources":
            return [post.source] if post.source else []
