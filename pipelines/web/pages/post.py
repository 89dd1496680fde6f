"""One post: its text, what the models say of it, and why."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException
from starlette.responses import Response

from pipelines.settings import zone
from pipelines.web import queries
from pipelines.web.view import Reader

router = APIRouter(include_in_schema=False)


@router.get("/post")
async def post(view: Reader, id: str = "", why: str = "") -> Response:  # noqa: A002 - in addresses
    """Show a post; with ``why`` also which words moved its score."""
    asked = view.asked
    found, study = await view.ask(lambda store: queries.post(store, id, asked))
    if found is None:
        raise HTTPException(404, f"There is no post {id}.")
    explanation = None
    if why:
        view.limit("explain")
        explanation = await view.service.explainer.explain(found.post.text)
    view.country(study.country)
    return view.render(
        "post.html",
        found=found,
        zone=zone(study.timezone),
        entities=study.entities,
        explanation=explanation,
    )
