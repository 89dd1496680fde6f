"""The shapes of the API's answers, and their description in OpenAPI."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.responses import Response

from ingest.records import Post
from pipelines.pages.report import Row as PageRow
from pipelines.records import Ledger
from pipelines.trends import Row as TrendRow

_REF = "#/components/schemas/{name}"


class Failure(msgspec.Struct, frozen=True):
    """What went wrong."""

    code: str
    message: str
    """What happened, to what, and what to do."""


class Failed(msgspec.Struct, frozen=True):
    """Every answer that is no success."""

    error: Failure


class FoundPost(msgspec.Struct, frozen=True):
    """A post that a search found."""

    post: Post
    day: str
    """Calendar day in the store's time zone; empty if unknown."""
    highlights: list[tuple[int, int]]
    """Where in the text the query matched: offsets, end exclusive."""


class SearchAnswer(msgspec.Struct, frozen=True):
    """One page of a search."""

    total: int
    pending: int
    page: int
    pages: int
    posts: list[FoundPost]
    facets: dict[str, dict[str, int]]
    """By field: posts of each value, over all matches."""
    days: dict[str, int]


class TrendAnswer(msgspec.Struct, frozen=True):
    """Shares by bucket and group, with their 95 % intervals."""

    posts: int
    without_day: int
    fictional: int
    timezone: str
    rows: list[TrendRow]


class TopValue(msgspec.Struct, frozen=True):
    """A value and the posts that have it."""

    value: str
    name: str
    posts: int


class TopAnswer(msgspec.Struct, frozen=True):
    """The values of a field with most posts."""

    field: str
    values: list[TopValue]


class WatchedEntity(msgspec.Struct, frozen=True):
    """Something that is watched."""

    id: str
    name: str
    posts: int


class EntitiesAnswer(msgspec.Struct, frozen=True):
    """What is watched, and how many posts mention it."""

    title: str
    entities: list[WatchedEntity]


class PagesAnswer(msgspec.Struct, frozen=True):
    """Likes lost, page by page and source by source."""

    shipped: bool
    """Whether the figures come with the case and were published by its sources."""
    rows: list[PageRow]


class StatusAnswer(msgspec.Struct, frozen=True):
    """The state of the store."""

    posts: int
    first_day: str
    last_day: str
    timezone: str
    languages: dict[str, int]
    platforms: dict[str, int]
    dead_reasons: dict[str, int]
    ledger: Ledger


class JobAnswer(msgspec.Struct, frozen=True):
    """Work that was started, and how far it is."""

    id: str
    state: str
    """``running``, ``done``, ``nothing`` (nothing was found) or ``failed``."""
    output: list[str]


class DeletionAnswer(msgspec.Struct, frozen=True):
    """What a deletion would hit, and the work that does it, if that was asked for."""

    posts: int
    platforms: dict[str, int]
    job: JobAnswer | None


SHAPES = (
    Failed,
    SearchAnswer,
    TrendAnswer,
    TopAnswer,
    EntitiesAnswer,
    PagesAnswer,
    StatusAnswer,
    JobAnswer,
    DeletionAnswer,
    FoundPost,
)


def answer(value: msgspec.Struct, code: int = 200) -> Response:
    """Return a shape as JSON."""
    return Response(msgspec.json.encode(value), code, media_type="application/json")


def described(shape: type, *more: int, code: int = 200) -> dict[int | str, dict[str, Any]]:
    """Return the responses of a route for OpenAPI: one shape, and failures."""
    words = {
        400: "The query or a value can't be read.",
        401: "An account is needed.",
        403: "The account may not do this.",
        404: "It is not there.",
        422: "A value is of the wrong kind.",
        429: "Too many requests.",
        503: "The store can't be read now.",
    }
    failures: dict[int | str, dict[str, Any]] = {
        status: {"description": words[status], "content": _content(Failed)}
        for status in (400, 401, 403, 422, 429, 503, *more)
    }
    return {code: {"description": "Done.", "content": _content(shape)}, **failures}


def _content(shape: type) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": _REF.format(name=shape.__name__)}}}


def describe(app: FastAPI) -> None:
    """Let the app describe itself with these shapes."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(
                title="Marsad",
                version=app.version,
                description=app.description,
                routes=app.routes,
            )
            _, parts = msgspec.json.schema_components(SHAPES, ref_template=_REF)
            made.setdefault("components", {}).setdefault("schemas", {}).update(parts)
            made["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
            made["security"] = [{}, {"token": []}]
            app.openapi_schema = made
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
