"""What a platform sent instead of an answer, kept so that somebody can find out why.

The folder and its files are readable by their owner alone. A file goes after as many days as
dead letters live, and of each source only the newest ones stay.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import time
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from pipelines.dead_letters.search import finder
from pipelines.errors import StoreError

#: Files kept for each source.
NEWEST = 10
_LONGEST = 100
_DAY = 86_400.0


def beside(store: str) -> Path:
    """Return the folder that belongs to a store: beside its file, else in the working folder.

    ``store`` is a path or an address, empty where posts go to topics.
    """
    return Path(f"{store}.aside" if store and "://" not in store else "marsad.aside")


def _name(source: str) -> str:
    """Return how files of a source begin: readable, its own, and short enough for any disk."""
    name = re.sub(r"[^A-Za-z0-9@.]+", "-", source).strip("-.")
    if len(name) <= _LONGEST and source.isascii():
        return name
    digest = hashlib.blake2b(source.encode("utf-8", "replace"), digest_size=6).hexdigest()
    return f"{name[:_LONGEST]}-{digest}"


class Quarantine:
    """A folder of answers that could not be used."""

    def __init__(self, folder: Path, days: float) -> None:
        self.folder = folder
        self._days = days

    def keep(self, source: str, at: datetime, body: bytes) -> Path | None:
        """Write an answer down and return where; ``None`` if there is nothing in it.

        Raises :class:`~pipelines.errors.StoreError`.
        """
        if not body:
            return None
        name = _name(source)
        path = self.folder / f"{name}_{at:%Y%m%dT%H%M%S.%f}.body"
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(body)
            for older in sorted(self.folder.glob(f"{name}_*.body"))[:-NEWEST]:
                older.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(
                f"{path} can't be written ({error.strerror}): make room, or check the rights of "
                "the folder; what was read so far is stored."
            ) from error
        self.purge_expired()
        return path

    def forget(self, names: Iterable[str]) -> int:
        """Remove every answer that holds one of these native ids or author names.

        Returns how many those were. See :meth:`pipelines.dead_letters.queue.DeadLetters.forget`.
        """
        named = finder(names)
        if named is None or not self.folder.is_dir():
            return 0
        removed = 0
        for path in self.folder.glob("*.body"):
            with contextlib.suppress(FileNotFoundError):
                if named(path.read_bytes()):
                    path.unlink()
                    removed += 1
        return removed

    def purge_expired(self) -> None:
        """Remove what has expired.

        Raises :class:`~pipelines.errors.StoreError` where that is not allowed.
        """
        limit = time.time() - self._days * _DAY
        for path in self.folder.glob("*.body"):
            try:
                if path.stat().st_mtime < limit:
                    path.unlink()
            except FileNotFoundError:  # another process was faster
                continue
            except OSError as error:
                raise StoreError(
                    f"{path} has expired and can't be removed ({error.strerror}): remove it, or "
                    "run this as the account that it belongs to."
                ) from error
