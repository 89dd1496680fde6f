"""Reading: search, posts, trends, top values, entities, pages, status."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Path, Query
from starlette.responses import Response

from pipelines.query import highlight
from pipelines.stores.protocols import Store
from pipelines.web import queries
from pipelines.web.api.parameters import Asked, Bucket, Groups, Order, PageNumber
from pipelines.web.api.shapes import (
    EntitiesAnswer,
    FoundPost,
    PagesAnswer,
    SearchAnswer,
    StatusAnswer,
    TopAnswer,
    TopValue,
    TrendAnswer,
    WatchedEntity,
    answer,
    described,
)
from pipelines.web.asked import PAGE
from pipelines.web.view import Reader

router = APIRouter(prefix="/api/v1", tags=["read"])

Field = Literal["lang", "sentiment", "entity", "target", "platform", "hashtags", "links", "authors"]


@router.get("/search", responses=described(SearchAnswer), response_model=None)
async def search(
    view: Reader, asked: Asked, sort: Order = "newest", page: PageNumber = 1
) -> Response:
    """Find posts. The counts of facets and days are over all matches."""
    asked = asked.changed(sort=sort, page=page)

    def ask(store: Store) -> tuple[queries.Answer, list[FoundPost]]:
        found = queries.search(store, asked, view.service.facets)
        node = queries.node_of(asked, store)
        return found, [
            FoundPost(one.post, one.day, highlight(node, one.post.text)) for one in found.found
        ]

    found, posts = await view.ask(ask)
    view.author_lookup(asked)
    return answer(
        SearchAnswer(
            total=found.total,
            pending=found.pending,
            page=page,
            pages=-(-found.total // PAGE),
            posts=posts,
            facets={
                field: {one.value: one.posts for one in values}
                for field, values in found.facets.items()
            },
            days=found.days,
        )
    )


@router.get("/posts/{post_id:path}", responses=described(FoundPost, 404), response_model=None)
async def post(view: Reader, post_id: Annotated[str, Path(max_length=500)]) -> Response:
    """Return one post by its id, ``platform:native-id``."""
    found, _ = await view.ask(lambda store: queries.post(store, post_id, view.asked))
    if found is None:
        raise HTTPException(404, f"There is no post {post_id}.")
    return answer(FoundPost(found.post, found.day, []))


@router.get("/trends", responses=described(TrendAnswer), response_model=None)
async def trends(view: Reader, asked: Asked, by: Bucket = "day", split: Groups = "") -> Response:
    """Return shares of sentiment (or of attitudes, split by entity) over time."""
    asked = asked.changed(by=by, split=split)
    found = await view.ask(lambda store: queries.trend(store, asked))
    view.author_lookup(asked)
    return answer(
        TrendAnswer(
            posts=found.posts,
            without_day=found.without_day,
            fictional=found.fictional,
            timezone=found.study.timezone,
            rows=found.rows,
        )
    )


@router.get("/top/{field}", responses=described(TopAnswer), response_model=None)
async def top(
    view: Reader, asked: Asked, field: Field, limit: Annotated[int, Query(ge=1, le=1000)] = 20
) -> Response:
    """Return the values of a field with most posts."""
    if field in {"hashtags", "links", "authors"}:
        counted = await view.ask(lambda store: queries.top(store, asked, field, limit))
        return answer(TopAnswer(field, [TopValue(one, one, posts) for one, posts in counted]))
    found = await view.ask(lambda store: queries.search(store, asked, view.service.facets))
    names = found.study.entities
    return answer(
        TopAnswer(
            field,
            [
                TopValue(one.value, names.get(one.value, one.value), one.posts)
                for one in found.facets[field][:limit]
            ],
        )
    )


@router.get("/entities", responses=described(EntitiesAnswer), response_model=None)
async def entities(view: Reader) -> Response:
    """Return what is watched."""
    counts, study = await view.ask(queries.entities)
    known = {**study.entities, **{one: study.entities.get(one, one) for one in counts}}
    return answer(
        EntitiesAnswer(
            study.title,
            [WatchedEntity(one, name, counts.get(one, 0)) for one, name in known.items()],
        )
    )


@router.get("/pages", responses=described(PagesAnswer), response_model=None)
async def pages(view: Reader) -> Response:
    """Return the likes that pages lost."""
    found = await view.ask(queries.likes)
    return answer(PagesAnswer(found.shipped, [row for page in found.pages for row in page.rows]))


@router.get("/status", responses=described(StatusAnswer), response_model=None)
async def status(view: Reader) -> Response:
    """Return the ledger and what the store holds."""
    found = await view.ask(lambda store: queries.state(store, dead=False))
    state = found.status
    return answer(
        StatusAnswer(
            posts=state.posts,
            first_day=state.first_day,
            last_day=state.last_day,
            timezone=state.timezone,
            languages=state.languages,
            platforms=state.platforms,
            dead_reasons=state.dead_reasons,
            ledger=state.ledger,
        )
    )
