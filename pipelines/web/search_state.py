"""The filters of a search as the page lists them."""

from __future__ import annotations

from pipelines.web.asked import SEVERAL, SINGLE, Asked


def chosen(asked: Asked) -> list[tuple[str, str]]:
    """Return the filters that narrow the search, as field and value."""
    found: list[tuple[str, str]] = []
    for field in (*SINGLE, *SEVERAL):
        given = getattr(asked, field)
        values = given if isinstance(given, tuple) else (given,)
        found += [(field, value) for value in values if value]
    return found
