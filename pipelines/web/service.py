"""What one running page holds: its options, the readers of its store, accounts and limits."""

from __future__ import annotations

from pathlib import Path

import msgspec

from pipelines.commands._shared.context import on_server, open_store
from pipelines.web.explain import Explainer
from pipelines.web.readers import THREADS, StoreReaders
from pipelines.web.security.accounts import Accounts
from pipelines.web.security.forms import FormTokens
from pipelines.web.security.ratelimit import RateLimits

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
        path = None if on_server(options.store) else Path(options.store)
        self.readers = StoreReaders(lambda: open_store(options.store), path, options.threads)

    def close(self) -> None:
        """Release store and accounts."""
        self.readers.close()
        self.explainer.close()
        self.accounts.close()
