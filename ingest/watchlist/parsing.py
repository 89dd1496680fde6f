"""Checks the tables of a watchlist and tells every problem with its place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from ingest.validation import describe
from ingest.watchlist.schema import Campaign, Content, Entity, Names, Page, Script, Tokens, tokens

_TABLES: dict[str, tuple[str, type[BaseModel]]] = {
    "entities": ("entity", Entity),
    "campaigns": ("campaign", Campaign),
    "pages": ("page", Page),
}


def examine(raw: dict[str, Any]) -> tuple[Content | None, list[str]]:
    """Return the content of a watchlist, ``None`` with problems, and all the problems."""
    try:
        return Content.model_validate(raw, context=_names(raw)), []
    except ValidationError as error:
        problems = [_problem(one, raw) for one in error.errors(include_url=False)]
        return None, list(dict.fromkeys(problems))


def _names(raw: dict[str, Any]) -> Names:
    """Return what tables name each other by, as far as it can be read."""
    given = raw.get("entities")
    tables = [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []
    ids = [one["id"] for one in tables if isinstance(one.get("id"), str)]
    owners: dict[Tokens, str] = {}
    for table in tables:
        for alias in _aliases(table):
            owners.setdefault(tokens(alias), str(table.get("id", "")))
    readable = isinstance(given, list) and len(ids) == len(given)
    return Names(ids if readable else None, owners)


def _aliases(table: dict[str, Any]) -> Iterator[str]:
    aliases = table.get("aliases")
    groups = [*aliases.values()] if isinstance(aliases, dict) else []
    for group in (*groups, *map(table.get, ("ambiguous", "hashtags", "handles"))):
        if isinstance(group, list):
            yield from (alias for alias in group if isinstance(alias, str))


def _problem(error: ErrorDetails, raw: dict[str, Any]) -> str:
    """Return one problem in words of the file: table, field, value, remedy."""
    location = error["loc"]
    place = ""
    model: type[BaseModel] = Content
    if len(location) > 1 and location[0] in _TABLES and isinstance(location[1], int):
        single, model = _TABLES[location[0]]
        place, location = _named(single, raw[str(location[0])], location[1]), location[2:]
    kind, value = error["type"], error["input"]
    field = ".".join(str(part) for part in location if isinstance(part, str))
    if kind in {"extra_forbidden", "missing"}:
        what = f"the field '{field}' is missing."
        if kind == "extra_forbidden":
            what = f"unknown field '{field}'. Allowed: {', '.join(model.model_fields)}."
        return f"{place or 'at the top'}: {what}"
    of_key = bool(location) and location[-1] == "[key]"
    if of_key:
        field = str(location[0])
    if of_key and field == "aliases":
        what = (
            f"'{value}' is no script. Allowed: {', '.join(get_args(Script))}. (A field of the "
            "entity itself stands above its [entities.aliases].)"
        )
    else:
        shown = f"'{value}' " if isinstance(value, str) and kind == "value_error" else ""
        what = shown + describe(error)
    if location and isinstance(location[-1], int) and kind != "value_error":
        field += f", number {location[-1] + 1}"
    where = ", ".join(part for part in (place, field) if part)
    return f"{where}: {what.removesuffix('.')}."


def _named(single: str, tables: Any, number: int) -> str:
    """Return what a table is called: by its id or name, else by its number."""
    table = tables[number]
    given = str(table.get("id") or table.get("name") or "") if isinstance(table, dict) else ""
    return f"{single} '{given}'" if given else f"{single} number {number + 1}"
