"""Writing a file as a whole: a reader sees the older one or the new one, never a half."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from pipelines.errors import OutputError


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that its owner alone can read; the older one stays until the new is whole.

    Raises :class:`OutputError`.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(draft, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as stream:
            stream.write(content)
        draft.replace(path)
    except OSError as error:
        raise OutputError(
            f"{path} can't be written ({error.strerror}): choose another folder, or make room"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
