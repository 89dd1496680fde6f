"""Labels made for this project by reading post by post, and the votes of AfriSenti's annotators.

Both are softer than one label: three annotators of one post agree in half of the cases, and a post
that is read twice gets the same label in 87 of 100. What the votes say is learned as shares.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nlp.training.rows import LABELS, Licence, Row, read_lines

#: Sources whose posts may not be used for business (CC BY-NC and CC BY-NC-SA).
NON_COMMERCIAL = ("twifil", "smartly", "doda")
#: What each label gets before a single vote is counted: one annotator is not certainty.
_PRIOR = 0.15
#: Share of a read label that goes to the two others: readers disagree on 13 of 100 posts.
_READER_DOUBT = 0.12
_SECOND_DEV = 400


def barred(licence: Licence) -> tuple[str, ...]:
    """Return what the names of sources begin with that weights of this licence leave out."""
    return NON_COMMERCIAL if licence == "free" else ()


def _soft(votes: dict[str, int]) -> tuple[float, float, float]:
    counts = [votes.get(label, 0) + _PRIOR for label in LABELS]
    total = sum(counts)
    return (counts[0] / total, counts[1] / total, counts[2] / total)


def _read_source(source: str) -> str:
    if source == "free_fr_telecom":
        return "read_telecom"
    if source == "myc_cleaned":
        return "read_myc"
    return "read_nc" if source.startswith(NON_COMMERCIAL) else "read"


def read(data: Path) -> list[Row]:
    """Return the posts of ``read.jsonl.gz`` that have a label.

    Their source is ``read``, ``read_telecom`` (one operator's customers), ``read_myc`` (posts of
    ``myc_cleaned``, whose makers had no neutral class) or ``read_nc`` (out of collections for
    non-commercial use).
    """
    rows = []
    for item in read_lines(data / "sentiment" / "read.jsonl.gz"):
        if item["label"] is None:
            continue
        label = LABELS.index(item["label"])
        doubt = _READER_DOUBT / 2
        shares = [1 - 2 * doubt if place == label else doubt for place in range(3)]
        soft = (shares[0], shares[1], shares[2])
        rows.append(Row(item["text"], label, item["lang"], _read_source(item["source"]), soft))
    return rows


def _voted(data: Path, split: str) -> Iterator[tuple[dict[str, Any], Row]]:
    for item in read_lines(data / "sentiment" / "votes.jsonl.gz"):
        if item["split"] == split:
            soft = _soft(item["votes"])
            label = max(range(3), key=lambda place: (soft[place], LABELS[place] == item["label"]))
            yield item, Row(item["text"], label, item["lang"], item["source"], soft)


def votes(data: Path) -> list[Row]:
    """Return AfriSenti's voted posts to learn from: those of train, and of no split.

    The second dev is left out.
    """
    second = {row.text for row in second_dev(data)}
    found = [row for _, row in _voted(data, "train")]
    return found + [row for _, row in _voted(data, "none") if row.text not in second]


def second_dev(data: Path) -> list[Row]:
    """Return 400 posts of no split, in Latin script, that are never learned from.

    Chosen by a hash of the id; their label is the one that the annotators' file favours.
    """

    def place(item: dict[str, Any]) -> bytes:
        return hashlib.blake2b(item["id"].encode(), digest_size=8).digest()

    found = [item for item, row in _voted(data, "none") if row.lang == "ary-Latn"]
    found = sorted((one for one in found if one["label"] in LABELS), key=place)[:_SECOND_DEV]
    return [
        Row(one["text"], LABELS.index(one["label"]), one["lang"], one["source"], None)
        for one in found
    ]
