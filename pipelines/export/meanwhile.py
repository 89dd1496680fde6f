"""What was deleted while an export ran is not in it.

An export reads one state of the store, as it was at the begin. So the ids that it wrote are looked
up once more at its end, before its files are put in place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from pipelines.errors import DeletedMeanwhile
from pipelines.query import only
from pipelines.records import Hit
from pipelines.stores.protocols import Reading

#: Returns how many of these posts are not there (any more).
Absent = Callable[[Sequence[str]], int]

_NAME = "ids"
_CHUNK = 1_000


def absent_from(store: Reading) -> Absent:
    """Return what counts the posts that a store does not hold."""
    return lambda ids: len(ids) - store.count(only("id", *ids))[0]


def noted(hits: Iterable[Hit], stage: Path) -> Iterator[Hit]:
    """Yield posts, and note their ids in a file: exports may be larger than memory."""
    with (stage / _NAME).open("w", encoding="utf-8", errors="surrogatepass") as file:
        for hit in hits:
            file.write(f"{hit.post.id}\n")
            yield hit


def check(stage: Path, absent: Absent) -> None:
    """Raise :class:`~pipelines.errors.DeletedMeanwhile` if a noted post is not there any more."""
    gone = 0
    with (stage / _NAME).open(encoding="utf-8", errors="surrogatepass", newline="\n") as file:
        names = (line[:-1] for line in file)
        while chunk := list(islice(names, _CHUNK)):
            gone += absent(chunk)
    if gone:
        were = "was" if gone == 1 else "were"
        raise DeletedMeanwhile(
            f"{gone:,} of the posts {were} deleted while the export ran, and nothing was written"
        )
