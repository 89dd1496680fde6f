"""Posts: searching them with facets, and one of them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from ingest.records import Post
from pipelines.case import ASKED, Case, case_of
from pipelines.commands._shared.authors import known_authors
from pipelines.commands._shared.context import configured
from pipelines.commands._shared.no_match import NoMatch, no_match
from pipelines.commands._shared.options import query_node
from pipelines.query import All, Node, all_of, marks, only
from pipelines.records import Facets, Hit, Page, Sum
from pipelines.searching import Kind
from pipelines.searching import search as find
from pipelines.searching import top as most_frequent
from pipelines.settings import zone
from pipelines.stores.protocols import Store
from pipelines.web.asked import PAGE, Asked
from pipelines.web.hostile import ALONE, IN_LIST, Segment, segments


class Study(msgspec.Struct, frozen=True):
    """What a store says of itself on every page: its case, and the zone of its days."""

    case: Case
    title: str
    country: str
    timezone: str
    entities: dict[str, str]
    """Names of the watched entities, by their ids."""

    def told_in(self, language: str) -> Study:
        """Return it with title and names in a language, as far as the case has them."""
        return msgspec.structs.replace(
            self, title=self.case.title_in(language), entities=self.case.names_in(language)
        )


class Found(msgspec.Struct, frozen=True):
    """One post as a list shows it."""

    post: Post
    day: str
    text: list[Segment]
    cut: bool
    """Whether the text is longer than what is shown."""


class FacetValue(msgspec.Struct, frozen=True):
    """One value of a facet and how many posts of the answer have it."""

    value: str
    posts: int
    selected: bool


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One page of a search."""

    found: list[Found]
    total: int
    empty: bool
    """Whether there is no post in the store at all."""
    pending: int
    facets: dict[str, list[FacetValue]]
    """By field; the values with most posts first."""
    days: dict[str, int]
    """Posts by day, in order of time; posts without a day are not among them."""
    fictional: int
    reason: NoMatch | None
    """Why nothing was found; ``None`` where something was."""
    otherwise: dict[str, int]
    """Words that stand in so many of the shown posts in other spellings only."""
    study: Study


#: What counts the facets of a query.
Counts = Callable[[Store, Node], Facets]


def count_facets(store: Store, node: Node) -> Facets:
    """Count the facets of a query anew."""
    return store.facets(node)


def node_of(asked: Asked, store: Store) -> Node:
    """Return the query of an address. Raises :class:`~pipelines.errors.QueryError`."""
    filters = asked.filters()
    known = {name: value for name, value in filters.items() if name in _OPTIONS}
    rest = [
        only(name, *(value if isinstance(value, tuple) else (value,)))
        for name, value in filters.items()
        if name not in _OPTIONS
    ]
    return known_authors(all_of(query_node([asked.q], known), *rest), store)


#: Posts from which on a page of the oldest is counted from the other end.
MANY = 5_000
#: Filters that commands have as options; the others are fields of the query language.
_OPTIONS = frozenset({"since", "until", "lang", "sentiment", "entity", "platform"})


def search(store: Store, asked: Asked, counts: Counts = count_facets) -> Answer:
    """Return one page of the posts that match, with the counts of facets over all of them.

    ``counts`` is what counts them, or remembers that it did.
    """
    node = node_of(asked, store)
    first = (asked.page - 1) * PAGE
    page = _page(store, node, asked, first)
    hits = page.hits
    counted = counts(store, node)
    facets = {
        "lang": counted.languages,
        "sentiment": counted.labels,
        "entity": counted.entities,
        "target": counted.targets,
        "platform": counted.platforms,
    }
    otherwise: Counter[str] = Counter()
    found = []
    for hit in hits:
        one, words = _shown(hit, node, IN_LIST)
        found.append(one)
        otherwise.update(words)
    return Answer(
        found=found,
        total=page.total,
        empty=not page.total and not store.count(All())[0],
        pending=page.pending,
        facets={
            field: [
                FacetValue(value, posts, value in getattr(asked, field))
                for value, posts in counts.items()
            ]
            for field, counts in facets.items()
        },
        days=counted.days,
        fictional=store.count(all_of(node, only("flag", "fictional")))[0],
        reason=None if page.total else no_match(node, store),
        otherwise=dict(otherwise),
        study=study(store),
    )


def top(store: Store, asked: Asked, kind: str, limit: int) -> list[tuple[str, int]]:
    """Return the most frequent hashtags, links or authors (pseudonyms), with their posts."""
    wanted = msgspec.convert(kind, Kind)
    found = most_frequent(store, node_of(asked, store), [wanted], limit)
    return [(one.value, one.posts) for one in found[wanted]]


def matching(store: Store, asked: Asked) -> tuple[int, Study]:
    """Return how many posts match."""
    return store.count(node_of(asked, store))[0], study(store)


def entities(store: Store) -> tuple[dict[str, int], Study]:
    """Return how many posts mention each entity."""
    counts = _counted(store.sums(All(), "day", "entity"), lambda one: one.group)
    return dict(counts.most_common()), study(store)


def study(store: Store) -> Study:
    """Return what a store says of itself; its watchlist is read again once a minute."""
    settings = configured()
    timezone = store.timezone() or settings.timezone
    newest = store.search(All(), ASKED).hits
    matched = next((hit.post.watchlist for hit in newest if hit.post.watchlist), "")
    key = (matched, bool(newest), settings.watchlist, timezone, int(time.monotonic() // 60))
    if key not in _STUDIES:
        case = case_of(newest, settings.watchlist, store.study()) if newest else Case()
        watchlist = case.watchlist
        _STUDIES.clear()
        _STUDIES[key] = Study(
            case=case,
            title=watchlist.title if watchlist else "",
            country=watchlist.country if watchlist else "",
            timezone=zone(timezone).key,
            entities=dict(case.names),
        )
    return _STUDIES.get(key) or study(store)


#: The last study that was made, by what it was made from: parsing a watchlist takes long.
_STUDIES: dict[tuple[str, bool, str, str, int], Study] = {}


def _page(store: Store, node: Node, asked: Asked, first: int) -> Page:
    if asked.sort != "oldest":
        return find(store, node, PAGE, first, sort=asked.sort)
    posts, undated = store.count(node)
    if undated or posts <= MANY:
        return find(store, node, PAGE, first, sort="oldest")
    # Of many posts, those of the last page in the opposite order, without reading the others.
    size = min(PAGE, max(posts - first, 0))
    page = store.search(node, size, max(posts - first - size, 0))
    return msgspec.structs.replace(page, hits=page.hits[::-1][:size])


def post(store: Store, post_id: str, asked: Asked) -> tuple[Found | None, Study]:
    """Return one post by its id, ``None`` if it is not there (any more)."""
    hits = store.search(only("id", post_id), 1).hits if post_id else []
    found = found_of(hits[0], node_of(asked, store), ALONE) if hits else None
    return found, study(store)


def found_of(hit: Hit, node: Node, longest: int = IN_LIST) -> Found:
    """Return a post as a page shows it, with what the query found in it."""
    return _shown(hit, node, longest)[0]


def _shown(hit: Hit, node: Node, longest: int) -> tuple[Found, list[str]]:
    """Return a post, and the words of the query that it has in other spellings only."""
    text = hit.post.text[: longest + 1]
    made = marks(node, text, [(one.start, one.end) for one in hit.post.mentions])
    shown, cut = segments(text, made.found, made.exact, longest)
    return Found(hit.post, hit.day, shown, cut), made.otherwise


def _counted(sums: Iterable[Sum], value: Any) -> Counter[str]:
    counts: Counter[str] = Counter()
    for one in sums:
        counts[value(one)] += one.posts
    return counts
