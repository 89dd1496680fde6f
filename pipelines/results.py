"""What a command came to, for a program that runs it: records beside the sentences for people.

A program asks for them with the environment variable that also asks for progress
(:data:`pipelines.progress.JSON_PROGRESS`); each is then one line of JSON on standard error,
``{"result": {"kind": …}}``. The page shows them in the reader's language.
"""

from __future__ import annotations

import os
import sys

import msgspec

from ingest.sources.archive.preview import ImportPreview
from pipelines.progress import JSON_PROGRESS
from pipelines.records import Ledger


class Previewed(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="preview"):
    """What a file would become."""

    preview: ImportPreview


class Imported(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="import"):
    """What became of one file."""

    file: str
    known: bool = False
    """Whether it was read to its end before, so that nothing was added."""
    done: bool = True
    """Whether it was read to its end."""
    outcomes: Ledger = Ledger()
    undated: int = 0
    unread_date: str = ""
    """A date that could not be read."""
    ahead: int = 0
    """Posts that are dated after the import."""
    zone_assumed: int = 0
    """Posts for whose dates UTC was assumed."""
    repaired: int = 0
    skipped: dict[str, int] = {}
    """Records that are no posts: ``private``, ``deleted``."""


class Exported(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="export"):
    """What was written."""

    posts: int
    files: tuple[str, ...]
    fictional: int = 0
    raw_names: int = 0
    """Posts that carry the raw account names of their authors."""
    pending: int = 0
    """Posts that wait to be scored and were not exported."""


class Deleted(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="delete"):
    """What was deleted."""

    posts: int
    dead_letters: int
    tombstones: int
    clean: bool
    """Whether no byte of the deleted texts is left in the store's file."""


class Retried(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="retry"):
    """What became of dead letters that were tried again."""

    taken: int
    left: int


class Failure(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="failure"):
    """Why a command failed."""

    error: str
    """Class of the error (:mod:`pipelines.errors`)."""
    message: str


Result = Previewed | Imported | Exported | Deleted | Retried | Failure


def report(result: Result) -> None:
    """Tell the program that runs this command what it came to; nobody, if none does."""
    if os.environ.get(JSON_PROGRESS):
        line = msgspec.json.encode({"result": result}).decode()
        print(line, file=sys.stderr, flush=True)
