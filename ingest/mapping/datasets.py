"""Names of data sets: a part of ids where the platform is not known."""

from __future__ import annotations

import re
from pathlib import PurePath

from ingest.errors import SourceError

_SUFFIX = re.compile(r"\.(gz|gzip|zst|zstd|ndjson|jsonl|json|csv|tsv|tab|txt)$", re.IGNORECASE)
_NAME = re.compile(r"[+@.-]*\w[\w.@+-]*")


def file_name(name: str) -> str:
    """Return the name of a data set: a file's without its endings, fit to stand in an id."""
    if name == "-":
        return "stdin"
    stem = PurePath(name).name
    while short := _SUFFIX.sub("", stem):
        if short == stem:
            break
        stem = short
    return re.sub(r"[^\w.@+-]+", "-", stem).strip("-")[:100] or "archive"


def given_name(name: str) -> str:
    """Return a data set's name as a user wrote it. Raises :class:`SourceError` for a bad one.

    It stands in ids, between colons: what is silently changed would be searched for in vain.
    """
    better = file_name(re.sub(r"[/:]", "-", name).strip("-. "))
    if len(name) > 100 or not _NAME.fullmatch(name):
        raise SourceError(
            f"--dataset {name[:120]!r}: the name becomes part of ids, so it is up to 100 letters, "
            "digits and signs of -_.+@, without spaces, colons and slashes. Try --dataset "
            f"{better}"
        )
    return file_name(name)
