"""One post: its text, what the models say of it, and why."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException
from starlette.responses import Response

from pipelines.settings import zone
from pipelines.stores.protocols import Store
from pipelines.web import queries
from pipelines.web.pages.label import coder
from pipelines.web.queries.labels import LABELS
from pipelines.web.view import Reader

router = APIRouter(include_in_schema=False)


@router.get("/post")
async def post(view: Reader, id: str = "", why: str = "") -> Response:  # noqa: A002 - in addresses
    """Show a post; with ``why`` also which words moved its score."""
    asked = view.asked
    who = coder(view)

    def ask(store: Store) -> tuple[queries.Found | None, queries.Study, str]:
        found, study = queries.post(store, id, asked)
        return found, study, queries.label_of(store, id, who) if found else ""

    found, study, said = await view.ask(ask)
    if found is None:
        raise HTTPException(404)
    explanation = None
    if why:
        view.limit("explain")
        explanation = await view.service.explainer.explain(found.post.text)
    view.country(study.country)
    return view.render(
        "post.html",
        found=found,
        zone=zone(study.timezone),
        entities=view.names(study),
        explanation=explanation,
        said=said,
        labels=LABELS,
    )
