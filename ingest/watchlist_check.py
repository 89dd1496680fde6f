"""Tells everything that is wrong with a watchlist, each problem with its place and remedy."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, get_args
from zoneinfo import ZoneInfo

import msgspec

from ingest.watchlist_schema import NONE, Campaign, Content, Entity, Kind, Page, Script
from nlp.text import tokenize

_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Z][a-z]{3})?")
_ARABIC = re.compile("[\u0600-\u06ff]")
_LETTER = re.compile(r"[^\W\d_]")
_UNKNOWN = re.compile(r"unknown field `(.+?)`")
_PLACE = re.compile(r" - at (?:`key` in )?`\$\.?(.*)`$")
_PARTS: tuple[tuple[str, type[Entity | Campaign | Page]], ...] = (
    ("entities", Entity),
    ("campaigns", Campaign),
    ("pages", Page),
)


def convert(raw: dict[str, Any]) -> tuple[Content | None, list[str]]:
    """Return the content with the problems of its fields' names and types.

    Each table is converted by itself first, so that a problem names the entity it is in.
    """
    problems: list[str] = []
    for field, kind in _PARTS:
        tables = raw.get(field, [])
        if not isinstance(tables, list):
            problems.append(f"{field}: must be tables, written [[{field}]].")
            continue
        for number, table in enumerate(tables, 1):
            place = _place(field, number, table)
            try:
                msgspec.convert(table, kind)
            except msgspec.ValidationError as error:
                problems.append(f"{place}: {_explain(error, kind)}")
    if problems:
        return None, problems
    try:
        return msgspec.convert(raw, Content), []
    except msgspec.ValidationError as error:
        return None, [f"at the top: {_explain(error, Content)}"]


def _place(field: str, number: int, table: object) -> str:
    given = ""
    if isinstance(table, dict):
        given = str(table.get("id") or table.get("name") or "")
    single = {"entities": "entity", "campaigns": "campaign", "pages": "page"}[field]
    return f"{single} '{given}'" if given else f"{single} number {number}"


def _explain(error: msgspec.ValidationError, kind: type[msgspec.Struct]) -> str:
    """Turn msgspec's message into a sentence with the field and what is allowed."""
    message = str(error)
    place = _PLACE.search(message)
    what, where = (message[: place.start()], place[1]) if place else (message, "")
    unknown = _UNKNOWN.search(what)
    if unknown:
        return f"unknown field '{unknown[1]}'. Allowed: {', '.join(kind.__struct_fields__)}."
    missing = re.search(r"missing required field `(.+?)`", what)
    if missing:
        return f"the field '{missing[1]}' is missing."
    if where == "kind":
        return f"kind: {what}. Allowed: {', '.join(get_args(Kind))}."
    if where == "aliases" and "enum" in what:
        script = what.removeprefix("Invalid enum value ")
        return (
            f"aliases: {script} is no script. Allowed: {', '.join(get_args(Script))}. (A field of "
            "the entity itself stands above its [entities.aliases].)"
        )
    return f"{where or 'here'}: {what[:1].lower()}{what[1:]}."


def check(content: Content) -> list[str]:
    """Return the problems of meaning: empty, doubled, shared or dangling entries."""
    ids = [entity.id for entity in content.entities]
    problems = [*_head(content)]
    problems += [
        f"entity '{i}': the id is used twice." for i in {i for i in ids if ids.count(i) > 1}
    ]
    for entity in content.entities:
        problems += [f"entity '{entity.id}', {problem}" for problem in _entity(entity)]
    for number, campaign in enumerate(content.campaigns, 1):
        place = f"campaign number {number}"
        if not campaign.entities:
            problems.append(f"{place}, entities: name at least one entity it stands for.")
        if not campaign.hashtags and not campaign.phrases:
            problems.append(f"{place}: has neither hashtags nor phrases.")
        problems += [f"{place}, {p}" for p in _refer(campaign.entities, ids)]
        problems += [f"{place}, {p}" for p in _signed("hashtags", campaign.hashtags, "#")]
        problems += [f"{place}, {p}" for p in _texts("phrases", campaign.phrases)]
    for page in content.pages:
        problems += [f"page '{page.name}', {p}" for p in _refer((page.entity,), ids)]
    problems += _signed("readable_handles", content.readable_handles, "@")
    problems += _shared(content)
    return problems


def _head(content: Content) -> Iterator[str]:
    if not _SLUG.fullmatch(content.name) or content.name == NONE:
        yield (
            f"name: '{content.name}' must be small letters, digits and hyphens, and not '{NONE}'."
        )
    if not content.title.strip():
        yield "title: is empty."
    if not re.fullmatch("[A-Z]{2}", content.country):
        yield f"country: '{content.country}' must be an ISO 3166 code such as 'FR'."
    try:
        ZoneInfo(content.timezone)
    except (OSError, ValueError, KeyError):
        yield f"timezone: '{content.timezone}' is unknown; write it like 'Europe/Paris'."
    for language in content.languages:
        if not _LANGUAGE.fullmatch(language):
            yield f"languages: '{language}' is no language code such as 'fr' or 'ary-Latn'."
    if not content.entities:
        yield "entities: there is none; nothing would ever match."


def _entity(entity: Entity) -> Iterator[str]:
    yield from _fields(entity)
    if not (any(entity.aliases.values()) or entity.ambiguous or entity.hashtags or entity.handles):
        yield "aliases: there is none, and no hashtag or handle; it could never be found."
    if not entity.ambiguous:
        for field in ("context", "vetoes"):
            if getattr(entity, field):
                yield f"{field}: has no effect without 'ambiguous' aliases."
    known = {words(a) for group in entity.aliases.values() for a in group}
    for alias in entity.ambiguous:
        if words(alias) in known:
            yield f"ambiguous: '{alias}' stands under aliases too; keep one of the two."
    for alias in entity.sounds:
        if words(alias) not in known:
            yield f"sounds: '{alias}' must stand under aliases too."


def _fields(entity: Entity) -> Iterator[str]:
    if not _SLUG.fullmatch(entity.id):
        yield f"id: '{entity.id}' must be small letters, digits and hyphens."
    if not entity.name.strip():
        yield "name: is empty."
    for script, aliases in entity.aliases.items():
        yield from _texts(f"aliases.{script}", aliases)
        for alias in aliases:
            arabic = bool(_ARABIC.search(alias))
            if script != "other" and _LETTER.search(alias) and arabic != (script == "arabic"):
                yield f"aliases.{script}: '{alias}' is not written in this script."
    for field in ("sounds", "ambiguous", "context", "vetoes", "exclusions"):
        yield from _texts(field, getattr(entity, field))
    yield from _signed("hashtags", entity.hashtags, "#")
    yield from _signed("handles", entity.handles, "@")


def words(text: str) -> tuple[str, ...]:
    """Return the tokens of an alias, the form in which aliases are compared."""
    return tuple(token.text for token in tokenize(text))


def _texts(field: str, texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        found = words(text)
        if not found:
            yield f"{field}: '{text}' is empty (no letter or digit in it)."
        elif any(word[0] in "#@[" for word in found):
            yield f"{field}: '{text}' holds a hashtag or handle; use 'hashtags' or 'handles'."


def _signed(field: str, texts: Iterable[str], sign: str) -> Iterator[str]:
    for text in texts:
        found = words(text)
        if len(found) != 1 or found[0][0] != sign:
            yield f"{field}: '{text}' must be one word that begins with {sign}."


def _refer(named: Iterable[str], ids: list[str]) -> Iterator[str]:
    for name in named:
        if name not in ids:
            yield f"entities: there is no entity '{name}'. Allowed: {', '.join(ids)}."


def _shared(content: Content) -> Iterator[str]:
    owner: dict[tuple[str, ...], str] = {}
    for entity in content.entities:
        groups = (*entity.aliases.values(), entity.ambiguous, entity.hashtags, entity.handles)
        for alias in (alias for group in groups for alias in group):
            other = owner.setdefault(words(alias), entity.id)
            if other != entity.id:
                yield (
                    f"entity '{entity.id}': '{alias}' is also an alias of '{other}' "
                    "(case, accents and letter variants do not count). Keep it in one of them."
                )
