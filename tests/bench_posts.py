"""Posts for measurements at scale: varied, dated over a year, with names that a watchlist has.

Each text is recombined from two of a data folder's, so that no two posts are copies of each
other and the vocabulary grows as it does in a real collection. The same seed gives the same
posts. They exist in memory and in temporary files only.
"""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import msgspec

from ingest.privacy import protector
from ingest.records import Post, Sentiment, Target

#: What the texts are taken from, inside the data folder.
TEXTS = Path("text") / "unlabelled.jsonl.gz"
START = datetime(2016, 1, 1, tzinfo=UTC)
YEAR = timedelta(days=365)
#: Names as writers spell them; the first ones are the most frequent.
NAMES = (
    "whatsapp", "inwi", "واتساب", "maroc telecom", "skype", "watsap", "méditel", "اتصالات المغرب",
    "viber", "anrt", "#OpeUnlike", "orange", "facebook", "messenger",
)  # fmt: skip
ENTITIES = ("whatsapp", "inwi", "maroc-telecom", "skype", "meditel", "viber", "anrt", "facebook")
LANGUAGES = ("fr", "ar", "ary", "ary-Latn", "en", "mixed")
PLATFORMS = ("twitter", "facebook", "youtube", "telegram")
LABELS = ("negative", "neutral", "positive")


class Raw(msgspec.Struct, frozen=True):
    """A post as a platform tells it."""

    id: str
    platform: str
    text: str
    created_at: datetime
    author: str
    likes: int


def texts(data: Path, most: int = 400_000) -> list[str]:
    """Return the texts of a data folder."""
    decoder = msgspec.json.Decoder(dict[str, str | int | float | None])
    with gzip.open(data / TEXTS, "rb") as lines:
        return [str(decoder.decode(line)["text"]) for line in islice(lines, most)]


def raw_posts(given: list[str], count: int, seed: int = 2016) -> Iterator[Raw]:
    """Yield ``count`` posts with recombined texts, in no order of time.

    A tenth of the year holds half of the posts, as in a protest; an author writes ten posts on
    average, few write most of them; three posts of five name something that is watched.
    """
    chance = random.Random(seed)
    peak = START + YEAR * 0.4
    authors = max(count // 10, 1)
    for number in range(count):
        one, other = chance.choice(given).split(), chance.choice(given).split()
        words = one[: len(one) * 2 // 3 + 1] + other[len(other) // 2 :]
        if chance.random() < 0.6:
            name = NAMES[min(int(chance.expovariate(0.4)), len(NAMES) - 1)]
            words.insert(chance.randrange(len(words) + 1), name)
        if chance.random() < 0.5:
            moment = peak + YEAR * 0.1 * chance.random()
        else:
            moment = START + YEAR * chance.random()
        yield Raw(
            id=f"{7 * 10**17 + number * 7919}",
            platform=chance.choice(PLATFORMS),
            text=" ".join(words),
            created_at=moment.replace(microsecond=0),
            author=f"user{int(authors * chance.random() ** 2)}",
            likes=int(chance.expovariate(0.1)),
        )


def scored_posts(given: list[str], count: int, seed: int = 2016) -> Iterator[Post]:
    """Yield the same posts as the score stage leaves them, with invented scores."""
    chance = random.Random(seed + 1)
    for raw in raw_posts(given, count, seed):
        entities = tuple(sorted({e for e in (chance.choice(ENTITIES),) if chance.random() < 0.6}))
        if entities and chance.random() < 0.3:
            entities = tuple(sorted({*entities, chance.choice(ENTITIES)}))
        yield Post(
            id=f"{raw.platform}:{raw.id}",
            platform=raw.platform,
            text=raw.text,
            version=int(raw.created_at.timestamp() * 1000),
            created_at=raw.created_at,
            collected_at=START + YEAR,
            author=pseudonym(raw.author),
            url=f"https://{raw.platform}.example/{raw.id}",
            counts={"likes": raw.likes},
            source=f"archive:{raw.platform}",
            digest=f"{chance.getrandbits(128):032x}",
            watchlist="bench-0123456789abcdef",
            entities=entities,
            language=chance.choice(LANGUAGES),
            language_confidence=round(chance.random(), 4),
            sentiment=_sentiment(chance),
            targets=tuple(
                Target(e, *msgspec.structs.astuple(_sentiment(chance))) for e in entities
            ),
            model="bench-1.0+01234567",
        )


def pseudonym(author: str) -> str:
    """Return what an author of :func:`raw_posts` is called, in the form of real pseudonyms."""
    return protector.pseudonym(b"measurements", "any", author)


def _sentiment(chance: random.Random) -> Sentiment:
    negative = round(chance.random(), 4)
    positive = round((1 - negative) * chance.random(), 4)
    neutral = round(1 - negative - positive, 4)
    chances = (negative, neutral, positive)
    return Sentiment(LABELS[chances.index(max(chances))], *chances)  # type: ignore[arg-type]


def _target(entity: str, chance: random.Random) -> Target:
    return Target(entity, *msgspec.structs.astuple(_sentiment(chance)))
