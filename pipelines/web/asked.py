"""What a reader asks for: the state that stands in the address, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, get_args
from urllib.parse import urlencode

import msgspec

from pipelines.searching import SORTS, Sort

By = Literal["auto", "day", "week", "month", "hour"]
Split = Literal["", "entity", "language", "platform"]
Copied = Literal["", "out", "both"]

#: Filters that may have several values, in the order of the page.
SEVERAL = ("lang", "sentiment", "entity", "target", "platform")
#: Filters with one value.
SINGLE = ("day", "since", "until")
#: Posts on a page.
PAGE = 20
#: Deeper than this a list is of no use to people, and costs the store more and more.
DEEPEST = 500
#: Characters of a query at most.
LONGEST = 2_000


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A query with its filters, as an address says it."""

    q: str = ""
    lang: tuple[str, ...] = ()
    sentiment: tuple[str, ...] = ()
    entity: tuple[str, ...] = ()
    target: tuple[str, ...] = ()
    platform: tuple[str, ...] = ()
    day: str = ""
    since: str = ""
    until: str = ""
    sort: Sort = "newest"
    page: int = 1
    by: By = "auto"
    split: Split = ""
    vs: str = ""
    """Another query, whose trends are shown beside those of the first."""
    raw: bool = False
    """Whether shares are shown as the model gives them, without correction."""
    copies: Copied = ""
    """Near-identical texts by many accounts count, do not count (``out``), or ``both`` is shown."""
    breaks: bool = False
    """Whether days are looked for on which shares changed."""

    def filters(self) -> dict[str, str | tuple[str, ...]]:
        """Return the filters that are set, as the commands name them."""
        named = {name: getattr(self, name) for name in (*SEVERAL, *SINGLE)}
        return {name: value for name, value in named.items() if value}

    def changed(self, **changes: object) -> Asked:
        """Return the same with other values; it begins at the first page again."""
        return msgspec.structs.replace(self, **{"page": 1, **changes})

    def with_value(self, field: str, value: str) -> Asked:
        """Return the same narrowed to a value of a facet."""
        if field in SINGLE:
            return self.changed(**{field: value})
        before: tuple[str, ...] = getattr(self, field)
        return self.changed(**{field: tuple(dict.fromkeys((*before, value)))})

    def without_value(self, field: str, value: str = "") -> Asked:
        """Return the same without a value of a facet."""
        if field in SINGLE or field in {"q", "vs"}:
            return self.changed(**{field: ""})
        before: tuple[str, ...] = getattr(self, field)
        return self.changed(**{field: tuple(one for one in before if one != value)})

    def address(self, path: str) -> str:
        """Return the address of a page that shows this."""
        values = [
            (name, one)
            for name, given in msgspec.structs.asdict(self).items()
            if given and given != _DEFAULTS[name]
            for one in (given if isinstance(given, tuple) else ("1" if given is True else given,))
        ]
        return f"{path}?{urlencode(values)}" if values else path


_DEFAULTS = msgspec.structs.asdict(Asked())


def asked(values: Mapping[str, Sequence[str]]) -> Asked:
    """Read an address. What it can't mean is left out rather than refused: addresses are kept,
    sent and edited by hand; values of filters are checked by the query language itself.
    """

    def first(name: str) -> str:
        return _clean((values.get(name) or [""])[0])

    several = {
        name: tuple(dict.fromkeys(_clean(one) for one in values.get(name, ()) if _clean(one)))[:50]
        for name in SEVERAL
    }
    single = {name: first(name) for name in SINGLE}
    sort, by, split = first("sort"), first("by"), first("split")
    copies = first("copies")
    if copies == "both" and (split or first("vs")):
        copies = ""  # side by side stands one thing
    number = first("page")
    page = int(number) if number.isascii() and number.isdigit() and len(number) < 6 else 1
    state = {
        "q": first("q"),
        **several,
        **single,
        "sort": sort if sort in SORTS else "newest",
        "by": by if by in get_args(By) else "auto",
        "split": split if split in get_args(Split) else "",
        "vs": first("vs"),
        "raw": first("raw") == "1",
        "copies": copies if copies in get_args(Copied) else "",
        "breaks": first("breaks") == "1",
        "page": min(max(page, 1), DEEPEST),
    }
    return msgspec.convert(state, Asked)


def _clean(value: str) -> str:
    # lone surrogates and zeros can't be asked of any store
    text = value.replace("\x00", " ").encode("utf-8", "ignore").decode("utf-8")
    return text.strip()[:LONGEST]
