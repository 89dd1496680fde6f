"""The Elasticsearch store beside a plain mapping of the same posts: times and bytes.

:mod:`tests.bench_index` runs it.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from typing import Any

from elasticsearch import Elasticsearch, helpers

from ingest.records import Post
from pipelines.query import parse
from pipelines.records import Document
from pipelines.stores.elasticsearch import ElasticsearchStore

#: Seconds for which a server tells a size again instead of measuring it
#: (``index.store.stats_refresh_interval`` is 10 s): asked earlier, it tells that of before a merge.
_SIZES_KEPT = 11
#: What an engineer who wants to search posts would write down first.
PLAIN: dict[str, Any] = {
    "properties": {
        "id": {"type": "keyword"},
        "text": {"type": "text"},
        "created_at": {"type": "date"},
        "platform": {"type": "keyword"},
        "author": {"type": "keyword"},
        "url": {"type": "keyword", "index": False},
        "language": {"type": "keyword"},
        "label": {"type": "keyword"},
        "entities": {"type": "keyword"},
    }
}
QUERIES = (
    "whatsapp", "inwi", "maroc telecom", "wifi", "la", "liberté", "facebook", "skype voip",
    '"maroc telecom"', "inwi OR orange", "merci sentiment:positive", "lang:fr whatsapp",
    "lang:ar", "entity:inwi", "whatsapp -inwi", "connexion", "internet", "3lach", "bzaf",
    "واتساب", "الانترنت", "على", "day:2016-02-20", "since:2016-02-10 until:2016-02-12",
    "appel*", "problème réseau", "lang:ary,ary-Latn", "platform:twitter", "honte", "",
)  # fmt: skip


def searching(url: str, prefix: str, given: Sequence[Document], rounds: int) -> dict[str, Any]:
    """Ask a store that holds documents, and a plain mapping of them, the same questions.

    Returns milliseconds and bytes a post.
    """
    plain = f"{prefix}-plain-posts"
    with (
        Elasticsearch(url, request_timeout=120) as client,
        ElasticsearchStore(f"{url}/{prefix}", readonly=True) as store,
    ):
        settings = {"number_of_shards": 1, "number_of_replicas": 0}
        client.indices.create(index=plain, mappings=PLAIN, settings=settings)
        actions = (
            {"_index": plain, "_id": one.post.id, "_source": _plain(one.post)} for one in given
        )
        helpers.bulk(client, actions, chunk_size=1_000)
        posts = store.indices.current()
        for name in (plain, posts):
            client.indices.forcemerge(index=name, max_num_segments=1)
            client.indices.refresh(index=name)
            client.indices.flush(index=name)
        time.sleep(_SIZES_KEPT)
        sizes = {name: _bytes(client, name) / len(given) for name in (plain, posts)}
        times: dict[str, list[float]] = {"plain": [], "store": []}
        shares = []
        for query in QUERIES:
            node = parse(query)
            both = []
            for name, ask in (
                ("plain", lambda q=query: _ask_plain(client, plain, q)),
                ("store", lambda n=node: store.search(n, 20)),
            ):
                ask()
                took = []
                for _ in range(rounds):
                    start = time.perf_counter()
                    ask()
                    took.append(1000 * (time.perf_counter() - start))
                both.append(statistics.median(took))
                times[name].append(both[-1])
            shares.append(both[1] / both[0])
    return {
        "queries": len(QUERIES),
        "plain_ms_median": round(statistics.median(times["plain"]), 2),
        "store_ms_median": round(statistics.median(times["store"]), 2),
        "search_times_plain_median": round(statistics.median(shares), 2),
        "search_times_plain_total": round(sum(times["store"]) / sum(times["plain"]), 2),
        "plain_bytes_a_post": round(sizes[plain]),
        "store_bytes_a_post": round(sizes[posts]),
        "bytes_times_plain": round(sizes[posts] / sizes[plain], 2),
    }


def _plain(post: Post) -> dict[str, Any]:
    return {
        "id": post.id,
        "text": post.text,
        "created_at": post.created_at.isoformat() if post.created_at else None,
        "platform": post.platform,
        "author": post.author,
        "url": post.url,
        "language": post.language,
        "label": post.sentiment.label if post.sentiment else None,
        "entities": list(post.entities),
    }


def _ask_plain(client: Elasticsearch, name: str, query: str) -> Any:
    """What one would ask of a plain mapping: the same words, newest first, with the total."""
    fields = {"lang:": "language:", "sentiment:": "label:", "entity:": "entities:"}
    days = {
        "day:2016-02-20": "created_at:[2016-02-20 TO 2016-02-20]",
        "since:2016-02-10 until:2016-02-12": "created_at:[2016-02-10 TO 2016-02-12}",
    }
    text = days.get(query, query or "*").replace("ary,ary-Latn", "(ary OR ary-Latn)")
    for ours, theirs in fields.items():
        text = text.replace(ours, theirs)
    return client.search(
        index=name,
        query={"query_string": {"query": text, "default_field": "text", "default_operator": "AND"}},
        sort=[{"created_at": "desc"}],
        size=20,
        track_total_hits=True,
    )


def _bytes(client: Elasticsearch, name: str) -> int:
    found = client.indices.stats(index=name, metric="store")
    return int(found["indices"][name]["primaries"]["store"]["size_in_bytes"])
