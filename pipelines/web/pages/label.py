"""Labelling: what people say of posts, by which the trends are corrected."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException
from starlette.responses import Response

from pipelines.settings import zone
from pipelines.web import queries
from pipelines.web.queries.labels import LABELS
from pipelines.web.view import Coder, View, safe_next

router = APIRouter(include_in_schema=False)

Text = Annotated[str, Form(max_length=1_000)]

#: Who labels on a page without accounts.
SOMEBODY = "page"


@router.get("/label")
async def sheet(view: Coder) -> Response:
    """Show one post, drawn at random, and how far labelling is."""
    asked, who = view.asked, coder(view)
    found = await view.ask(lambda store: queries.next_to_label(store, asked, who))
    view.country(found.study.country)
    return view.render(
        "label.html",
        found=found,
        labels=LABELS,
        zone=zone(found.study.timezone),
        here=asked.address("/label"),
    )


@router.post("/label")
async def label(
    view: Coder,
    token: Text = "",
    post_id: Text = "",
    label: Text = "",
    next: Text = "/label",  # noqa: A002 - in addresses
) -> Response:
    """Keep a label."""
    view.check(token)
    if label not in LABELS:
        raise HTTPException(400, f"A label is one of {', '.join(LABELS)}.")
    who = coder(view)
    kept = await view.service.write(lambda store: queries.label(store, post_id, who, label))
    if not kept:
        raise HTTPException(404)
    return view.redirect(safe_next(next))


def coder(view: View) -> str:
    """Return under whose name labels are kept."""
    return view.user.name if view.user and view.user.name else SOMEBODY
