"""The data folder: rows, groups, and the posts kept away from training.

A *group* is one source in one language ("afrisenti_ary/ary-Latn"). What a group contributes to
training is set in `GROUPS`, nearest and cleanest most; groups that are not listed are not used.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from nlp.model_input import prepare

LABELS = ("negative", "neutral", "positive")
Split = Literal["train", "calibrate", "check"]


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled post; `text` is as collected, `label` an index into `LABELS`."""

    text: str
    label: int
    lang: str
    source: str

    @property
    def group(self) -> str:
        """Source and language, as in `GROUPS`."""
        return f"{self.source}/{self.lang}"


#: Draws per pass for each group. Chosen from the README's remarks on quality and nearness and not
#: tuned on dev: Latin-script Darija three times over, large far-away sets a few thousand each.
GROUPS: dict[str, int] = {
    "afrisenti_ary/ary": 6000,
    "afrisenti_ary/ary-Latn": 6600,
    "afrisenti_arq/arq": 3200,
    "arsarcasm_v2/ar": 8600,
    "deft2017_t1/fr": 3400,
    "elecmorocco2016/ary": 5000,
    "mac/ar": 4000,
    "mac/ary": 3400,
    "myc_cleaned/ary": 5000,
    "myc_cleaned/ary-Latn": 4100,
    "narabizi/arq-Latn": 1500,
    "tsac/aeb": 1500,
    "tsac/aeb-Latn": 2500,
    "tunizi/aeb-Latn": 1500,
    "umsab_arabic/ar": 3000,
    "umsab_english/en": 3600,
    "umsab_french/fr": 4900,
    "airline_en/en": 2500,
    "arsas/ar": 6000,
    "bank_fr/fr": 1500,
    "dz_brands/arq": 4500,
    "dz_brands/arq-Latn": 5000,
    "dz_brands/fr": 4000,
    "dz_youtube/arq": 4000,
    "dz_youtube/arq-Latn": 2000,
    "dz_youtube/fr": 400,
    "ma_youtube/ary": 4500,
    "ma_youtube/ary-Latn": 3500,
    "marsa/ar": 3500,
    "mawqif/ar": 1500,
    "semeval_en/en": 7000,
    "tunizi70k/aeb-Latn": 5000,
    "twifil/arq": 300,
    # Invented posts about blocked calls and operators: the domain itself.
    "own/ar": 350,
    "own/arq": 100,
    "own/arq-Latn": 100,
    "own/ary": 1500,
    "own/ary-Latn": 2400,
    "own/en": 150,
    "own/fr": 2200,
    "own/mixed": 400,
    # Posts without a label, for which an earlier model votes.
    "unlabelled/aeb-Latn": 1500,
    "unlabelled/ar": 4000,
    "unlabelled/arq": 2500,
    "unlabelled/arq-Latn": 2500,
    "unlabelled/ary": 5000,
    "unlabelled/ary-Latn": 5000,
    "unlabelled/fr": 2500,
    "unlabelled/mixed": 2000,
    # Posts in Arabic script, shown in Latin script (see `transliterate`).
    "dz_brands/arq~Latn": 2000,
    "dz_youtube/arq~Latn": 1500,
    "elecmorocco2016/ary~Latn": 1500,
    "ma_youtube/ary~Latn": 2500,
    "mac/ary~Latn": 1500,
    "myc_cleaned/ary~Latn": 2000,
    "own/ary~Latn": 600,
}

#: Sets whose makers had no neutral class (tunizi70k has 3.6 %: as good as none).
WITHOUT_NEUTRAL = frozenset({"elecmorocco2016", "myc_cleaned", "tsac", "tunizi", "bank_fr"})

#: Small three-class sets give a larger share to calibration, or it would be too few posts.
_HELD_OUT = {
    "afrisenti_ary": 12,
    "afrisenti_arq": 12,
    "umsab_french": 12,
    "umsab_arabic": 12,
    "umsab_english": 12,
    "narabizi": 12,
    "ma_youtube": 8,
    "own": 12,
}
_HELD_OUT_ELSE = 4


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of an NDJSON file, gzipped or not; a missing file yields none."""
    if not path.exists():
        return
    if path.suffix == ".gz":
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            yield from map(json.loads, lines)
    else:
        with path.open(encoding="utf-8") as lines:
            yield from map(json.loads, lines)


def read_rows(path: Path) -> list[Row]:
    """Read labelled posts."""
    return [
        Row(item["text"], LABELS.index(item["label"]), item["lang"], item["source"])
        for item in read_lines(path)
    ]


def split_of(row: Row) -> Split:
    """Say which part a row belongs to, by its prepared text: copies of a text stay together."""
    digest = hashlib.blake2b(prepare(row.text).encode(), digest_size=4).digest()
    place = int.from_bytes(digest, "big") % 1000 / 10
    held_out = _HELD_OUT.get(row.source, _HELD_OUT_ELSE)
    if place < held_out * 0.6:
        return "calibrate"
    return "check" if place < held_out else "train"


#: The source of posts that were invented for training.
OWN = "own"


def read_own(path: Path) -> list[Row]:
    """Read invented posts of a case, in the form of its sample archive."""
    return [
        Row(
            item["text"],
            LABELS.index(item["labels"]["sentiment"]),
            item["labels"]["language"],
            OWN,
        )
        for item in read_lines(path)
    ]


def labelled(data: Path, split: Split | Literal["dev"], own: Path | None = None) -> list[Row]:
    """Read the rows of one part: of the listed groups, or the dev file as it is.

    `own` is a file of invented posts that joins the two of the data folder.
    """
    folder = data / "sentiment"
    if split == "dev":
        return read_rows(folder / "dev.jsonl")
    rows = read_rows(folder / "train.jsonl") + read_rows(folder / "more.jsonl.gz")
    rows += read_own(own) if own else []
    return [row for row in rows if row.group in GROUPS and split_of(row) == split]


#: Sets to pre-train on, with the share of their lines to take: user writing in full, Tunisian and
#: made-up text in part.
UNLABELLED_SHARE = {
    "zindi-tunisian-arabizi": 0.1,
    "doda-ongoing": 0.15,
    "doda-idioms": 1.0,
    "arsas-train": 0.15,
    "mlma-ar-tweets": 0.3,
    "twifil-train": 0.3,
    "subtitles-youtube": 0.3,
    "wamid-captions": 0.5,
    "ynsaid-dz-youtube": 0.5,
    "smartly-wiki": 0.2,
}


def _unlabelled(data: Path) -> Iterator[tuple[str, str, str]]:
    """Yield (text, language, source) of the lines that `UNLABELLED_SHARE` leaves."""
    for item in read_lines(data / "text" / "unlabelled.jsonl.gz"):
        share = UNLABELLED_SHARE.get(item["source"], 1.0)
        digest = hashlib.blake2b(item["text"].encode("utf-8", "ignore"), digest_size=4).digest()
        if int.from_bytes(digest, "big") < share * 2**32:
            yield item["text"], item["lang"], item["source"]


def unlabelled(data: Path) -> list[tuple[str, str]]:
    """Return (text, language) of the lines to pre-train on, the labelled training posts included.

    Of the labelled posts those held out for calibration and checks are left out, as is dev; the
    unlabelled file is taken as it is, since no label stands in it.
    """
    lines = [(text, lang) for text, lang, _ in _unlabelled(data)]
    near = ("ary", "ary-Latn", "arq", "arq-Latn")
    lines += [(row.text, row.lang) for row in labelled(data, "train") if row.lang in near]
    return lines


#: The source of posts that have no label but an earlier model's vote.
UNLABELLED = "unlabelled"

#: Sets of the unlabelled text that are people's posts, not speech and not made up.
_POSTS = frozenset(
    {
        "djalil21-dz-comments",
        "elhadrati-2",
        "elhadrati-3",
        "elhadrati-4",
        "elhadrati-6",
        "elhadrati-7",
        "elhadrati-scraped",
        "elhadrati-set4",
        "fodilb",
        "hespress-comments",
        "mehdi-comments",
        "mehdi-reels",
        "mlma-ar-tweets",
        "mlma-fr-tweets",
        "myc-raw",
        "nanaa1304-youtube",
        "narabizi-train",
        "omcd",
        "smartly-atlasia-youtube",
        "smartly-domain",
        "twifil-train",
        "ynsaid-dz-youtube",
        "youssefs-youtube",
        "zindi-tunisian-arabizi",
    }
)


def without_label(data: Path) -> list[tuple[str, str]]:
    """Return (text, language) of people's posts that an earlier model may label.

    What is held out, for calibration, checks or dev, is left out here too: by its prepared text.
    """
    folder = data / "sentiment"
    labelled_rows = read_rows(folder / "train.jsonl") + read_rows(folder / "more.jsonl.gz")
    held_out = {prepare(row.text) for row in labelled_rows if split_of(row) != "train"}
    held_out |= {prepare(row.text) for row in read_rows(folder / "dev.jsonl")}
    return [
        (text, lang)
        for text, lang, source in _unlabelled(data)
        if source in _POSTS and prepare(text) not in held_out
    ]


def all_texts(data: Path) -> Iterator[str]:
    """Yield every text that may speak for the vocabulary: all but dev and the tests."""
    for name in ("train.jsonl", "more.jsonl.gz"):
        for item in read_lines(data / "sentiment" / name):
            yield item["text"]
    for item in read_lines(data / "text" / "unlabelled.jsonl.gz"):
        yield item["text"]
    for item in read_lines(data / "text" / "pairs.jsonl.gz"):
        yield item["latin"]
        yield item["arabic"]
    for item in read_lines(data / "language" / "train.jsonl"):
        yield item["text"]
