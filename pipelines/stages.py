"""The three stages every post goes through: collect, score, index.

Each is a function from a batch to a batch. It reads and writes nothing, so that one machine
(:mod:`pipelines.embedded`) and workers between topics (:mod:`pipelines.kafka`) run the same code.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec

from ingest.mapping.unexpected import TOO_LONG, kept
from ingest.records import (
    Counter,
    Gap,
    Heartbeat,
    Item,
    Mention,
    Post,
    Reject,
    Sentiment,
    Target,
    Tombstone,
    encode,
)
from ingest.watchlist.loader import Watchlist
from ingest.watchlist.matcher import Matcher
from nlp.crossscript import analyse
from nlp.errors import ModelError
from pipelines.records import Collected, CollectedTombstone, DeadLetter, Document, Words
from pipelines.stores.analysis import VERSION

if TYPE_CHECKING:
    from ingest.privacy.protector import Protected, Protector
    from nlp.score import Scored, Scorer

log = logging.getLogger(__name__)

#: Reason of a post that the model fails on, and what is said of it.
FAILED = "score-failed"
FAILED_DETAIL = "the model fails on this text"
#: What any model can read.
_CONTROL = Post(id="control:1", platform="control", text="hello")


class Collection(msgspec.Struct):
    """What the collect stage made of a batch: each item is in exactly one of these lists."""

    posts: list[Collected] = []
    tombstones: list[CollectedTombstone] = []
    filtered: int = 0
    dead: list[DeadLetter] = []
    notices: list[Gap | Heartbeat | Counter] = []
    taken: int = 0
    """How many items of the batch were handled, counted from its begin."""


class Finder:
    """Finds in posts what a watchlist names; nothing without a watchlist."""

    def __init__(self, watchlist: Watchlist | None) -> None:
        self.fingerprint = watchlist.fingerprint if watchlist else ""
        self._matcher = Matcher(watchlist) if watchlist else None
        self._kinds = {entity.id: entity.kind for entity in watchlist.entities} if watchlist else {}

    def mentions(self, text: str) -> tuple[Mention, ...]:
        """Return where a text names entities, in the order of the text."""
        if self._matcher is None:
            return ()
        return tuple(
            Mention(found.entity, self._kinds[found.entity], found.start, found.end)
            for found in self._matcher.find(text)
        )

    def matched(self, post: Post) -> Post:
        """Return the post with what its text names."""
        mentions = self.mentions(post.text)
        named = {mention.entity for mention in mentions}
        return msgspec.structs.replace(
            post,
            mentions=mentions,
            entities=tuple(entity for entity in self._kinds if entity in named),
            watchlist=self.fingerprint,
        )


class Collector:
    """The collect stage: protect the author, find what is watched, keep what matters.

    Without a watchlist every post is kept. ``origin`` and ``context`` go into dead letters: the
    identity of the input, and what is needed to try again; ``name`` is what people call it.
    ``stop_when_overdue`` ends a batch behind a record that ran over its budget of time, so that
    the caller can end the run between two slow records.
    """

    def __init__(
        self,
        protector: Protector,
        watchlist: Watchlist | None,
        *,
        origin: str = "",
        context: str = "",
        name: str = "",
        stop_when_overdue: bool = False,
    ) -> None:
        self._protector = protector
        self._finder = Finder(watchlist)
        self._origin = origin
        self._context = context
        self._name = name
        self._stop_when_overdue = stop_when_overdue

    def __call__(self, items: Sequence[Item], now: datetime) -> Collection:
        """Return the outcome of every item; ``now`` is when they were collected."""
        collection = Collection()
        for item in items:
            record = item.record
            if isinstance(record, Post):
                self._post(record, item.line, now, collection)
            elif isinstance(record, Reject):
                collection.dead.append(self._dead(record, item.line, now))
            elif isinstance(record, Tombstone):
                collection.tombstones.append(collected_tombstone(self._protector, record))
            else:
                collection.notices.append(record)
            collection.taken += 1
            if self._stop_when_overdue and _took_too_long(collection):
                break
        return collection

    def _post(self, post: Post, line: int, now: datetime, collection: Collection) -> None:
        made = kept(partial(encode, post), self._protected, post)
        if isinstance(made, Reject):
            collection.dead.append(self._dead(made, line, now))
            return
        protected, post = made
        if self._finder.fingerprint and not post.entities:
            collection.filtered += 1
            return
        post = msgspec.structs.replace(post, collected_at=now)
        collection.posts.append(
            Collected(post, protected.aliases, protected.author_aliases, protected.repost_aliases)
        )

    def _protected(self, post: Post) -> tuple[Protected, Post]:
        protected = self._protector.protect(post)
        return protected, self._finder.matched(protected.post)

    def _dead(self, reject: Reject, line: int, now: datetime) -> DeadLetter:
        return DeadLetter(
            origin=self._origin,
            line=line,
            reason=reject.reason,
            detail=reject.detail,
            raw=reject.raw,
            truncated=reject.truncated,
            context=self._context,
            input=self._name,
            at=now,
        )


def _took_too_long(collection: Collection) -> bool:
    return bool(collection.dead) and collection.dead[-1].detail == TOO_LONG


def collected_tombstone(protector: Protector, tombstone: Tombstone) -> CollectedTombstone:
    """Return a deletion as stores take it: with no name of a person except ``raw_name``."""
    protected = protector.protect_tombstone(tombstone)
    native = tombstone.id.partition(":")[2] if tombstone.id else tombstone.author.lstrip("@")
    return CollectedTombstone(protected.tombstone, protected.aliases, raw_name=native)


def rematch(posts: Sequence[Post], watchlist: Watchlist | None) -> list[Post]:
    """Return the posts with the entities that this watchlist finds in their stored texts."""
    finder = Finder(watchlist)
    return [finder.matched(post) for post in posts]


def score(posts: Sequence[Post], scorer: Scorer) -> list[Post]:
    """Return the posts with language, sentiment, and their attitude to what they mention."""
    results = scorer.score([post.text for post in posts], [post.mentions for post in posts])
    return [
        _with_score(post, result, scorer.version)
        for post, result in zip(posts, results, strict=True)
    ]


def score_each(posts: Sequence[Post], scorer: Scorer) -> list[Post | None]:
    """Return the posts as :func:`score` does, and ``None`` for one that the model fails on.

    Raises :class:`~nlp.errors.ModelError` if the model fails on any text, as on a machine without
    memory: every post would else become a dead letter.
    """
    if not posts:
        return []
    try:
        return list(score(posts, scorer))
    except Exception as error:
        if len(posts) == 1:
            _check_model(scorer, error)
            _tell(error)
            return [None]
    # Halve the batch until the text that fails is alone, so that the others are scored.
    half = len(posts) // 2
    return [*score_each(posts[:half], scorer), *score_each(posts[half:], scorer)]


def _check_model(scorer: Scorer, failure: Exception) -> None:
    try:
        score([_CONTROL], scorer)
    except Exception as error:
        raise ModelError(
            f"The model fails on every text ({type(failure).__name__}): start again with more "
            "memory, or with the shipped model. No post was lost."
        ) from error


def _tell(failure: Exception) -> None:
    """Tell where the model fails, without its words: a library may quote the text in them."""
    where = "".join(traceback.format_tb(failure.__traceback__))
    log.error("%s%s: the model fails on a post", where, type(failure).__name__)


def _with_score(post: Post, result: Scored, version: str) -> Post:
    return msgspec.structs.replace(
        post,
        language=result.language,
        language_confidence=round(result.language_confidence, 4),
        sentiment=Sentiment(result.label, *_rounded(result.probabilities)),
        targets=tuple(
            Target(target.entity, target.label, *_rounded(target.probabilities))
            for target in result.targets
        ),
        model=version,
        scored="",
    )


def _rounded(chances: tuple[float, float, float]) -> tuple[float, float, float]:
    """Return probabilities to four digits, still with the sum 1: more is noise of the batch."""
    negative, positive = round(chances[0], 4), round(chances[2], 4)
    return negative, max(0.0, round(1 - negative - positive, 4)), positive


def score_provisionally(posts: Sequence[Post], scorer: Scorer) -> list[Post]:
    """Return the posts with the scores of a fast model, marked as provisional.

    One that the model fails on has none: it can be found, and the model that counts tries it.
    """
    scored = score_each(posts, scorer)
    return [
        msgspec.structs.replace(done or post, scored="provisional")
        for post, done in zip(posts, scored, strict=True)
    ]


def index(posts: Sequence[Post], zone: ZoneInfo) -> list[Document]:
    """Return the posts as documents: with their calendar day in ``zone`` and their words."""
    return [_document(post, words_of(post), zone) for post in posts]


def index_analysed(posts: Sequence[Collected], zone: ZoneInfo) -> list[Document]:
    """Return the posts as documents, with the words that they bring.

    Those of a post that brings none, or those of another version of the analysis, are computed.
    """
    return [
        _document(
            one.post,
            one.words if one.words and one.words.analysis == VERSION else words_of(one.post),
            zone,
        )
        for one in posts
    ]


def words_of(post: Post) -> Words:
    """Return the words of a post, as this version of the analysis computes them."""
    # Platforms tell hashtags that the text does not show: they are words to search by as well.
    unseen = [tag for tag in post.hashtags if tag not in post.text]
    analysis = analyse(post.text)
    tags = analyse(" ".join(f"#{tag}" for tag in unseen)) if unseen else None
    return Words(
        VERSION,
        " ".join(analysis.tokens),
        " ".join(analysis.keys),
        " ".join((*analysis.variants, *(tags.tokens + tags.variants if tags else ()))),
    )


def _document(post: Post, words: Words, zone: ZoneInfo) -> Document:
    hour = local_hour(post, zone)
    return Document(
        post=post,
        day=hour[:10],
        hour=hour,
        tokens=words.tokens,
        keys=words.keys,
        variants=words.variants,
    )


def local_hour(post: Post, zone: ZoneInfo) -> str:
    """Return ``YYYY-MM-DDTHH`` of a post in a time zone, empty where its date can't be trusted."""
    if post.created_at is None or "date-implausible" in post.flags:
        return ""
    try:
        return post.created_at.astimezone(zone).isoformat()[:13]
    except OverflowError:  # at the ends of the calendar there may be no such hour in the zone
        return ""


def utc_now() -> datetime:
    """Return the time, in whole milliseconds: what records hold."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
