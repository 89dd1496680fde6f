"""What an export says about itself: ``manifest.json`` for programs, ``README.txt`` for people."""

from __future__ import annotations

import textwrap
from datetime import datetime
from typing import Any

import msgspec

from pipelines.export.columns import ATTITUDE, COLUMNS, TARGET_COLUMNS, attitude
from pipelines.export.rare import K
from pipelines.records import Ledger

#: What makes a ``manifest.json`` ours.
FORMAT = "marsad-export"
FORMAT_VERSION = 1
MANIFEST = "manifest.json"
README = "README.txt"

_PROTECTED = "Authors are pseudonyms, made with a key that is not part of this export."
_PLAIN = "{posts} the raw account names of their authors."
#: What columns hold besides where names were kept (``--keep-authors``).
_WITH_NAMES = {
    "author": "name of the account where it was kept, else its pseudonym",
    "url": "address of the post, with its author's name where that was kept",
}
_INVENTED = (
    "{posts} invented, as the archive they come from says. They are no evidence of anything: "
    "no opinion, share or trend may be read from them, nor anything about those whom they name."
)
_TEXTS = (
    " Mentions, e-mail addresses, telephone numbers and links in texts are masked. A text can "
    "still be found by searching for it, and with it its author: share texts only with those who "
    "need them, publish figures instead, and leave out what was deleted since (export again)."
)


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What only the caller knows about an export."""

    query: str
    filters: dict[str, Any]
    command: str
    """The command that makes the same export again."""
    store: str
    ledger: Ledger
    """The store's books when the export began."""
    timezone: str
    zone_data: str = ""
    """The edition of the zone data that the days were counted with."""
    created_at: datetime
    marsad: str
    """Version of this software."""
    reason: str = ""
    """Why raw account names are in it (level ``full``)."""
    sampled: str = ""
    """How the posts were sampled; empty where all that match are here."""
    rare: int = 0
    """Posts whose combination of platform, day, language and entities few accounts share."""
    all_posts: int = 0
    """Posts of the store in the days of the query, scored for good."""
    gaps: tuple[str, ...] = ()
    """When a source was not read, in words."""
    suppressed: bool = False
    """Whether those posts lost what makes them rare."""
    own_pseudonyms: bool = False
    """Whether pseudonyms are of this export alone."""


class File(msgspec.Struct, frozen=True, kw_only=True):
    """One file of an export."""

    sha256: str
    bytes: int
    rows: int
    """Rows or lines, without the header."""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """What an export holds."""

    posts: int = 0
    without_day: int = 0
    plain_authors: int = 0
    """Posts whose author is no pseudonym (collected with ``--keep-authors``)."""
    fictional: int = 0
    """Posts of which their archive says that they are invented."""
    first_day: str = ""
    last_day: str = ""
    languages: dict[str, int] = {}
    models: dict[str, int] = {}
    watchlists: dict[str, int] = {}
    sources: dict[str, int] = {}
    files: dict[str, File] = {}
    columns: list[str] = []
    """Of NDJSON and Parquet, where these were written."""
    flat: list[str] = []
    """Of CSV and xlsx, where these were written."""
    csv_for: str = "en"
    level: str = "pseudonymous"
    left_out: int = 0
    """Posts that were left out since few have what an outsider may know of them."""


class Known(msgspec.Struct, frozen=True):
    """The part of a manifest that a later export looks at."""

    format: str
    files: dict[str, msgspec.Raw] = {}


def many(posts: int) -> str:
    """Return so many posts in words: ``1 post``, ``2,000 posts``."""
    return "1 post" if posts == 1 else f"{posts:,} posts"


def manifest(account: Account, facts: Facts) -> bytes:
    """Return ``manifest.json``."""
    content = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "created_at": facts.created_at,
        "marsad": facts.marsad,
        "query": facts.query,
        "filters": facts.filters,
        "command": facts.command,
        "timezone": facts.timezone,
        "zone_data": facts.zone_data,
        "posts": account.posts,
        "fictional": account.fictional,
        "without_day": account.without_day,
        "first_day": account.first_day,
        "last_day": account.last_day,
        "languages": account.languages,
        "models": account.models,
        "watchlists": account.watchlists,
        "pending": facts.ledger.pending,
        "store": {"name": facts.store, "ledger": facts.ledger},
        "plain_authors": account.plain_authors,
        "privacy": privacy(account),
        "fiction": fiction(account),
        "files": account.files,
        "level": account.level,
        "pseudonyms": "own" if facts.own_pseudonyms else "store",
        "reason": facts.reason,
        "sample": facts.sampled,
        "rare_posts": facts.rare,
        "rare_suppressed": facts.suppressed,
        "left_out": account.left_out,
        "columns": columns(account),
        "target_columns": TARGET_COLUMNS,
    }
    return msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n"


def privacy(account: Account) -> str:
    """Return what those who get the export must know about the people in it."""
    plain = account.plain_authors
    posts = "1 post carries" if plain == 1 else f"{plain:,} posts carry"
    if account.level == "ids":
        return "Ids alone: who gets them must ask the platform for the posts that are still there."
    texts = _TEXTS if account.level in {"pseudonymous", "full"} else ""
    return (_PLAIN.format(posts=posts) if plain else _PROTECTED) + texts


def columns(account: Account) -> dict[str, str]:
    """Return what each column holds in this export, whatever the format."""
    known = {column.name: column.about for column in COLUMNS}
    known |= _WITH_NAMES if account.plain_authors else {}
    own = [name for name in account.flat if name.startswith(ATTITUDE)]
    known |= {name: attitude(name.removeprefix(ATTITUDE)).about for name in own}
    written = {*account.columns, *account.flat}
    return {name: words for name, words in known.items() if name in written}


def fiction(account: Account) -> str:
    """Return what must be known about posts that are invented; nothing if none is."""
    if not account.fictional:
        return ""
    some = account.fictional < account.posts
    are = "is" if account.fictional == 1 else "are"
    posts = (
        f"{account.fictional:,} of the {account.posts:,} posts {are}" if some else "All posts are"
    )
    return _INVENTED.format(posts=posts)


def readme(account: Account, facts: Facts) -> str:
    """Return ``README.txt``."""
    return (
        "\n\n".join(
            [
                f"{_title(account)}\n{'=' * len(_title(account))}",
                *([_wrap(f"FICTIONAL. {fiction(account)}")] if account.fictional else []),
                _what(account, facts),
                "Files\n-----\n" + _files(account),
                "Columns\n-------\n" + _columns(account),
                "Privacy\n-------\n" + _wrap(f"{privacy(account)}{_people(account, facts)}"),
                "Cite\n----\n" + _wrap(_citation(account, facts)),
                "Reproduce\n---------\n" + _reproduce(account, facts),
            ]
        )
        + "\n"
    )


def _people(account: Account, facts: Facts) -> str:
    """Return what else is to be known of the people: why names are here, and who is rare."""
    words = f" Names are in it for this reason: {facts.reason.rstrip('.')}." if facts.reason else ""
    if not facts.rare:
        return words
    posts = "1 post has" if facts.rare == 1 else f"{facts.rare:,} posts have"
    words += (
        f" {posts} a combination of platform, day, language and entities that fewer than "
        f"{K} accounts share, by which somebody may be recognised"
    )
    if not facts.suppressed:
        return f"{words}."
    return (
        f"{words}: these lost day, times, version, entities, mentions and attitudes, and "
        f"{account.left_out:,} of them, rare by platform and language too, were left out."
    )


def _title(account: Account) -> str:
    return f"Study subset: {_posts(account)}"


def _posts(account: Account) -> str:
    """Return how many posts there are, and that they are invented where they are."""
    posts = many(account.posts)
    if account.fictional == account.posts:
        return posts.replace(" ", " fictional ")
    return f"{posts}, {account.fictional:,} of them fictional" if account.fictional else posts


def _what(account: Account, facts: Facts) -> str:
    lines = [
        *([f"Sample    {facts.sampled}"] if facts.sampled else []),
        f"Query     {facts.query or '(all posts)'}",
        *(f"{name:<9} {_shown(value)}" for name, value in facts.filters.items()),
        f"Days      {account.first_day or '-'} to {account.last_day or '-'} ({facts.timezone})",
        f"No day    {many(account.without_day)} without a usable date",
        f"Model     {_counted(account.models)}",
        f"Watchlist {_counted(account.watchlists)}",
        f"Made      {facts.created_at:%Y-%m-%d %H:%M} UTC with Marsad {facts.marsad}",
    ]
    if facts.ledger.pending:
        lines.append(
            f"Pending   {facts.ledger.pending:,} posts of the store were not yet scored and are "
            "not in here"
        )
    return "\n".join(lines)


def _shown(value: Any) -> str:
    return ", ".join(value) if isinstance(value, (list, tuple)) else str(value)


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{name or '(none)'} ({many(posts)})" for name, posts in counts.items())


_READING = {
    "posts.ndjson": "one JSON object a line; fields at their default are left out",
    "posts.csv": "UTF-8 with a byte order mark, {marks}, all cells quoted; | stands between the "
    "items of a list; an apostrophe stands before what a spreadsheet would take for a formula",
    "targets.csv": "one row for every post and entity it mentions, with probabilities",
    "posts.parquet": "the same with types, for R, Python, DuckDB",
    "posts.xlsx": "the columns of posts.csv for Excel and LibreOffice, and sheets with the columns "
    "and the query",
    MANIFEST: "query, versions, checksums (SHA-256), columns",
}


def _files(account: Account) -> str:
    marks = "semicolons and decimal commas" if account.csv_for == "fr" else "commas"
    return "\n".join(
        _item(name, _READING[name].format(marks=marks))
        for name in _READING
        if name in account.files or name == MANIFEST
    )


def _columns(account: Account) -> str:
    found = columns(account)
    entities = [name for name in found if name.startswith(ATTITUDE)]
    items = [_item(name, about) for name, about in found.items() if name not in entities]
    if entities:
        named = ", ".join(name.removeprefix(ATTITUDE) for name in entities)
        items.append(_item(f"{ATTITUDE}ENTITY", f"{found[entities[0]]} ({named})"))
    return "\n".join(items)


def _item(name: str, words: str) -> str:
    return textwrap.fill(words, 88, initial_indent=f"{name:<20} ", subsequent_indent=" " * 21)


def _citation(account: Account, facts: Facts) -> str:
    main, file = next(iter(account.files.items()))
    days = f"{account.first_day} to {account.last_day}" if account.first_day else "undated"
    models = ", ".join(account.models)
    filters = "".join(f", {name}: {_shown(value)}" for name, value in facts.filters.items())
    return (
        f"{_posts(account)}, {days}, query: {facts.query or 'all posts'}{filters}. "
        f"Collected and scored with Marsad {facts.marsad} (model {models}), exported "
        f"{facts.created_at:%Y-%m-%d}. {main}, SHA-256 {file.sha256[:16]}…"
    )


def _reproduce(account: Account, facts: Facts) -> str:
    return f"    {facts.command}\n\n" + _wrap(
        "On the same store this gives the same bytes (compare the checksums in "
        f"{MANIFEST}), unless posts were added, scored anew or deleted since. posts.ndjson can "
        "be read again with `marsad ingest archive posts.ndjson`."
    )


def _wrap(words: str) -> str:
    return textwrap.fill(words, 88, break_long_words=False, break_on_hyphens=False)
