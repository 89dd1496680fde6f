"""The shape of a watchlist file and the rules for its fields.

What the fields mean to a user: ``docs/watchlists.md``. The rules are pydantic validators, so that
a file is checked whole and every problem is told with its place (:mod:`ingest.watchlist.parsing`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, NamedTuple, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    ValidationInfo,
    field_validator,
    model_validator,
)

from ingest import zones
from ingest.privacy.masking import is_handle
from nlp.text import tokenize

T = TypeVar("T")
Kind = Literal["operator", "app", "regulator", "government", "topic"]
Script = Literal["latin", "arabic", "other"]
Tokens = tuple[str, ...]
"""The tokens of an alias: the form in which aliases are compared."""

#: The name that stands for "no watchlist".
NONE = "none"

_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Z][a-z]{3})?")
_ARABIC = re.compile("[\u0600-\u06ff]")
_LETTER = re.compile(r"[^\W\d_]")


class Names(NamedTuple):
    """What a field is compared with that stands in another table: the context of a validation."""

    ids: Sequence[str] | None
    """The ids of all entities; ``None`` where one can't be read, so that nobody can be missed."""
    owners: Mapping[Tokens, str]
    """The first entity that each alias names."""


def tokens(text: str) -> Tokens:
    """Return the tokens of an alias."""
    return tuple(token.text for token in tokenize(text))


def _names(info: ValidationInfo) -> Names:
    return info.context if isinstance(info.context, Names) else Names(None, {})


def _slug(value: str) -> str:
    if not _SLUG.fullmatch(value):
        raise ValueError("must be small letters, digits and hyphens")
    return value


def _not_blank(value: str) -> str:
    if not value.strip():
        raise ValueError("is empty")
    return value


def _country(value: str) -> str:
    if not re.fullmatch("[A-Z]{2}", value):
        raise ValueError("must be an ISO 3166 code such as 'FR'")
    return value


def _timezone(value: str) -> str:
    try:
        zones.zone(value)
    except ValueError:
        raise ValueError("is unknown; write it like 'Europe/Paris'") from None
    return value


def _language(value: str) -> str:
    if not _LANGUAGE.fullmatch(value):
        raise ValueError("is no language code such as 'fr' or 'ary-Latn'")
    return value


def _phrase(value: str) -> str:
    found = tokens(value)
    if not found:
        raise ValueError("is empty (no letter or digit in it)")
    if any(word[0] in "#@[" for word in found):
        raise ValueError("holds a hashtag or handle; use 'hashtags' or 'handles'")
    return value


def _hashtag(value: str) -> str:
    found = tokens(value)
    if len(found) != 1 or found[0][0] != "#":
        raise ValueError("must be one word that begins with #")
    return value


def _handle(value: str) -> str:
    if not is_handle(value) or tokens(value)[:1] in ((), ("@",)):
        raise ValueError(
            "must be one word that begins with @ (@name, @name.example, @name@server.example)"
        )
    return value


def _owned(value: str, info: ValidationInfo) -> str:
    """See that an alias names no other entity."""
    own = info.data.get("id")
    owner = _names(info).owners.get(tokens(value), own)
    if own is not None and owner != own:
        raise ValueError(
            f"is also an alias of '{owner}' (case, accents and letter variants do not count). "
            "Keep it in one of them"
        )
    return value


def _known(value: str, info: ValidationInfo) -> str:
    """See that a name is that of an entity."""
    ids = _names(info).ids
    if ids is not None and value not in ids:
        raise ValueError(f"is no entity of this watchlist. Allowed: {', '.join(ids)}")
    return value


def _filled(value: tuple[T, ...]) -> tuple[T, ...]:
    if not value:
        raise ValueError("name at least one")
    return value


_Slug = Annotated[str, AfterValidator(_slug)]
_Title = Annotated[str, AfterValidator(_not_blank)]
_Phrase = Annotated[str, AfterValidator(_phrase)]
_Hashtag = Annotated[str, AfterValidator(_hashtag)]
_Handle = Annotated[str, AfterValidator(_handle)]
_Reference = Annotated[str, AfterValidator(_known)]
_Owned = AfterValidator(_owned)
#: Unlike ``min_length``, which counts only the items that are valid.
_Filled = AfterValidator(_filled)


#: Words for people by the code of their language. They change no post and no fingerprint.
Translated = dict[Annotated[str, AfterValidator(_language)], _Title]


class _Table(BaseModel):
    # Building the validators takes some 30 ms, which commands without a watchlist must not pay.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Entity(_Table):
    """Something whose mentions are looked for."""

    id: _Slug
    kind: Kind
    name: _Title
    """As charts and tables show it."""
    names: Translated = {}
    """The same in other languages, by their codes."""
    aliases: dict[Script, tuple[Annotated[_Phrase, _Owned], ...]] = {}
    """Tokens and phrases that name it, by script; without article and clitics."""
    sounds: tuple[_Phrase, ...] = ()
    """Aliases that are also found in other spellings of their script, by cross-script keys."""
    hashtags: tuple[Annotated[_Hashtag, _Owned], ...] = ()
    handles: tuple[Annotated[_Handle, _Owned], ...] = ()
    ambiguous: tuple[Annotated[_Phrase, _Owned], ...] = ()
    """Aliases that count only with a context word or another sure mention nearby."""
    context: tuple[_Phrase, ...] = ()
    """Tokens that make an ambiguous alias nearby count."""
    vetoes: tuple[_Phrase, ...] = ()
    """Tokens that keep an ambiguous alias nearby from counting, whatever else is there."""
    exclusions: tuple[_Phrase, ...] = ()
    """Phrases inside which no alias counts ("jus d'orange")."""

    @field_validator("id")
    @classmethod
    def _is_used_once(cls, value: str, info: ValidationInfo) -> str:
        if (_names(info).ids or ()).count(value) > 1:
            raise ValueError("is the id of two entities")
        return value

    @field_validator("aliases")
    @classmethod
    def _are_in_their_script(
        cls, value: dict[Script, tuple[str, ...]]
    ) -> dict[Script, tuple[str, ...]]:
        for script, aliases in value.items():
            for alias in aliases:
                arabic = bool(_ARABIC.search(alias))
                if script != "other" and _LETTER.search(alias) and arabic != (script == "arabic"):
                    raise ValueError(f"{script}: '{alias}' is not written in this script")
        return dict(sorted(value.items()))  # in any order the same watchlist

    @field_validator("sounds")
    @classmethod
    def _are_aliases(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if "aliases" in info.data:
            known = _compared(info.data["aliases"])
            if unknown := [alias for alias in value if tokens(alias) not in known]:
                raise ValueError(f"{_listed(unknown)} must stand under aliases too")
        return value

    @field_validator("ambiguous")
    @classmethod
    def _are_no_aliases(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        known = _compared(info.data.get("aliases", {}))
        if twice := [alias for alias in value if tokens(alias) in known]:
            raise ValueError(f"{_listed(twice)} stands under aliases too; keep one of the two")
        return value

    @field_validator("context", "vetoes")
    @classmethod
    def _has_effect(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if value and not info.data.get("ambiguous", True):
            raise ValueError("it has no effect without 'ambiguous' aliases")
        return value

    @model_validator(mode="after")
    def _can_be_found(self) -> Self:
        if not (any(self.aliases.values()) or self.ambiguous or self.hashtags or self.handles):
            raise ValueError("has no alias, hashtag or handle; it could never be found")
        return self


class Campaign(_Table):
    """Hashtags and phrases of a campaign, and the entities they stand for."""

    entities: Annotated[tuple[_Reference, ...], _Filled]
    hashtags: tuple[_Hashtag, ...] = ()
    phrases: tuple[_Phrase, ...] = ()

    @model_validator(mode="after")
    def _can_be_found(self) -> Self:
        if not self.hashtags and not self.phrases:
            raise ValueError("has neither hashtags nor phrases")
        return self


class Page(_Table):
    """A public page whose likes or followers are counted."""

    entity: _Reference
    platform: str
    name: str
    url: str = ""


class Content(_Table):
    """The file as it is written."""

    name: _Slug
    title: _Title
    titles: Translated = {}
    """The same in other languages, by their codes."""
    country: Annotated[str, AfterValidator(_country)]
    """ISO 3166 code of two letters, for telephone numbers without a prefix."""
    timezone: Annotated[str, AfterValidator(_timezone)]
    languages: tuple[Annotated[str, AfterValidator(_language)], ...]
    entities: Annotated[tuple[Entity, ...], _Filled]
    campaigns: tuple[Campaign, ...] = ()
    pages: tuple[Page, ...] = ()
    readable_handles: tuple[_Handle, ...] = ()
    """Handles besides those of the entities that masking leaves readable."""

    @field_validator("name")
    @classmethod
    def _is_a_name(cls, value: str) -> str:
        if value == NONE:
            raise ValueError(f"must not be '{NONE}', which stands for no watchlist")
        return value


def _compared(aliases: Mapping[Script, tuple[str, ...]]) -> set[Tokens]:
    return {tokens(alias) for group in aliases.values() for alias in group}


def _listed(aliases: Sequence[str]) -> str:
    return ", ".join(f"'{alias}'" for alias in aliases)
