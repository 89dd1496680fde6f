"""The fields a query may name, and what their values look like."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from datetime import date
from typing import get_args

import msgspec

from ingest.mapping.ids import platform_name
from ingest.records import Flag, Label
from pipelines.counts import COUNTS
from pipelines.query import counts

LANGUAGES = ("fr", "ar", "ary", "ary-Latn", "en", "zgh", "mixed", "other")
#: What people call the languages, in three languages: each with its codes. ``ary`` is Moroccan
#: Arabic (Darija) in Arabic letters, ``ary-Latn`` the same in Latin letters (Arabizi).
LANGUAGE_NAMES: dict[str, tuple[str, ...]] = {
    name: codes
    for names, codes in (
        (("darija", "darja", "moroccan arabic", "moroccan", "marocain", "الدارجة", "دارجة"),
         ("ary", "ary-Latn")),
        (("arabizi", "arabish", "عربيزي"), ("ary-Latn",)),
        (("french", "français", "francais", "فرنسية", "الفرنسية"), ("fr",)),
        (("english", "anglais", "إنجليزية", "انجليزية", "الإنجليزية"), ("en",)),
        (("arabic", "arabe", "standard arabic", "msa", "fusha", "عربية", "العربية", "الفصحى",
          "فصحى"), ("ar",)),
        (("berber", "tamazight", "amazigh", "berbère", "أمازيغية", "الأمازيغية"), ("zgh",)),
        (("mixed languages", "mixte", "مختلط"), ("mixed",)),
        (("other language", "autre", "أخرى"), ("other",)),
    )
    for name in names
}  # fmt: skip

#: Codes of languages in words, for people.
LANGUAGE_WORDS: dict[str, dict[str, str]] = {
    "en": {
        "fr": "French", "ar": "Arabic", "ary": "Darija (Arabic letters)",
        "ary-Latn": "Darija (Latin letters)", "en": "English", "zgh": "Berber",
        "mixed": "mixed", "other": "other",
    },
    "fr": {
        "fr": "français", "ar": "arabe", "ary": "darija (lettres arabes)",
        "ary-Latn": "darija (lettres latines)", "en": "anglais", "zgh": "berbère",
        "mixed": "mélangé", "other": "autre",
    },
    "ar": {
        "fr": "الفرنسية", "ar": "العربية", "ary": "الدارجة (حروف عربية)",
        "ary-Latn": "الدارجة (حروف لاتينية)", "en": "الإنجليزية", "zgh": "الأمازيغية",
        "mixed": "مختلط", "other": "أخرى",
    },
}  # fmt: skip

LABELS: tuple[str, ...] = get_args(Label)
FLAGS: tuple[str, ...] = get_args(Flag)
#: By which model: the fast one that lets posts be found at once, or the one that counts.
SCORED = ("provisional", "final")

#: What the field ``source`` of posts from a data set begins with.
_ARCHIVE = "archive:"
_NOT_IN_IDS = re.compile(r"[^a-z0-9]+")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Field(msgspec.Struct, frozen=True):
    """One field: its check turns a value into its one form or raises ``ValueError``.

    The error's text says what is allowed.
    """

    name: str
    example: str
    check: Callable[[str], str]
    several: bool = True
    """Whether a list of values, parted by commas, makes sense."""
    names: dict[str, tuple[str, ...]] = {}
    """Names that people use, case-folded, each with the values it stands for."""

    def values(self, value: str) -> tuple[str, ...]:
        """Return the values that one written value stands for; raises what ``check`` raises."""
        named = self.names.get(" ".join(value.split()).casefold())
        return named or (self.check(value),)


def _any(value: str) -> str:
    return value


def _one_of(allowed: tuple[str, ...]) -> Callable[[str], str]:
    by_folded = {a.casefold(): a for a in allowed}

    def check(value: str) -> str:
        if value.casefold() not in by_folded:
            raise ValueError(f"one of {', '.join(allowed)}")
        return by_folded[value.casefold()]

    return check


def _no_date(value: str) -> str:
    if value.casefold() != "unknown":
        raise ValueError("unknown alone; a day is day:2016-02-27, a time since: and until:")
    return "unknown"


def _day(value: str) -> str:
    wrong = ValueError("a day of the calendar such as 2016-02-27")
    if not _DAY.fullmatch(value):  # Python alone reads 20160227 and week dates too
        raise wrong
    try:
        return date.fromisoformat(value).isoformat()
    except ValueError:
        raise wrong from None


def entity_id(value: str) -> str:
    """Return the id that an entity written as people do has: ``Maroc Telecom``, ``Méditel``.

    Ids are small letters, digits and hyphens; what has none of them stays as it is.
    """
    bare = unicodedata.normalize("NFKD", value).casefold()
    bare = "".join(sign for sign in bare if not unicodedata.combining(sign))
    return _NOT_IN_IDS.sub("-", bare).strip("-") or value


def _platform(value: str) -> str:
    name = platform_name(value)
    if not name:
        raise ValueError("the name of a platform, such as twitter")
    return name


def with_data_sets(sources: Sequence[str]) -> tuple[str, ...]:
    """Return the sources that are asked for, and the data sets of that name.

    The posts of a data set have the source ``archive:NAME``, whose second half alone people know.
    """
    sets = (_ARCHIVE + one for one in sources if not one.startswith(_ARCHIVE))
    return tuple(dict.fromkeys((*sources, *sets)))


def _target(value: str) -> str:
    entity, _, label = value.rpartition("=")
    if not entity or label.casefold() not in LABELS:
        raise ValueError(f"an entity and its attitude: ENTITY={'|'.join(LABELS)}")
    return f"{entity_id(entity)}={label.casefold()}"


#: Named beside the codes where a value is not known.
_SHORT_NAMES = ("darija", "arabizi", "french", "arabic", "english")

FIELDS: dict[str, Field] = {
    field.name: field
    for field in (
        Field("lang", "lang:darija", _one_of((*LANGUAGES, *_SHORT_NAMES)), names=LANGUAGE_NAMES),
        Field("sentiment", "sentiment:negative", _one_of(LABELS)),
        Field("entity", "entity:whatsapp", entity_id),
        Field("target", "target:union=negative", _target),
        Field("platform", "platform:twitter", _platform),
        Field("source", "source:sample", _any),
        Field("id", "id:twitter:703500000000000000", _any),
        Field("author", "author:someone", _any),
        Field("day", "day:2016-02-27", _day),
        Field("since", "since:2016-02-01", _day, several=False),
        Field("until", "until:2016-03-01", _day, several=False),
        Field("date", "date:unknown", _no_date),
        Field("flag", "flag:zone-assumed", _one_of(FLAGS)),
        Field("scored", "scored:provisional", _one_of(SCORED)),
        *(Field(name, f"{name}>100", counts.check) for name in COUNTS),
    )
}
#: Fields by what platforms call them: ``retweets`` are ``reposts``.
ALSO_CALLED: dict[str, str] = {own: name for name, owns in COUNTS.items() for own in owns}
