"""Measure search across scripts: is the same sentence in Arabic letters among the first ten?

Sentence pairs of a data folder (``text/pairs.jsonl.gz``) in Latin and in Arabic letters. The Arabic
halves are stored among other posts; each Latin half is searched by its words joined with ``OR``,
sorted by relevance, as a person would type them. ``--sources`` names where pairs come from.
Prints one JSON object: how many twins are the first, among the first ten, found at all.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import islice
from pathlib import Path

from ingest.records import Post, Sentiment
from nlp.text import tokenize
from pipelines.query import parse
from pipelines.records import Batch, Collected, Position
from pipelines.searching import search
from pipelines.settings import zone
from pipelines.stages import index
from pipelines.stores.sqlite import SqliteStore
from tests.bench_posts import START, texts

PAIRS = Path("text") / "pairs.jsonl.gz"
#: Sentences that people wrote in both scripts; the others are words, or made by rules.
SOURCES = ("smartly-rabat-madar", "smartly-sentences", "narabizi-sentences")
#: Shorter sentences are words; so many words may a pair have at least.
FEWEST_WORDS = 4
FIRST = 10
_BATCH = 1_000
_NEUTRAL = Sentiment("neutral", 0.2, 0.6, 0.2)


def pairs(data: Path, number: int, sources: Sequence[str], seed: int) -> list[tuple[str, str]]:
    """Return so many pairs of different sentences, Latin and Arabic, chosen at random."""
    with gzip.open(data / PAIRS, "rb") as lines:
        read = (json.loads(line) for line in lines)
        known = {one["arabic"]: one["latin"] for one in read if one["source"] in sources}
    long = sorted(
        (latin, arabic)
        for arabic, latin in known.items()
        if len(words(latin)) >= FEWEST_WORDS and len(words(arabic)) >= FEWEST_WORDS
    )
    return random.Random(seed).sample(long, min(number, len(long)))


def words(text: str) -> list[str]:
    """Return the words of a text that can be searched for, without signs before them."""
    return [token.text for token in tokenize(text) if token.text[0].isalnum()]


def posts(twins: Sequence[str], others: Sequence[str]) -> Iterator[Post]:
    """Yield the twins (``t:0``, ``t:1``, …) and the others as scored posts."""
    named = [(f"t:{n}", text) for n, text in enumerate(twins)]
    named += [(f"o:{n}", text) for n, text in enumerate(others)]
    random.Random(1).shuffle(named)
    for n, (name, text) in enumerate(named):
        yield Post(
            id=name, platform=name[0], text=text, digest=name, author=f"u_{n}",
            created_at=START + timedelta(minutes=n), language="ary", language_confidence=1.0,
            sentiment=_NEUTRAL, model="bench",
        )  # fmt: skip


def fill(store: SqliteStore, given: Iterator[Post]) -> None:
    """Store and index the posts."""
    cursor = ""
    while part := list(islice(given, _BATCH)):
        place = Position(key="bench", name="bench", cursor=f"{int(cursor or 0) + len(part)}")
        batch = Batch(
            position=place, previous_cursor=cursor, posts=[Collected(one) for one in part]
        )
        store.accept_scored(batch, index(part, zone("UTC")))
        cursor = place.cursor


def place_of(store: SqliteStore, sentence: str, twin: str) -> int:
    """Return the place of the twin in the answer, from 1; 0 where it is not among the first 100."""
    query = parse(" OR ".join(dict.fromkeys(words(sentence))))
    found = [hit.post.id for hit in search(store, query, 100, sort="relevance").hits]
    return found.index(twin) + 1 if twin in found else 0


def main() -> None:
    """Read the options, store, search, print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("..") / "shared" / "data")
    parser.add_argument("--pairs", type=int, default=590)
    parser.add_argument("--others", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=2016)
    parser.add_argument("--sources", nargs="+", default=SOURCES)
    given = parser.parse_args()
    chosen = pairs(given.data, given.pairs, given.sources, given.seed)
    twins = {arabic for _, arabic in chosen}
    known = [text for text in dict.fromkeys(texts(given.data)) if text not in twins]
    others = random.Random(given.seed).sample(known, min(given.others, len(known)))
    with (
        tempfile.TemporaryDirectory() as folder,
        SqliteStore(Path(folder) / "bench.db", timezone="UTC") as store,
    ):
        fill(store, posts([arabic for _, arabic in chosen], others))
        start = time.process_time()
        places = [place_of(store, one, f"t:{n}") for n, (one, _) in enumerate(chosen)]
        spent = time.process_time() - start
    answer = {
        "sources": list(given.sources),
        "pairs": len(chosen),
        "others": len(others),
        "first": round(sum(place == 1 for place in places) / len(places), 3),
        "among_first_ten": round(sum(0 < place <= FIRST for place in places) / len(places), 3),
        "among_first_hundred": round(sum(place > 0 for place in places) / len(places), 3),
        "cpu_ms_a_search": round(1000 * spent / len(places), 1),
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
