"""What programs can ask: the description of the API, for people."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from pipelines.web.view import Reader

router = APIRouter(include_in_schema=False)


@router.get("/api")
async def overview(view: Reader) -> Response:
    """List the routes of the API."""
    described = view.request.app.openapi()
    routes = [
        (method.upper(), path, route)
        for path, methods in described["paths"].items()
        for method, route in methods.items()
    ]
    return view.render("api.html", routes=routes)
