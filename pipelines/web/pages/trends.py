"""Mood and attitudes over time: a chart, a table beside it, and files to take away."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import APIRouter, HTTPException
from starlette.responses import Response

from pipelines.analysis.remarks import remarks
from pipelines.charts.words import Code
from pipelines.trends import Row
from pipelines.web import queries
from pipelines.web.asked import Asked
from pipelines.web.files import XLSX, sheet, table
from pipelines.web.files import download as file
from pipelines.web.queries.trends import BOTH, MOST_BUCKETS, MOST_GROUPS, Trend
from pipelines.web.remarks import in_words
from pipelines.web.search_state import chosen
from pipelines.web.view import Reader, View
from pipelines.web.wording import Names

router = APIRouter(include_in_schema=False)

#: The facet that a split belongs to.
_FIELDS = {"entity": "entity", "language": "lang", "platform": "platform"}
_TYPES = {"svg": "image/svg+xml", "png": "image/png", "pdf": "application/pdf"}


@router.get("/trends")
async def trends(view: Reader) -> Response:
    """Show shares by hour, day or week."""
    view.author_lookup(view.asked)
    return await view.cached(lambda: _page(view))


async def _page(view: View) -> Response:
    asked = view.asked
    found = await view.ask(lambda store: queries.trend(store, asked))
    view.country(found.study.country)
    groups = found.groups[:MOST_GROUPS]
    buckets = len({row.bucket for row in found.rows})
    return view.render(
        "trends.html",
        found=found,
        groups=groups,
        too_many=buckets > MOST_BUCKETS,
        chosen=chosen(asked),
        entities=view.names(found.study),
        group_name=lambda group: group_name(view, found, group),
        remarks=_remarks(view, found) if found.rows else [],
        chart=chart_data(view, found, groups) if found.rows else None,
        changes=_changes(view, found),
    )


def _remarks(view: View, found: Trend) -> list[str]:
    groups = {group: group_name(view, found, group) for group in found.groups if group}
    called = view.names(found.study) | groups
    said = (in_words(one, view.words, called) for one in remarks(found.series))
    return list(filter(None, said))


def _changes(view: View, found: Trend) -> list[str]:
    """Return sentences about the changes of the shares, in the reader's language."""
    if not found.breaks:
        return []
    from pipelines.charts import Language, changes  # loads matplotlib

    code: Any = view.words.locale.language
    names = {group: group_name(view, found, group) for group in found.groups}
    return changes(Language(code, found.study.country), found.breaks, found.by, names)


@router.get("/download/trends.{form}")
async def download(form: str, view: Reader) -> Response:
    """Give the chart or the table as a file."""
    asked = view.asked
    if form in {"csv", "xlsx"}:
        found = await view.ask(lambda store: queries.trend(store, asked))
        columns = [name for name in Row.__struct_fields__ if name != "mix"]
        rows = ([getattr(row, name) for name in columns] for row in found.rows)
        if form == "xlsx":
            return file(sheet(columns, rows), "trends.xlsx", XLSX)
        return file(table(columns, rows), "trends.csv")
    if form not in _TYPES:
        raise HTTPException(404, "trends.svg, trends.png, trends.pdf, trends.csv, trends.xlsx")
    code = msgspec.convert(view.words.language, Code)
    image = await view.ask(lambda store: queries.trend_chart(store, asked, form, code))
    if not image:
        raise HTTPException(404, view.words.gettext("Nothing was found."))
    return file(image, f"trends.{form}", _TYPES[form])


def chart_data(view: View, found: Trend, groups: list[str]) -> dict[str, Any]:
    """Return what the script draws: the same rows as the table."""
    asked, words = view.asked, view.words
    return {
        "groups": [
            {
                "name": group_name(view, found, group),
                "rows": [
                    [
                        row.start,
                        row.state,
                        row.posts,
                        *(
                            getattr(row, f"{label}{end}")
                            for label in ("negative", "positive")
                            for end in ("", "_low", "_high")
                        ),
                    ]
                    for row in found.group(group)
                ],
                "search": _posts_of(found, asked, group),
            }
            for group in groups
        ],
        "by": found.by,
        "events": [
            [one.day.isoformat(), one.told_in(words.locale.language).words()]
            for one in found.events
        ],
        "months": words.months(),
        "rtl": words.direction == "rtl",
        "words": {
            "negative": words.gettext("negative"),
            "positive": words.gettext("positive"),
            "posts": words.gettext("posts"),
            "unknown": words.gettext("unknown: a source was not read"),
            "few": words.gettext("no posts"),
            "share": words.gettext("share of posts, %"),
        },
        "locale": words.browser,
    }


def _posts_of(found: Trend, asked: Asked, group: str) -> str:
    """Return the address of the posts of a group, to which a day is added."""
    rest = asked.changed(
        day="", since="", until="", by="auto", split="", vs="", copies="", breaks=False
    )
    if found.compared:
        rest = rest.changed(q=group)
    elif asked.split and not found.both:
        field = _FIELDS[asked.split]
        rest = rest.changed(**{field: ()}).with_value(field, group)
    return rest.address("/search")


def group_name(view: View, found: Trend, group: str) -> str:
    """Return what people call a group."""
    if found.compared:
        return group or view.words.gettext("all posts")
    if found.both and group == BOTH[0]:
        return view.words.gettext("all posts")
    if found.both:
        return view.words.gettext("without copied texts")
    field = _FIELDS.get(view.asked.split)
    return Names(view.words).value(field, group, view.names(found.study)) if field else ""
