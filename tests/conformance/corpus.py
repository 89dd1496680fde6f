"""A small invented corpus in five languages, and what feeds it to a store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import msgspec

from ingest.records import Counter, Gap, Heartbeat, Post, Sentiment, Target, Tombstone
from nlp.crossscript import analyse
from pipelines.records import (
    Batch,
    Collected,
    CollectedTombstone,
    DeadLetter,
    Document,
    Ledger,
    Position,
)
from pipelines.stores.protocols import Store

NOW = datetime(2016, 3, 1, 12, tzinfo=UTC)
SENTIMENTS = {
    "negative": Sentiment("negative", 0.75, 0.125, 0.125),
    "neutral": Sentiment("neutral", 0.25, 0.5, 0.25),
    "positive": Sentiment("positive", 0.125, 0.125, 0.75),
}


def attitude(entity: str, label: str) -> Target:
    s = SENTIMENTS[label]
    return Target(entity, s.label, s.negative, s.neutral, s.positive)


def post(name: str, text: str = "un texte", **fields: object) -> Post:
    """A post as the collect stage leaves it; ``name`` is ``platform:native-id``."""
    given: dict[str, object] = {
        "platform": name.partition(":")[0],
        "digest": f"digest of {text}",
        "author": "u_somebody",
        "created_at": NOW,
    }
    return msgspec.convert({**given, "id": name, "text": text, **fields}, Post)


def scored(
    original: Post, language: str = "fr", label: str = "neutral", targets: Sequence[Target] = ()
) -> Post:
    return msgspec.structs.replace(
        original,
        language=language,
        language_confidence=1.0,
        sentiment=SENTIMENTS[label],
        entities=original.entities or tuple(t.entity for t in targets),
        targets=tuple(targets),
        model="test-1",
    )


def document(scored_post: Post) -> Document:
    """A document as the index stage makes it, in UTC."""
    analysis = analyse(scored_post.text)
    created = scored_post.created_at
    dated = created is not None and not {"date-unknown", "date-implausible"} & set(
        scored_post.flags
    )
    moment = created.isoformat() if created and dated else ""
    return Document(
        post=scored_post,
        day=moment[:10],
        hour=moment[:13],
        tokens=" ".join(analysis.tokens),
        keys=" ".join(analysis.keys),
        variants=" ".join(analysis.variants),
    )


def tombstone(
    name: str = "", author: str = "", aliases: Iterable[str] = (), raw_name: str = ""
) -> CollectedTombstone:
    return CollectedTombstone(
        Tombstone(platform="t", id=name, author=author, deleted_at=NOW), tuple(aliases), raw_name
    )


def dead_letter(line: int, raw: bytes = b"{", reason: str = "json-truncated") -> DeadLetter:
    return DeadLetter(origin="a-file", line=line, reason=reason, raw=raw, at=NOW)


class Feeder:
    """Feeds one input to a store, batch by batch, as a runner does."""

    def __init__(self, store: Store, key: str = "input") -> None:
        self.store = store
        self.key = key

    def __call__(
        self,
        *posts: Post | Collected,
        tombstones: Sequence[CollectedTombstone] = (),
        filtered: int = 0,
        dead: Sequence[DeadLetter] = (),
        retried: Sequence[DeadLetter] = (),
        notices: Sequence[Gap | Heartbeat | Counter] = (),
        done: bool = False,
    ) -> Ledger:
        position = self.store.position(self.key)
        cursor = position.cursor if position else ""
        return self.take(
            Batch(
                position=Position(
                    key=self.key, name="a-file", cursor=f"{int(cursor or 0) + 1}", done=done
                ),
                previous_cursor=cursor,
                posts=[p if isinstance(p, Collected) else Collected(p) for p in posts],
                tombstones=tombstones,
                filtered=filtered,
                dead=dead,
                retried=retried,
                notices=notices,
            )
        )

    def take(self, batch: Batch) -> Ledger:
        return self.store.accept(batch)


def drain(store: Store, **scores: object) -> None:
    """Score and index everything that waits, with one judgement for all."""
    while waiting := store.pending(100):
        store.index([document(scored(p, **scores)) for p in waiting])  # type: ignore[arg-type]


def corpus() -> list[Post]:
    """Twelve scored posts; the day is that of February 2016 unless said otherwise."""

    def at(day: int, hour: int = 10) -> datetime:
        return datetime(2016, 2, day, hour, tzinfo=UTC)

    def row(
        name: str,
        text: str,
        language: str,
        label: str,
        targets: Sequence[Target] = (),
        **fields: object,
    ) -> Post:
        return scored(post(name, text, **fields), language, label, targets)

    inwi, whatsapp = attitude("inwi", "negative"), attitude("whatsapp", "positive")
    return [
        row("twitter:01", "Inwi a coupé l'appel, quelle honte ! #OpeUnlike", "fr", "negative",
            [inwi], created_at=at(20), source="tweets", author="u_ali",
            counts={"likes": 120, "retweets": 40}),
        row("twitter:02", "علاش قطعتو واتساب على الناس", "ary", "negative",
            [attitude("whatsapp", "neutral")], created_at=at(20, 11), source="tweets",
            counts={"likes": 100, "reposts": 0}),
        row("twitter:03", "3lach 9et3to watsap 3la nass", "ary-Latn", "negative",
            [attitude("whatsapp", "neutral")], created_at=at(21), source="tweets",
            counts={"likes": 0}),
        row("youtube:04", "Video calls are blocked again, thank you inwi", "en", "negative",
            [inwi], created_at=at(21, 12), author="u_sara",
            counts={"likes": 2**64 - 1, "comments": 7, "views": 2_000_000}),
        row("youtube:05", "Merci à Méditel pour le wi-fi de la gare", "fr", "positive",
            [attitude("meditel", "positive")], created_at=at(22)),
        row("youtube:06", "قرار جديد بخصوص المكالمات #اتصالات_المغرب", "ar", "neutral",
            [attitude("anrt", "neutral")], created_at=at(23)),
        row("archive:set:07", "inwi coupe, et vive watsap !", "fr", "negative", [inwi, whatsapp],
            created_at=at(27), source="old set, part 2"),
        row("archive:set:08", "😡😡 la honte, quelle coupure", "fr", "negative",
            created_at=at(28, 23), flags=("zone-assumed",)),
        row("archive:set:09", "sans date aucune, une coupure", "fr", "neutral",
            created_at=None, flags=("date-unknown",)),
        row("archive:set:10", "une date de l'an 2099", "fr", "neutral",
            created_at=datetime(2099, 1, 1, tzinfo=UTC), flags=("date-implausible",)),
        row("rss:11", "Le régulateur parle de l'appel par internet", "fr", "neutral",
            [attitude("anrt", "neutral")], created_at=datetime(2016, 3, 1, tzinfo=UTC),
            source="archive:press"),
        row("rss:12", "hadchi bzaf, les appels coupés wellah", "mixed", "negative",
            created_at=datetime(2015, 12, 31, 23, 59, tzinfo=UTC), author="u_sara"),
    ]  # fmt: skip


def fill(store: Store, posts: Sequence[Post] | None = None) -> None:
    """Bring scored posts into a store the whole way."""
    posts = corpus() if posts is None else posts
    by_id = {p.id: p for p in posts}
    Feeder(store, "corpus")(*posts)
    while waiting := store.pending(5):
        store.index([document(by_id[p.id]) for p in waiting])
