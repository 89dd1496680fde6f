"""The only shapes that travel between sources, stages and stores.

Records are immutable. On the wire and in files they are JSON objects with the same field
names (:func:`encode`, :func:`decode_post`); fields at their default are left out there.
Times are aware datetimes in UTC. Ids are strings, always.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime
from typing import Literal

import msgspec

Label = Literal["negative", "neutral", "positive"]

#: Flags a post may carry. ``date-unknown``: no readable date. ``date-implausible``: a date
#: that can't be true (year 1, 2099); it is kept as it came but no trend counts it.
#: ``zone-assumed``: the date had no zone, nobody said which, and UTC was assumed.
#: ``id-suspect``: the id looks rounded by a spreadsheet (its digits after the 15th are zeros), or
#: a post of another author has the same id.
#: ``fictional``: its archive says that the post is invented; charts and exports say so too.
#: ``text-repaired``: a wrong encoding or escapes of a program were undone in its text.
Flag = Literal[
    "date-unknown",
    "date-implausible",
    "zone-assumed",
    "id-suspect",
    "fictional",
    "text-repaired",
]


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of all records: frozen, keyword-only, defaults left out of JSON."""


class Sentiment(msgspec.Struct, frozen=True):
    """Three calibrated probabilities that sum to 1, and the label they lead to."""

    label: Label
    negative: float
    neutral: float
    positive: float


class Target(msgspec.Struct, frozen=True):
    """A post's attitude towards one entity that it mentions."""

    entity: str
    label: Label
    negative: float
    neutral: float
    positive: float


class Mention(msgspec.Struct, frozen=True, array_like=True):
    """Words of a post that name a watched entity: offsets into ``text``, end exclusive."""

    entity: str
    kind: str
    start: int
    end: int


class Post(Record, frozen=True, kw_only=True, omit_defaults=True):
    """One post, as a source read it, as the stages enriched it, as a store keeps it.

    ``id`` is ``platform:native-id``; a source leaves it ``platform:`` where the platform has no
    ids, and the protection of authors then puts a keyed hash of the content there.
    ``version`` is a whole number from the platform's own clock (an edit time, else a plausible
    creation date, in milliseconds; else 0): the higher wins. ``author`` is a raw account name only
    between a source and :mod:`ingest.privacy.protector`; from there on it is a pseudonym.
    """

    id: str
    platform: str
    text: str
    version: int = 0
    created_at: datetime | None = None
    collected_at: datetime | None = None
    author: str = ""
    url: str = ""
    reply_to: str = ""
    repost_of: str = ""
    repost_author: str = ""
    """Whose post it repeats, where the source says so; a pseudonym as ``author`` is."""
    hashtags: tuple[str, ...] = ()
    counts: dict[str, int] = {}
    flags: tuple[Flag, ...] = ()
    source: str = ""
    """Where it came from: a data set, a platform, a hashtag. Never an account: it is exported."""
    digest: str = ""
    """Hash of what the author published, from :mod:`ingest.privacy.protector`: the same for two
    readings of the same content, whatever key their pseudonyms were made with."""
    # From the matching stage:
    watchlist: str = ""
    """Name and hash of the watchlist the entities were found with; empty without one."""
    entities: tuple[str, ...] = ()
    mentions: tuple[Mention, ...] = ()
    """Where in the text the entities stand, so that targets can be scored again at any time."""
    # From the scoring stage:
    language: str = ""
    language_confidence: float = 0.0
    sentiment: Sentiment | None = None
    targets: tuple[Target, ...] = ()
    model: str = ""
    scored: Literal["", "provisional"] = ""
    """``provisional``: by the fast n-gram model, so that it can be found at once; the model that
    counts has not read it yet, and trends leave it out."""

    def rank(self) -> tuple[int, int, str]:
        """Order the versions of one post: the highest wins, whatever the order they came in.

        Version first; of two contents with one version the one with more reactions (it was
        read later), then the digest, so that every store and every replay chooses the same.
        """
        return (self.version, sum(self.counts.values()), self.digest)


class Tombstone(Record, frozen=True, kw_only=True, omit_defaults=True):
    """A deletion: of one post (``id``) or of all posts of one account (``author``).

    It beats every version of what it names, now and later. Exactly one of the two is set;
    ``author`` is plain between a source and :mod:`ingest.privacy.protector`, then a pseudonym.
    """

    platform: str
    id: str = ""
    author: str = ""
    deleted_at: datetime | None = None
    reason: str = ""


#: The sources of readings of pages begin with this. They bring no posts, so their gaps say
#: nothing about posts.
PAGES = "pages/"


class Gap(Record, frozen=True, kw_only=True, omit_defaults=True):
    """A stretch of time in which a source gave nothing although there may have been posts."""

    source: str
    start: datetime
    end: datetime | None = None
    cause: str = ""
    filled: bool = False
    """What was published meanwhile was read afterwards: gaps that this source recorded before,
    as far as they lie in this one, are none any more (see :func:`unfilled`)."""
    lasting: bool = False
    """The platform has not kept what was published meanwhile: nothing fills this gap."""


class Heartbeat(Record, frozen=True, kw_only=True, omit_defaults=True):
    """A source was listening at this moment, so silence means that nothing was posted."""

    source: str
    at: datetime


def unfilled(gaps: Iterable[Gap]) -> list[Gap]:
    """Return the gaps that nothing has filled since, in the order they came."""
    listed = list(gaps)
    filled: dict[str, list[tuple[datetime, datetime]]] = {}
    for gap in sorted((one for one in listed if one.filled), key=lambda one: one.start):
        if gap.end is not None:
            own = filled.setdefault(gap.source, [])
            if own and gap.start <= own[-1][1]:
                own[-1] = (own[-1][0], max(own[-1][1], gap.end))
            else:
                own.append((gap.start, gap.end))
    return [
        gap
        for gap in listed
        if gap.lasting or not (gap.filled or _lies_in(gap, filled.get(gap.source)))
    ]


def _lies_in(gap: Gap, stretches: list[tuple[datetime, datetime]] | None) -> bool:
    """Say whether a gap lies in one of some stretches, which are in order and apart."""
    if not stretches or gap.end is None:
        return False
    place = bisect_right(stretches, gap.start, key=lambda stretch: stretch[0]) - 1
    return place >= 0 and gap.end <= stretches[place][1]


class Counter(Record, frozen=True, kw_only=True, omit_defaults=True):
    """One reading of a public counter (likes, followers) of one page.

    Metrics ending in ``_lost`` are published losses (a sum since some moment), those ending in
    ``_lost_ppm`` the same in millionths of the page's likes (5.62 % is 56,200), and those ending
    in ``_lost_per_minute`` a speed. All others are the counter itself.
    """

    source: str
    page: str
    metric: str
    value: int
    at: datetime
    """The earliest moment at which it may have been read."""
    granularity: int = 1
    """The step in which the published figure moves: 100,000 for "2.4M"."""
    note: str = ""
    span: int = 0
    """Seconds after ``at`` in which it may have been read: 86,400 where only the day is known."""
    since: datetime | None = None
    """Of a published loss: since when it is counted; ``None`` where that was not said."""
    since_span: int = 0
    """Seconds after ``since`` in which that may have been."""
    bound: Literal["", "least", "most"] = ""
    """``least``: the source says "more than" (the true figure is not lower); ``most``: "nearly"
    (it is not higher)."""


#: How much of a rejected record a dead letter keeps, in bytes.
RAW_LIMIT = 1_000_000


class Reject(Record, frozen=True, kw_only=True, omit_defaults=True):
    """What could not become a record: counted as dead and kept with its reason."""

    reason: str
    """A short, stable code such as ``json-truncated``; ``docs/dead-letters.md`` lists all."""
    detail: str = ""
    """One sentence for people. Never holds text of the post."""
    raw: bytes = b""
    """The bytes as they came, at most ``RAW_LIMIT`` of them."""
    truncated: bool = False

    @classmethod
    def of(cls, reason: str, detail: str, raw: bytes, *, truncated: bool = False) -> Reject:
        """Return a reject with what may be kept of its bytes."""
        cut = truncated or len(raw) > RAW_LIMIT
        return cls(reason=reason, detail=detail, raw=raw[:RAW_LIMIT], truncated=cut)


class Item(msgspec.Struct, frozen=True):
    """What a source yields: one record, where it stands, and the cursor to save with it.

    ``cursor`` is opaque to everybody but its source: opening the source with it yields what
    comes after this item. ``line`` is the place to tell people (a line of a file), 0 if none.
    """

    record: Post | Tombstone | Gap | Heartbeat | Counter | Reject
    cursor: str
    line: int = 0


_ENCODER = msgspec.json.Encoder(order="deterministic")
_POST_DECODER = msgspec.json.Decoder(Post)


def encode(record: Record) -> bytes:
    """Return the record as one line of JSON, without the line's end.

    Raises ``UnicodeEncodeError`` for a text with lone surrogates; sources reject those.
    """
    return _ENCODER.encode(record)


def decode_post(line: bytes | str) -> Post:
    """Return the post that :func:`encode` wrote. Raises ``msgspec.DecodeError``."""
    return _POST_DECODER.decode(line)
