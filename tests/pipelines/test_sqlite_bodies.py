"""Posts' content as the SQLite store keeps it. The posts are fictional."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from ingest.records import Post
from pipelines.stores.sqlite import bodies


def test_bodies__are_read_and_written_by_many_threads_at_once() -> None:
    posts = [
        Post(id=f"twitter:{number}", platform="twitter", text=f"inwi {number} " * 2_000)
        for number in range(64)
    ]

    def both_ways(post: Post) -> bool:
        return all(bodies.decode(bodies.encode(post)).text == post.text for _ in range(20))

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(both_ways, posts))
