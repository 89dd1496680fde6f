"""What one running page holds: its options, the readers of its store, accounts and limits."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import anyio.to_thread
import msgspec

from pipelines.commands._shared.context import on_server, open_existing, open_store
from pipelines.stores.protocols import Store
from pipelines.stores.sqlite.lock import Holder, holder
from pipelines.stores.sqlite.resident import ResidentColumns
from pipelines.web.cache import PageCache
from pipelines.web.counts import FacetCounts
from pipelines.web.explain import Explainer
from pipelines.web.jobs import Jobs
from pipelines.web.readers import THREADS, StoreReaders
from pipelines.web.security.accounts import Accounts
from pipelines.web.security.forms import FormTokens
from pipelines.web.security.ratelimit import RateLimits

T = TypeVar("T")

#: Names by which a page on this machine alone may be asked for.
LOOPBACK = ("localhost", "127.0.0.1", "[::1]", "::1")


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How a page is served."""

    store: str
    """Path of an SQLite file, or address of an Elasticsearch store."""
    accounts: Path
    """The file with accounts and audit log."""
    hosts: tuple[str, ...] = LOOPBACK
    """Names in the header ``Host`` that are answered; others are refused (DNS rebinding)."""
    login: bool = False
    """Whether an account is needed; without, everyone who can reach the page may do everything."""
    https: bool = False
    """Whether browsers reach the page by HTTPS, so that cookies are sent that way alone."""
    upload_bytes: int = 200_000_000
    """Size of an uploaded file at most."""
    threads: int = THREADS
    """Threads that read the store."""


class Service:
    """Everything that requests share."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.accounts = Accounts(options.accounts)
        self.tokens = FormTokens(self.accounts.secret())
        self.limits = RateLimits()
        self.explainer = Explainer()
        self.pages = PageCache()
        self.jobs = Jobs(Path(tempfile.mkdtemp(prefix="marsad-web-")))
        self._writing = asyncio.Lock()
        path = None if on_server(options.store) else Path(options.store)
        self._lock = Path(f"{path.resolve()}.lock") if path else None
        self._columns = ResidentColumns(path) if path else None
        self.readers = StoreReaders(self._open, path, options.threads)
        self.facets = FacetCounts(self.readers.state)

    def warm_up(self) -> None:
        """Begin to read what answers will need."""
        if self._columns is not None:
            self._columns.begin()

    def writer(self) -> Holder | None:
        """Return the process that writes to the store's file now; of a server it is not known."""
        return holder(self._lock) if self._lock else None

    async def write(self, change: Callable[[Store], T]) -> T:
        """Change the store, in a thread of its own. Raises :class:`~.errors.StoreError`."""

        def open_and_change() -> T:
            store = open_existing(self.options.store)
            try:
                return change(store)
            finally:
                store.close()

        async with self._writing:
            return await anyio.to_thread.run_sync(open_and_change)

    async def close(self) -> None:
        """Stop jobs, release store and accounts."""
        await self.jobs.close()
        self.readers.close()
        if self._columns is not None:
            self._columns.close()
        self.explainer.close()
        self.accounts.close()

    def _open(self) -> Store:
        return open_store(self.options.store, columns=self._columns)
