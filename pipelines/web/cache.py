"""Pages that were made, for as long as the store is as it was.

Many readers look at the same few pages; making one takes the store and the templates 10 ms and
more, finding it again takes none. A page is kept under the state of the store
(:meth:`.readers.StoreReaders.state`): one that was made from another state is not found.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import NamedTuple

from cachetools import TTLCache

#: Bytes of pages that are kept.
BYTES = 48_000_000
#: A page is made anew after this time, in seconds: settings and watchlists are files of their own.
SECONDS = 60.0


class Made(NamedTuple):
    """A page: its bytes and their media type."""

    body: bytes
    media_type: str


class PageCache:
    """Pages by what they depend on; the least recently asked for go first. For one event loop."""

    def __init__(self, size: int = BYTES, seconds: float = SECONDS) -> None:
        self._pages: TTLCache[Hashable, Made] = TTLCache(
            size, seconds, getsizeof=lambda made: len(made.body) + 500
        )
        self._making: dict[Hashable, asyncio.Future[Made]] = {}
        self._size = size

    async def get(self, key: Hashable, make: Callable[[], Awaitable[Made]]) -> Made:
        """Return the page of a key; requests that come while it is made wait for the same one.

        What ``make`` raises is raised to all who wait, and nothing is kept.
        """
        if (kept := self._pages.get(key)) is not None:
            return kept
        if (making := self._making.get(key)) is not None:
            return await asyncio.shield(making)
        task = asyncio.ensure_future(make())
        self._making[key] = task
        task.add_done_callback(lambda _: self._making.pop(key, None))
        made = await asyncio.shield(task)
        if len(made.body) < self._size // 8:
            self._pages[key] = made
        return made
