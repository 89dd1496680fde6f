"""What a platform sent instead of a counter, kept aside so that somebody can find out why.

The folder and its files are readable by their owner alone. A file goes after as many days as
dead letters live, and of each source only the newest ones stay.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from datetime import datetime
from pathlib import Path

from pipelines.errors import StoreError

#: Files kept for each source.
NEWEST = 10
_DAY = 86_400.0


class Aside:
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
        name = re.sub(r"[^A-Za-z0-9@.]+", "-", source).strip("-.")
        path = self.folder / f"{name}_{at:%Y%m%dT%H%M%S.%f}.body"
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(body)
            self._tidy(name)
        except OSError as error:
            raise StoreError(
                f"{path} can't be written ({error.strerror}): make room, or check the rights of "
                "the folder; what was read so far is stored."
            ) from error
        return path

    def _tidy(self, name: str) -> None:
        limit = time.time() - self._days * _DAY
        for path in self.folder.glob("*.body"):
            with contextlib.suppress(FileNotFoundError):  # another watch was faster
                if path.stat().st_mtime < limit:
                    path.unlink()
        for path in sorted(self.folder.glob(f"{name}_*.body"))[:-NEWEST]:
            path.unlink(missing_ok=True)
