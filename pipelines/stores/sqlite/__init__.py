"""The store for one machine: one SQLite file (see ``docs/architecture.md``)."""

from pipelines.stores.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
