"""The columns of an export: one list for all formats, the code book and the documentation."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from ingest.mapping.spreadsheets import join_list
from ingest.records import Post
from pipelines.counts import COUNTS, count_of

Kind = Literal["text", "day", "integer", "number", "time", "json", "list", "targets"]


class Exported(Post, frozen=True, kw_only=True, omit_defaults=True):
    """A post as it stands in an export: with its calendar day."""

    day: str = ""
    weight: float | None = None
    """How many posts of the query it stands for, in a sample."""


class Column(msgspec.Struct, frozen=True):
    """One column of a format."""

    name: str
    kind: Kind
    about: str
    value: Callable[[Exported], Any]


def _field(name: str) -> Callable[[Exported], Any]:
    return lambda post: getattr(post, name)


def _sentiment(name: str) -> Callable[[Exported], Any]:
    return lambda post: getattr(post.sentiment, name) if post.sentiment else None


def _count(name: str) -> Callable[[Exported], Any]:
    return lambda post: count_of(post.counts, name) if name in COUNTS else post.counts.get(name)


#: Stable: columns are added at the end, never renamed or moved.
COLUMNS: tuple[Column, ...] = (
    Column("id", "text", "platform:native-id; the same post has the same id", _field("id")),
    Column("platform", "text", "where it was published", _field("platform")),
    Column(
        "day",
        "day",
        "calendar day of publication in the export's time zone; empty: unknown or implausible",
        _field("day"),
    ),
    Column("created_at", "time", "when it says it was published, UTC", _field("created_at")),
    Column("collected_at", "time", "when it was collected, UTC", _field("collected_at")),
    Column("author", "text", "pseudonym; the same account has the same one", _field("author")),
    Column("text", "text", "the text; mentions, numbers and links masked", _field("text")),
    Column("language", "text", "fr, ar, ary, ary-Latn, en, zgh, mixed, other", _field("language")),
    Column(
        "language_confidence",
        "number",
        "probability of that language, 0 to 1",
        _field("language_confidence"),
    ),
    Column("sentiment", "text", "most probable of the three labels", _sentiment("label")),
    Column(
        "sentiment_negative",
        "number",
        "calibrated probability that the post is negative",
        _sentiment("negative"),
    ),
    Column("sentiment_neutral", "number", "the same for neutral", _sentiment("neutral")),
    Column("sentiment_positive", "number", "the same for positive", _sentiment("positive")),
    Column("entities", "list", "watched entities that the text mentions", _field("entities")),
    Column(
        "targets",
        "targets",
        "attitude towards each of them: entity, label and three probabilities (NDJSON, Parquet)",
        _field("targets"),
    ),
    Column("hashtags", "list", "hashtags as the platform gave them", _field("hashtags")),
    Column("counts", "json", "all counts when collected (NDJSON, Parquet)", _field("counts")),
    Column("url", "text", "address of the post, without its author's name", _field("url")),
    Column("reply_to", "text", "id of the post it answers, if any", _field("reply_to")),
    Column("repost_of", "text", "id of the post it repeats, if any", _field("repost_of")),
    Column(
        "source",
        "text",
        "data set, platform or hashtag it came from; never an account",
        _field("source"),
    ),
    Column(
        "flags",
        "list",
        "date-unknown, date-implausible, zone-assumed, id-suspect; fictional: invented",
        _field("flags"),
    ),
    Column("version", "integer", "of two readings of a post the higher is kept", _field("version")),
    Column("digest", "text", "hash of what was published", _field("digest")),
    Column("watchlist", "text", "watchlist of the entities, with its hash", _field("watchlist")),
    Column("model", "text", "version of the model of language and sentiment", _field("model")),
    Column("likes", "integer", "likes when collected; empty: unknown", _count("likes")),
    Column("reposts", "integer", "reposts, shares, forwards; empty: unknown", _count("reposts")),
    Column("replies", "integer", "replies, comments; empty: unknown", _count("replies")),
    Column("views", "integer", "views; empty: unknown", _count("views")),
    Column(
        "repost_author",
        "text",
        "pseudonym of whose post it repeats, where the source says so",
        _field("repost_author"),
    ),
    Column(
        "weight",
        "number",
        "of a sample: how many posts of the query it stands for; empty: all posts are here",
        _field("weight"),
    ),
    Column(
        "quotes", "integer", "reposts with a text of their own; empty: unknown", _count("quotes")
    ),
    Column(
        "views_granularity",
        "integer",
        "the platform rounded views to so many; empty: exact, or unknown",
        _count("views_granularity"),
    ),
)

#: Kinds of columns whose values have parts: tables of CSV and xlsx have a column for each part.
NESTED: frozenset[Kind] = frozenset({"json", "targets"})
#: Columns of attitudes begin so.
ATTITUDE = "attitude:"

#: Columns of ``targets.csv``: one row for every post and entity it mentions.
TARGET_COLUMNS: dict[str, str] = {
    "id": "id of the post",
    "entity": "watched entity",
    "label": "most probable attitude towards it",
    "negative": "calibrated probability of a negative attitude",
    "neutral": "the same for neutral",
    "positive": "the same for positive",
}

_FIELDS = Post.__struct_fields__
_JSON = msgspec.json.Encoder(order="deterministic")


def attitude(entity: str) -> Column:
    """Return the column that holds the attitude to an entity, in tables of CSV and xlsx."""

    def label(post: Exported) -> str | None:
        return next((one.label for one in post.targets if one.entity == entity), None)

    about = "most probable attitude towards this entity; empty: not mentioned (CSV, xlsx)"
    return Column(f"{ATTITUDE}{entity}", "text", about, label)


def exported(post: Post, day: str, weight: float | None = None) -> Exported:
    """Return the post as it is exported."""
    return Exported(**{name: getattr(post, name) for name in _FIELDS}, day=day, weight=weight)


def as_text(column: Column, post: Exported) -> str:
    """Return a value as the text of one cell, not yet guarded against spreadsheets."""
    value = column.value(post)
    if value is None:
        return ""
    if column.kind == "list":
        return join_list(value)
    if column.kind in NESTED:
        return _JSON.encode(value).decode()
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value if isinstance(value, str) else repr(value)
