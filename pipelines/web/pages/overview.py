"""The first page: what is watched, and how it goes."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from pipelines.settings import zone
from pipelines.stores.protocols import Store
from pipelines.web import queries
from pipelines.web.pages.likes import said
from pipelines.web.view import Reader, View

router = APIRouter(include_in_schema=False)


@router.get("/")
async def overview(view: Reader) -> Response:
    """Show the state of the study."""
    return await view.cached(lambda: _state(view))


async def _state(view: View) -> Response:
    code = view.words.language

    def both(store: Store) -> tuple[queries.Overview, queries.Likes]:
        return queries.overview(store, view.asked.by, code), queries.likes(store, code)

    found, losses = await view.ask(both)
    view.country(found.study.country)
    local = zone(found.study.timezone)
    return view.render(
        "overview.html",
        found=found,
        # names of several words may stand in no post as they are
        examples=[one for one in found.subjects if " " not in one.name][:3],
        losses=losses.pages,
        said=lambda row: said(view.words, row, local),
        zone=local,
    )
