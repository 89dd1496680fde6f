"""Reads the tables of a watchlist field by field, so that one problem hides no other."""

from __future__ import annotations

import re
from typing import Any, Generic, NamedTuple, TypeVar, get_args

import msgspec

from ingest.watchlist.schema import Campaign, Content, Entity, Kind, Page, Script

T = TypeVar("T", bound=msgspec.Struct)

_PLACE = re.compile(r" - at (?:`key` in )?`\$\.?(.*)`$")
_BLANK: dict[type[msgspec.Struct], msgspec.Struct] = {
    Entity: Entity(id="", kind="topic", name=""),
    Campaign: Campaign(entities=()),
    Page: Page(entity="", platform="", name=""),
    Content: Content(name="", title="", country="", timezone="", languages=(), entities=()),
}


class Table(NamedTuple, Generic[T]):
    """One table as far as it could be read."""

    place: str
    """Where it stands, for people."""
    value: T
    """What is there; fields that are missing or wrong are empty."""
    broken: frozenset[str]
    """The fields that are missing or wrong, and those that no table of this kind has."""
    problems: list[str]

    def meant(self, problem: str) -> bool:
        """Tell whether a problem of meaning, ``field: …``, is about what was written."""
        return re.split(r"[.:]", problem, maxsplit=1)[0] not in self.broken


def tables(raw: dict[str, Any], field: str, kind: type[T]) -> tuple[list[Table[T]], list[str]]:
    """Return the tables ``[[field]]`` of a watchlist, and what is wrong with all of them."""
    given = raw.get(field, [])
    if not isinstance(given, list):
        return [], [f"{field}: must be tables, written [[{field}]]."]
    return [read(one, kind, _place(field, number, one)) for number, one in enumerate(given, 1)], []


def read(table: object, kind: type[T], place: str, left_out: tuple[str, ...] = ()) -> Table[T]:
    """Return a table with every problem of its fields' names and types.

    Fields ``left_out`` are read elsewhere.
    """
    blank = _BLANK[kind]
    assert isinstance(blank, kind)
    if not isinstance(table, dict):
        return Table(place, blank, frozenset(kind.__struct_fields__), [f"{place}: is no table."])
    broken: dict[str, str] = {}
    good: dict[str, Any] = {}
    around = msgspec.to_builtins(blank)
    for field in msgspec.structs.fields(kind):
        if field.name not in table:
            if field.required:
                broken[field.name] = f"the field '{field.name}' is missing."
        elif field.name not in left_out:
            try:
                # With the others blank, so that the error tells the place within the field.
                one = msgspec.convert({**around, field.name: table[field.name]}, kind)
                good[field.name] = getattr(one, field.name)
            except msgspec.ValidationError as error:
                broken[field.name] = _explain(error)
    allowed = ", ".join(kind.__struct_fields__)
    for name in table:
        if name not in kind.__struct_fields__:
            broken[name] = f"unknown field '{name}'. Allowed: {allowed}."
    return Table(
        place,
        msgspec.structs.replace(blank, **good),
        frozenset(broken),
        [f"{place}: {problem}" for problem in broken.values()],
    )


def _place(field: str, number: int, table: object) -> str:
    given = ""
    if isinstance(table, dict):
        given = str(table.get("id") or table.get("name") or "")
    single = {"entities": "entity", "campaigns": "campaign", "pages": "page"}[field]
    return f"{single} '{given}'" if given else f"{single} number {number}"


def _explain(error: msgspec.ValidationError) -> str:
    """Turn msgspec's message into a sentence with the field and what is allowed."""
    message = str(error)
    place = _PLACE.search(message)
    what, where = (message[: place.start()], place[1]) if place else (message, "")
    if where == "kind":
        return f"kind: {what}. Allowed: {', '.join(get_args(Kind))}."
    if where == "aliases" and "enum" in what:
        script = what.removeprefix("Invalid enum value ")
        return (
            f"aliases: {script} is no script. Allowed: {', '.join(get_args(Script))}. (A field of "
            "the entity itself stands above its [entities.aliases].)"
        )
    return f"{where or 'here'}: {what[:1].lower()}{what[1:]}."
