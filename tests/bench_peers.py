"""The tools that researchers use in place of Marsad's store, on the same posts.

They do less: no deletions that reach every byte, no cross-script keys, no edits and replays. They
are an extra of the project (``pip install marsad[bench]``) and used in measurements alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import sqlite_utils
import tantivy

from ingest.records import Post


def timed(work: Callable[[], object]) -> float:
    """Return the milliseconds of CPU time that something takes."""
    start = time.process_time()
    work()
    return 1000 * (time.process_time() - start)


class Tantivy:
    """A full-text index with the texts, sorted by date when it is asked."""

    def __init__(self, folder: Path, posts: Iterable[Post]) -> None:
        folder.mkdir()
        schema = tantivy.SchemaBuilder()
        schema.add_text_field("id", stored=True, tokenizer_name="raw")
        schema.add_text_field("text", stored=True)
        schema.add_integer_field("created", stored=True, indexed=True, fast=True)
        self.index = tantivy.Index(schema.build(), path=str(folder))
        writer = self.index.writer(50_000_000, 1)
        for post in posts:
            assert post.created_at is not None
            created = int(post.created_at.timestamp())
            writer.add_document(tantivy.Document(id=post.id, text=post.text, created=created))
        writer.commit()
        writer.wait_merging_threads()
        self.index.reload()
        self.searcher = self.index.searcher()

    def search(self, words: str) -> int:
        """Return how many match, after reading the newest 50."""
        query = self.index.parse_query(words, ["text"], conjunction_by_default=True)
        found = self.searcher.search(query, 50, count=True, order_by_field="created")
        for _, address in found.hits:
            self.searcher.doc(address)
        return int(found.count)


class Duck:
    """Two tables of columns: posts, and their attitudes to entities."""

    def __init__(self, posts: Sequence[Post]) -> None:
        import pyarrow as pa

        self.connection = duckdb.connect()
        self.connection.execute("SET threads = 1")
        rows = pa.table(_columns(posts))  # noqa: F841 (DuckDB reads it by its name)
        targets = pa.table(_target_columns(posts))  # noqa: F841
        self.connection.execute("CREATE TABLE posts AS SELECT * FROM rows")
        self.connection.execute("CREATE TABLE targets AS SELECT * FROM targets")

    def by_day(self) -> list[Any]:
        """Sums of everything by day, language and label."""
        return self.connection.execute(
            "SELECT day, language, label, count(*), sum(negative), sum(neutral), sum(positive) "
            "FROM posts GROUP BY ALL ORDER BY ALL"
        ).fetchall()

    def by_entity(self) -> list[Any]:
        """Sums of everything by day, entity, language and label of the attitude."""
        return self.connection.execute(
            "SELECT p.day, t.entity, p.language, t.label, count(*), sum(t.negative), "
            "sum(t.neutral), sum(t.positive) FROM posts p JOIN targets t ON t.id = p.id "
            "GROUP BY ALL ORDER BY ALL"
        ).fetchall()

    def words_by_day(self, word: str) -> list[Any]:
        """Sums by day of the posts whose text holds a word, anywhere in it."""
        return self.connection.execute(
            "SELECT day, language, label, count(*), sum(negative), sum(neutral), sum(positive) "
            "FROM posts WHERE contains(lower(text), ?) GROUP BY ALL ORDER BY ALL",
            (word,),
        ).fetchall()


def _columns(posts: Sequence[Post]) -> dict[str, list[Any]]:
    scores = [post.sentiment for post in posts]
    return {
        "id": [post.id for post in posts],
        "day": [post.created_at.date() if post.created_at else None for post in posts],
        "language": [post.language for post in posts],
        "text": [post.text for post in posts],
        "label": [score.label if score else "" for score in scores],
        "negative": [score.negative if score else 0.0 for score in scores],
        "neutral": [score.neutral if score else 0.0 for score in scores],
        "positive": [score.positive if score else 0.0 for score in scores],
    }


def _target_columns(posts: Sequence[Post]) -> dict[str, list[Any]]:
    found = [(post.id, target) for post in posts for target in post.targets]
    return {
        "id": [name for name, _ in found],
        "entity": [target.entity for _, target in found],
        "label": [target.label for _, target in found],
        "negative": [target.negative for _, target in found],
        "neutral": [target.neutral for _, target in found],
        "positive": [target.positive for _, target in found],
    }


def sqlite_utils_import(path: Path, rows: Sequence[dict[str, Any]]) -> float:
    """Return the CPU milliseconds of inserting rows and indexing their text."""

    def work() -> None:
        database = sqlite_utils.Database(path)
        database["posts"].insert_all(rows, pk="id")
        database["posts"].enable_fts(["text"], create_triggers=True)
        database.close()

    return timed(work)
