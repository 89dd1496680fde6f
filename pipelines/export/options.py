"""How an export is written: which columns, for whom, in whose time."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal, get_args
from zoneinfo import ZoneInfo

import msgspec

from ingest.privacy.protector import is_pseudonym
from pipelines.export.columns import COLUMNS, Column, Exported

Level = Literal["ids", "unlinked", "pseudonymous", "full"]
LEVELS: tuple[Level, ...] = get_args(Level)
CsvFor = Literal["en", "fr"]

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
    """Entities that get a column each in xlsx."""
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


def changes(level: Level, *, own_pseudonyms: bool) -> Callable[[Exported], Exported]:
    """Return what is done to each post before it is written.

    With ``own_pseudonyms`` authors get names of this export alone (HMAC-SHA-256 with a key that is
    forgotten), so that two exports can't be joined by them.
    """
    key = secrets.token_bytes(32)

    def renamed(author: str) -> str:
        if not (own_pseudonyms and author):
            return author
        digest = hmac.new(key, author.encode(), hashlib.sha256).digest()
        return "u_" + base64.b32encode(digest[:10]).decode().lower()

    def changed(post: Exported) -> Exported:
        if level == "ids":
            return Exported(id=post.id, platform=post.platform, text="")
        author = renamed(post.author)
        if level == "unlinked":
            return Exported(
                id="",
                platform=post.platform,
                text="",
                day=post.day,
                author=author,
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
        if not own_pseudonyms:
            return post
        return msgspec.structs.replace(
            post,
            author=author,
            repost_author=renamed(post.repost_author),
            # some sources name only whom a post answers or repeats
            reply_to=renamed(post.reply_to) if is_pseudonym(post.reply_to) else post.reply_to,
            repost_of=renamed(post.repost_of) if is_pseudonym(post.repost_of) else post.repost_of,
        )

    return changed
