"""How an export is written: which columns, for whom, in whose time."""

from __future__ import annotations

import base64
import hmac
import re
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal, get_args
from zoneinfo import ZoneInfo

import msgspec

from ingest.privacy.urls import PSEUDONYM
from ingest.records import encode
from pipelines.export.columns import COLUMNS, NESTED, Column, Exported, attitude

Level = Literal["ids", "unlinked", "pseudonymous", "full"]
LEVELS: tuple[Level, ...] = get_args(Level)
CsvFor = Literal["en", "fr"]

#: Rows of a sheet that Excel opens, the heads among them.
ROWS = 1_048_576
TOO_MANY = (
    f"a sheet of Excel holds {ROWS - 1:,} posts: narrow the query, or export as Parquet or CSV"
)

#: Columns of posts for passing on: ids alone; or all that leads back to no post (no id, address,
#: text, digest, exact time or count).
_KEPT: dict[Level, tuple[str, ...]] = {
    "ids": ("id", "platform"),
    "unlinked": (
        "platform", "day", "author", "language", "language_confidence", "sentiment",
        "sentiment_negative", "sentiment_neutral", "sentiment_positive", "entities", "targets",
        "flags", "watchlist", "model", "weight",
    ),
    "pseudonymous": tuple(column.name for column in COLUMNS),
    "full": tuple(column.name for column in COLUMNS),
}  # fmt: skip


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What writers are told."""

    level: Level = "pseudonymous"
    zone: ZoneInfo = msgspec.field(default_factory=lambda: ZoneInfo("UTC"))
    entities: tuple[str, ...] = ()
    """Entities that get a column each in CSV and xlsx: all to which the posts have attitudes."""
    csv_for: CsvFor = "en"
    """``fr``: semicolons and decimal commas, as a French Excel wants them."""
    created_at: datetime = datetime(1980, 1, 1, tzinfo=UTC)
    """When the export is made, for the properties of the xlsx file."""
    about: tuple[tuple[str, str], ...] = ()
    """Lines about the query, for a sheet of their own in xlsx."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """Return the columns of this level."""
        return tuple(column for column in COLUMNS if column.name in _KEPT[self.level])

    @property
    def flat(self) -> tuple[Column, ...]:
        """Return the columns of CSV and xlsx: no cell of theirs has parts with names."""
        flat = [column for column in self.columns if column.kind not in NESTED]
        return (*flat, *(map(attitude, self.entities) if self.attitudes else ()))

    @property
    def attitudes(self) -> bool:
        """Tell whether attitudes are exported at this level."""
        return any(column.kind == "targets" for column in self.columns)


#: Gives every pseudonym in a text another name.
Rename = Callable[[str], str]


def own_names() -> Rename:
    """Return what gives pseudonyms names of one export alone.

    They are made with a key that is forgotten (HMAC-SHA-256), so that two exports can't be joined
    by the pseudonyms in them: of authors, and inside ids, addresses and references.
    """
    key = secrets.token_bytes(32)

    def renamed(found: re.Match[str]) -> str:
        digest = hmac.digest(key, found[0].encode(), "sha256")
        return "u_" + base64.b32encode(digest[:10]).decode().lower()

    return lambda text: PSEUDONYM.sub(renamed, text)


def changes(level: Level, rename: Rename | None = None) -> Callable[[Exported], Exported]:
    """Return what is done to each post before it is written; ``rename`` are the export's names."""

    def changed(post: Exported) -> Exported:
        if level == "ids":
            post = Exported(id=post.id, platform=post.platform, text="")
        elif level == "unlinked":
            post = Exported(
                id="",
                platform=post.platform,
                text="",
                day=post.day,
                author=post.author,
                language=post.language,
                language_confidence=post.language_confidence,
                sentiment=post.sentiment,
                entities=post.entities,
                targets=post.targets,
                flags=post.flags,
                watchlist=post.watchlist,
                model=post.model,
                weight=post.weight,
            )
        if rename is None:
            return post
        # as a whole: a pseudonym may stand in any field
        return msgspec.json.decode(rename(encode(post).decode()), type=Exported)

    return changed
