"""What routes of the API take: the filters of a search, as the pages' addresses have them."""

from __future__ import annotations

from typing import Annotated, get_args

from fastapi import Depends, Query

from pipelines.searching import Sort
from pipelines.web.asked import DEEPEST, LONGEST, By, Split, asked
from pipelines.web.asked import Asked as State

_Several = Annotated[list[str] | None, Query(max_length=50)]
_Day = Annotated[str, Query(description="A day, YYYY-MM-DD.", max_length=10)]


def _read(
    q: Annotated[str, Query(description="A query (docs/query.md).", max_length=LONGEST)] = "",
    lang: _Several = None,
    sentiment: _Several = None,
    entity: _Several = None,
    target: _Several = None,
    platform: _Several = None,
    day: _Day = "",
    since: _Day = "",
    until: _Day = "",
) -> State:
    values = {
        "q": [q],
        "lang": lang or [],
        "sentiment": sentiment or [],
        "entity": entity or [],
        "target": target or [],
        "platform": platform or [],
        "day": [day],
        "since": [since],
        "until": [until],
    }
    return asked(values)


#: A query with its filters.
Asked = Annotated[State, Depends(_read)]
Order = Annotated[Sort, Query(description=" or ".join(get_args(Sort)))]
PageNumber = Annotated[int, Query(ge=1, le=DEEPEST)]
Bucket = Annotated[By, Query(description="Length of a bucket.")]
Groups = Annotated[Split, Query(description="Rows for each of these; empty for none.")]
