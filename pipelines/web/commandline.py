"""A search as the arguments of a command, so that people can see and repeat what a page does."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from pipelines.web.asked import Asked

#: Filters that are options of commands; the others go into the query.
_OPTIONS = ("since", "until", "lang", "sentiment", "entity", "platform")


def words(asked: Asked) -> list[str]:
    """Return the options and the query of a search, as a command takes them."""
    options: list[str] = []
    query = [asked.q] if asked.q else []
    for name, given in asked.filters().items():
        values = given if isinstance(given, tuple) else (given,)
        if name in _OPTIONS:
            options += [f"--{name}={','.join(values)}"]
        else:
            query += [f"{name}:{','.join(values)}"]
    # a query may begin with a minus
    return [*options, *(["--", *query] if query else [])]


def export(asked: Asked, store: str, folder: str, formats: Sequence[str]) -> list[str]:
    """Return the arguments of ``marsad export``."""
    return [
        "export",
        f"--store={store}",
        f"--to={folder}",
        f"--format={','.join(formats)}",
        *words(asked),
    ]


def shown(arguments: Sequence[str]) -> str:
    """Return a command as people type it."""
    return shlex.join(["marsad", *arguments])
