"""The page that most readers use: a box, facets, posts."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from pipelines.settings import zone
from pipelines.web import queries
from pipelines.web.asked import PAGE
from pipelines.web.reading import understood
from pipelines.web.search_state import chosen
from pipelines.web.timeline import timeline
from pipelines.web.view import Reader, View

router = APIRouter(include_in_schema=False)


@router.get("/search")
async def search(view: Reader) -> Response:
    """Show the posts that match, with facets."""
    asked = view.asked
    if (meant := understood(asked)) != asked:
        return view.redirect(meant.address("/search"))
    view.author_lookup(asked)
    return await view.cached(lambda: _results(view))


async def _results(view: View) -> Response:
    asked = view.asked
    answer = await view.ask(lambda store: queries.search(store, asked, view.service.facets))
    view.country(answer.study.country)
    return view.render(
        "search.html",
        answer=answer,
        zone=zone(answer.study.timezone),
        entities=view.names(answer.study),
        bars=timeline(answer.days),
        chosen=chosen(asked),
        pages=-(-answer.total // PAGE),
    )
