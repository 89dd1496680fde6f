"""Likes lost by pages: a sentence, a figure, a chart and the table of every source."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
from fastapi import APIRouter, HTTPException
from starlette.responses import Response

from pipelines.pages.report import Row
from pipelines.pages.table import short
from pipelines.settings import zone
from pipelines.web import queries
from pipelines.web.files import download, table
from pipelines.web.view import Reader, View

router = APIRouter(include_in_schema=False)

_TYPES = {"svg": "image/svg+xml", "png": "image/png"}


@router.get("/likes")
async def likes(view: Reader) -> Response:
    """Show what each page lost, source by source."""
    return await view.cached(lambda: _page(view))


async def _page(view: View) -> Response:
    found = await view.ask(queries.likes)
    view.country(found.study.country)
    return view.render(
        "likes.html", found=found, zone=zone(found.study.timezone), ends=_ends, host=short
    )


@router.get("/download/likes.{form}")
async def file(form: str, view: Reader) -> Response:
    """Give the chart or the table as a file."""
    if form == "csv":
        found = await view.ask(queries.likes)
        rows = [row for page in found.pages for row in page.rows]
        return download(table(Row.__struct_fields__, map(_cells, rows)), "likes.csv")
    if form not in _TYPES:
        raise HTTPException(404, "likes.svg, likes.png, likes.csv")
    image = await view.ask(lambda store: queries.likes_chart(store, form))
    if not image:
        raise HTTPException(404, view.words.gettext("Nothing was found."))
    return download(image, f"likes.{form}", _TYPES[form])


def _ends(row: Row) -> datetime:
    return row.end + timedelta(seconds=row.end_span)


def _cells(row: Row) -> list[object]:
    cells = msgspec.to_builtins(row)
    cells["flags"] = "; ".join(flag.kind for flag in row.flags)
    cells["differs"] = "; ".join(row.differs)
    return list(cells.values())
