"""Probes: whether the process lives, and whether it can answer questions."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response

from pipelines.errors import MarsadError, StoreMissing

router = APIRouter(include_in_schema=False)


@router.get("/healthz")
async def alive() -> Response:
    """Answer as long as the process lives."""
    return PlainTextResponse("ok")


@router.get("/readyz")
async def ready(request: Request) -> Response:
    """Answer 200 while questions can be answered; a store that is not there yet is no fault."""
    try:
        await request.app.state.service.readers.ask(lambda store: store.ledger())
    except StoreMissing:
        return PlainTextResponse("no store yet")
    except MarsadError:
        return PlainTextResponse("the store can't be read", 503)
    return PlainTextResponse("ok")
