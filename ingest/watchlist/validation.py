"""Tells everything that is wrong with a watchlist, each problem with its place and remedy."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from ingest import zones
from ingest.privacy.masking import is_handle
from ingest.watchlist.parsing import Table, read, tables
from ingest.watchlist.schema import NONE, Campaign, Content, Entity, Page
from nlp.text import tokenize

_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Z][a-z]{3})?")
_ARABIC = re.compile("[\u0600-\u06ff]")
_LETTER = re.compile(r"[^\W\d_]")
_PARTS = ("entities", "campaigns", "pages")


def examine(raw: dict[str, Any]) -> tuple[Content | None, list[str]]:
    """Return the content of a watchlist, ``None`` with problems, and all the problems.

    What is wrong with a field's name or type leaves the rest to be checked for its meaning.
    """
    top = read(raw, Content, "at the top", left_out=_PARTS)
    entities, no_entities = tables(raw, "entities", Entity)
    campaigns, no_campaigns = tables(raw, "campaigns", Campaign)
    pages, no_pages = tables(raw, "pages", Page)
    problems = [*no_entities, *no_campaigns, *no_pages, *top.problems]
    for found in (entities, campaigns, pages):
        problems += [problem for table in found for problem in table.problems]
    problems += filter(top.meant, _head(top.value))
    if not raw.get("entities", True):
        problems.append("entities: there is none; nothing would ever match.")
    problems += _entities(entities)
    # Who is meant by a name can be told only where all names can be read.
    named = not no_entities and not any("id" in table.broken for table in entities)
    ids = [table.value.id for table in entities] if named else None
    problems += _campaigns(campaigns, ids)
    for page in pages:
        unknown = _refer((page.value.entity,), ids) if "entity" not in page.broken else ()
        problems += [f"{page.place}, {problem}" for problem in unknown]
    return (None, problems) if problems else (msgspec.convert(raw, Content), [])


def _entities(tables: Sequence[Table[Entity]]) -> Iterator[str]:
    ids = [table.value.id for table in tables if "id" not in table.broken]
    for name in dict.fromkeys(ids):
        if ids.count(name) > 1:
            yield f"entity '{name}': the id is used twice."
    for table in tables:
        for problem in filter(table.meant, _fields(table.value)):
            yield f"{table.place}, {problem}"
        if not table.broken:
            yield from (f"{table.place}, {problem}" for problem in _whole(table.value))
    yield from _shared([table.value for table in tables if "id" not in table.broken])


def _campaigns(tables: Sequence[Table[Campaign]], ids: Sequence[str] | None) -> Iterator[str]:
    for number, table in enumerate(tables, 1):
        campaign, place = table.value, f"campaign number {number}"
        if not campaign.entities and "entities" not in table.broken:
            yield f"{place}, entities: name at least one entity it stands for."
        if not campaign.hashtags and not campaign.phrases and not table.broken:
            yield f"{place}: has neither hashtags nor phrases."
        for problems in (
            _refer(campaign.entities, ids),
            _signed("hashtags", campaign.hashtags, "#"),
            _texts("phrases", campaign.phrases),
        ):
            yield from (f"{place}, {problem}" for problem in problems)


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
        zones.zone(content.timezone)
    except ValueError:
        yield f"timezone: '{content.timezone}' is unknown; write it like 'Europe/Paris'."
    for language in content.languages:
        if not _LANGUAGE.fullmatch(language):
            yield f"languages: '{language}' is no language code such as 'fr' or 'ary-Latn'."
    yield from _handles("readable_handles", content.readable_handles)


def _whole(entity: Entity) -> Iterator[str]:
    """Yield what is wrong with how fields go together: only where all of them could be read."""
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
    yield from _handles("handles", entity.handles)


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


def _handles(field: str, texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        if not is_handle(text) or words(text)[:1] in ((), ("@",)):
            yield (
                f"{field}: '{text}' must be one word that begins with @ "
                "(@name, @name.example, @name@server.example)."
            )


def _refer(named: Iterable[str], ids: Sequence[str] | None) -> Iterator[str]:
    for name in named:
        if ids is not None and name not in ids:
            yield f"entities: there is no entity '{name}'. Allowed: {', '.join(ids)}."


def _shared(entities: Iterable[Entity]) -> Iterator[str]:
    owner: dict[tuple[str, ...], str] = {}
    for entity in entities:
        groups = (*entity.aliases.values(), entity.ambiguous, entity.hashtags, entity.handles)
        for alias in (alias for group in groups for alias in group):
            other = owner.setdefault(words(alias), entity.id)
            if other != entity.id:
                yield (
                    f"entity '{entity.id}': '{alias}' is also an alias of '{other}' "
                    "(case, accents and letter variants do not count). Keep it in one of them."
                )
