"""What is watched: entities with their aliases in every script, campaigns, handles, pages.

A watchlist is a folder with ``watchlist.toml`` (and the case's ``events.csv`` and
``counters.csv``), described in ``docs/watchlists.md``. Nothing about any case stands in code.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

import msgspec

from ingest.errors import WatchlistError
from ingest.privacy.masking import handle_name
from ingest.watchlist.parsing import examine
from ingest.watchlist.schema import NONE, Campaign, Entity, Kind, Page
from nlp.text import tokenize

__all__ = [
    "NONE",
    "Campaign",
    "Entity",
    "Kind",
    "Page",
    "Watchlist",
    "available",
    "companion",
    "load",
    "parse",
    "texts",
]

_FILE = "watchlist.toml"


class Watchlist(msgspec.Struct, frozen=True, kw_only=True):
    """A case, read and found valid."""

    name: str
    title: str
    titles: dict[str, str] = {}
    """The title in other languages, by their codes."""
    country: str
    timezone: str
    languages: tuple[str, ...]
    entities: tuple[Entity, ...]
    campaigns: tuple[Campaign, ...]
    pages: tuple[Page, ...]
    handles: frozenset[str]
    """Handles that masking leaves readable, with their ``@``, as they are compared."""
    fingerprint: str
    """``name@`` and eight hex digits of a hash over the content.

    Comments, ``titles`` and ``names`` do not count.
    """


def available() -> list[str]:
    """Return the names of the watchlists that come with Marsad."""
    return sorted(f.name for f in _shipped().iterdir() if f.joinpath(_FILE).is_file())


def load(name: str | Path) -> Watchlist | None:
    """Return a watchlist by its name, file or folder; ``None`` for the name ``none``.

    Raises :class:`~ingest.errors.WatchlistError`, which tells every problem with its place.
    """
    if name == NONE:
        return None
    file = _find(name)
    return parse(_read(file, str(file)), str(file))


def texts(name: str | Path) -> tuple[str, str]:
    """Return the TOML of a watchlist and the CSV of its events, which is empty without one.

    Raises :class:`~ingest.errors.WatchlistError` if there is no such watchlist.
    """
    file = _find(name)
    return _read(file, str(file)), companion(name, "events.csv") or ""


def companion(name: str | Path, file: str) -> str | None:
    """Return the text of a file beside the watchlist (``events.csv``), ``None`` without one.

    Raises :class:`~ingest.errors.WatchlistError` if there is no such watchlist.
    """
    if name == NONE:
        return None
    found = _find(name)
    if isinstance(found, Path):
        beside: Traversable = found.parent / file
    else:
        beside = _shipped() / str(name) / file
    return _read(beside, str(beside)) if beside.is_file() else None


def parse(text: str, file: str = "watchlist") -> Watchlist:
    """Return the watchlist that a TOML text describes; ``file`` names it in errors.

    Raises :class:`~ingest.errors.WatchlistError`.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise WatchlistError(f"{file} is not valid TOML: {error}.") from None
    except RecursionError:
        raise WatchlistError(f"{file} can't be read: its brackets are nested too deep.") from None
    content, problems = examine(raw)
    if content is None:
        lines = "\n".join(f"  - {p}" for p in problems)
        raise WatchlistError(
            f"{file} can't be used:\n{lines}\nEvery field is described in docs/watchlists.md."
        )
    # What people call things in other languages changes no post.
    said = content.model_dump_json(exclude={"titles": True, "entities": {"__all__": {"names"}}})
    digest = hashlib.sha256(said.encode()).hexdigest()
    handles = [h for e in content.entities for h in e.handles] + list(content.readable_handles)
    return Watchlist(
        name=content.name,
        title=content.title,
        titles=content.titles,
        country=content.country,
        timezone=content.timezone,
        languages=content.languages,
        entities=content.entities,
        campaigns=content.campaigns,
        pages=content.pages,
        handles=frozenset(form for handle in handles for form in _forms(handle)),
        fingerprint=f"{content.name}@{digest[:8]}",
    )


def _forms(handle: str) -> Iterator[str]:
    """Yield what a handle stays readable as: as it is written, and as words are compared."""
    yield "@" + handle_name(handle)
    # Of several words the first would be somebody else's handle.
    tokens = tokenize(handle)
    if len(tokens) == 1:
        yield tokens[0].text


def _shipped() -> Traversable:
    return resources.files("ingest") / "watchlists"


def _find(name: str | Path) -> Traversable:
    """Return the TOML file that a name or path means."""
    if isinstance(name, str) and name in available():
        return _shipped() / name / _FILE
    path = Path(name)
    if path.is_dir() and (path / _FILE).is_file():
        return path / _FILE
    if path.is_file():
        return path
    names = ", ".join([*available(), NONE])
    if path.is_dir():
        raise WatchlistError(f"The folder {path} holds no {_FILE}.")
    raise WatchlistError(
        f"There is no watchlist '{name}': neither one of those that come with Marsad ({names}) "
        f"nor a .toml file nor a folder with a {_FILE}."
    )


def _read(file: Traversable, name: str) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise WatchlistError(f"{name} can't be read: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        raise WatchlistError(
            f"{name} is not UTF-8 (byte {error.start}). Save it as UTF-8 and try again."
        ) from None
