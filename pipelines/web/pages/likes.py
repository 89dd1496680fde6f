"""Likes lost by pages: a sentence, a figure, a chart and the table of every source."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from fastapi import APIRouter, HTTPException
from starlette.responses import Response

from pipelines.charts.words import Code
from pipelines.pages.report import Row
from pipelines.pages.table import short
from pipelines.settings import zone
from pipelines.web import queries
from pipelines.web.files import XLSX, download, sheet, table
from pipelines.web.locales import Words
from pipelines.web.queries.likes import Likes, PageLoss
from pipelines.web.view import Reader, View

router = APIRouter(include_in_schema=False)

#: Figures whose time is longer than a day of a clock are of no one day, in seconds.
_VAGUE = 25 * 3600
_DAY = 23 * 3600
_TYPES = {"svg": "image/svg+xml", "png": "image/png", "pdf": "application/pdf"}


@router.get("/likes")
async def likes(view: Reader) -> Response:
    """Show what each page lost, source by source."""
    return await view.cached(lambda: _page(view))


async def _page(view: View) -> Response:
    code = view.words.language
    found = await view.ask(lambda store: queries.likes(store, code))
    view.country(found.study.country)
    local = zone(found.study.timezone)
    return view.render(
        "likes.html",
        found=found,
        zone=local,
        until=lambda row: _until(view.words, row, local),
        host=short,
        said=lambda row: said(view.words, row, local),
        chart={"pages": [_drawn(page) for page in found.pages], **_axis(view, found)},
    )


def said(words: Words, row: Row, local: ZoneInfo) -> str:
    """Return what stands below the large figure: of what time it is, and who says so."""
    source = short(row.source)
    published = row.state == "published"
    if row.end_span > _VAGUE:
        first, last = _days(row, local)
        values = {"first": words.day(first), "last": words.day(last), "source": source}
        if published:
            return words.gettext(
                "likes lost by some day between %(first)s and %(last)s, as %(source)s published",
                **values,
            )
        return words.gettext(
            "likes lost by some day between %(first)s and %(last)s, by the readings of %(source)s",
            **values,
        )
    when = words.day(_days(row, local)[0]) if row.end_span else words.moment(row.end, local)
    if published:
        return words.gettext(
            "likes lost by %(when)s, as %(source)s published", when=when, source=source
        )
    return words.gettext(
        "likes lost by %(when)s, by the readings of %(source)s", when=when, source=source
    )


def _until(words: Words, row: Row, local: ZoneInfo) -> str:
    """Return the time of a figure for a table: a moment, a day or some days."""
    if row.end_span < _DAY:
        return words.moment(row.end, local)
    first, last = _days(row, local)
    if first == last:
        return words.day(first, "medium")
    return f"{words.day(first, 'medium')} – {words.day(last, 'medium')}"


def _days(row: Row, local: ZoneInfo) -> tuple[date, date]:
    last = row.end + timedelta(seconds=max(row.end_span - 1, 0))
    return row.end.astimezone(local).date(), last.astimezone(local).date()


def _drawn(page: PageLoss) -> dict[str, Any]:
    return {
        "name": page.name,
        "curves": [
            {
                "source": short(curve.source),
                "unstated": curve.unstated,
                "points": [
                    [_at(one.start), _at(one.end), one.lost, one.low, one.high]
                    for one in curve.points
                ],
            }
            for curve in page.curves
        ],
    }


def _axis(view: View, found: Likes) -> dict[str, Any]:
    words = view.words
    return {
        "since": _at(found.since) if found.since else None,
        "months": words.months(),
        "rtl": words.direction == "rtl",
        "locale": words.browser,
        "words": {"lost": words.gettext("likes lost"), "began": words.gettext("the beginning")},
    }


def _at(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


@router.get("/download/likes.{form}")
async def file(form: str, view: Reader) -> Response:
    """Give the chart or the table as a file."""
    if form in {"csv", "xlsx"}:
        found = await view.ask(queries.likes)
        rows = [row for page in found.pages for row in page.rows]
        if form == "xlsx":
            return download(sheet(Row.__struct_fields__, map(_cells, rows)), "likes.xlsx", XLSX)
        return download(table(Row.__struct_fields__, map(_cells, rows)), "likes.csv")
    if form not in _TYPES:
        raise HTTPException(404, "likes.svg, likes.png, likes.pdf, likes.csv, likes.xlsx")
    code = msgspec.convert(view.words.language, Code)
    image = await view.ask(lambda store: queries.likes_chart(store, form, code))
    if not image:
        raise HTTPException(404, view.words.gettext("Nothing was found."))
    return download(image, f"likes.{form}", _TYPES[form])


def _cells(row: Row) -> list[object]:
    cells = msgspec.to_builtins(row)
    cells["flags"] = "; ".join(flag.kind for flag in row.flags)
    cells["differs"] = "; ".join(row.differs)
    return list(cells.values())
