"""What programs can ask: the description of the API, for people."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from pipelines.web.view import Reader

router = APIRouter(include_in_schema=False)


@router.get("/api")
async def overview(view: Reader) -> Response:
    """List the routes of the API."""
    described = view.request.app.openapi()
    shapes = described["components"]["schemas"]
    routes = [
        (method.upper(), path, route, _body(route, shapes))
        for path, methods in described["paths"].items()
        for method, route in methods.items()
    ]
    return view.render("api.html", routes=routes)


def _body(route: dict[str, Any], shapes: dict[str, Any]) -> list[tuple[str, bool]]:
    """Return the fields of the JSON object that a route takes, and whether each is needed."""
    if "requestBody" not in route:
        return []
    named = route["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    shape = shapes[named.rpartition("/")[2]]
    return [(name, name in shape.get("required", ())) for name in shape["properties"]]
