"""A real store with invented posts, for tests of what reads it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from ingest.records import Gap, Label, Post, Sentiment, Target
from nlp.crossscript import analyse
from pipelines.records import Batch, Collected, Document, Position
from pipelines.stores.sqlite import SqliteStore

ZONE = "Africa/Casablanca"


def chances(label: Label, certainty: float = 0.8) -> tuple[float, float, float]:
    """Return three probabilities that lead to a label."""
    rest = (1 - certainty) / 2
    names = ("negative", "neutral", "positive")
    a, b, c = (certainty if name == label else rest for name in names)
    return a, b, c


def account(number: int) -> str:
    """Return the pseudonym of one of many accounts."""
    return "u_" + f"{number:016}".translate(str.maketrans("0123456789", "abcdefghij"))


def post(
    number: int,
    text: str = "ma bghatch tkhdem",
    at: datetime | None = datetime(2016, 2, 27, 12, tzinfo=UTC),
    label: Label = "negative",
    *,
    platform: str = "twitter",
    language: str = "ary-Latn",
    towards: dict[str, Label] | None = None,
    **more: object,
) -> Post:
    """Return a scored post, by an account of its own unless ``author`` names one."""
    towards = towards or {}
    return Post(
        id=f"{platform}:{690000000000000000 + number}",
        platform=platform,
        text=text,
        version=number,
        created_at=at,
        author=more.pop("author", account(number)),  # type: ignore[arg-type]
        flags=() if at else ("date-unknown",),
        digest=f"{number:x}",
        entities=tuple(towards),
        language=language,
        language_confidence=0.9,
        sentiment=Sentiment(label, *chances(label)),
        targets=tuple(Target(name, one, *chances(one, 0.7)) for name, one in towards.items()),
        model="test-1",
        **more,  # type: ignore[arg-type]
    )


def document(one: Post) -> Document:
    """Return a post as the index stage makes it."""
    words = analyse(one.text)
    known = one.created_at is not None and "date-implausible" not in one.flags
    hour = f"{one.created_at.astimezone(ZoneInfo(ZONE)):%Y-%m-%dT%H}" if known else ""  # type: ignore[union-attr]
    return Document(
        post=one,
        day=hour[:10],
        hour=hour,
        tokens=" ".join(words.tokens),
        keys=" ".join(words.keys),
        variants=" ".join(words.variants),
    )


def fill(
    path: Path,
    posts: Iterable[Post],
    *,
    unscored: Sequence[Post] = (),
    gaps: Sequence[Gap] = (),
) -> Path:
    """Make a store that holds these posts, and return its path."""
    posts = list(posts)
    store = SqliteStore(path, timezone=ZONE)
    position = Position(key="k", name="invented", cursor="1", done=True)
    both = [Collected(one) for one in [*posts, *unscored]]
    with store.writer("a test"):
        store.accept(Batch(position=position, previous_cursor="", posts=both, notices=gaps))
        store.index([document(one) for one in posts])
    store.close()
    return path
