"""The data folder: rows, groups, and the posts kept away from training.

A *group* is one source in one language ("afrisenti_ary/ary-Latn"). What a group contributes to
training is set in `GROUPS`, nearest and cleanest most; groups that are not listed are not used.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Literal

from nlp.model_input import prepare
from nlp.training import moods, read_posts
from nlp.training.duplicates import Near
from nlp.training.rows import LABELS, Licence, Row, read_lines

__all__ = ["LABELS", "Licence", "Row", "read_lines"]

Split = Literal["train", "calibrate", "check"]
Part = Split | Literal["dev", "second-dev"]


#: Draws per pass for each group. Chosen from the README's remarks on quality and nearness: posts
#: read one by one and voted posts most, then sets labelled by people, then large far-away sets.
GROUPS: dict[str, int] = {
    "afrisenti_ary/ary": 2400,
    "afrisenti_ary/ary-Latn": 4000,
    "afrisenti_votes/ary": 12,
    "afrisenti_votes/ary-Latn": 2700,
    "afrisenti_arq/arq": 2400,
    "arsarcasm_v2/ar": 4500,
    "deft2017_t1/fr": 2500,
    "elecmorocco2016/ary": 800,
    "mac/ar": 2000,
    "mac/ary": 1500,
    "myc_cleaned/ary": 1200,
    "myc_cleaned/ary-Latn": 1000,
    "narabizi/arq-Latn": 1000,
    "tsac/aeb": 300,
    "tsac/aeb-Latn": 500,
    "tunizi/aeb-Latn": 300,
    "umsab_arabic/ar": 2400,
    "umsab_english/en": 2600,
    "umsab_french/fr": 3600,
    "airline_en/en": 800,
    "arsas/ar": 2500,
    "bank_fr/fr": 400,
    "dz_brands/arq": 1200,
    "dz_brands/arq-Latn": 1200,
    "dz_brands/fr": 1000,
    "dz_youtube/arq": 1000,
    "dz_youtube/arq-Latn": 500,
    "dz_youtube/fr": 200,
    "ma_youtube/ary": 1200,
    "ma_youtube/ary-Latn": 1000,
    "marsa/ar": 1500,
    "mawqif/ar": 700,
    "semeval_en/en": 3000,
    "tunizi70k/aeb-Latn": 900,
    "twifil/arq": 150,
    # Read one by one for this project (`read_posts`).
    "read/ar": 1700,
    "read/arq": 1100,
    "read/arq-Latn": 550,
    "read/ary": 2700,
    "read/ary-Latn": 2800,
    "read/fr": 2600,
    "read/mixed": 1000,
    "read_myc/ary-Latn": 1500,
    "read_nc/ar": 30,
    "read_nc/arq": 220,
    "read_nc/arq-Latn": 120,
    "read_nc/ary": 80,
    "read_nc/ary-Latn": 1300,
    "read_nc/fr": 1000,
    "read_nc/mixed": 220,
    "read_telecom/fr": 2800,
    # Invented posts about blocked calls and operators: the domain itself.
    "own/ar": 350,
    "own/arq": 100,
    "own/arq-Latn": 100,
    "own/ary": 1200,
    "own/ary-Latn": 1900,
    "own/en": 300,
    "own/fr": 1300,
    "own/mixed": 400,
    # Short plain sentences, put together from words (`moods`).
    "moods/ar": 300,
    "moods/ary": 600,
    "moods/ary-Latn": 800,
    "moods/fr": 400,
    # Posts without a label, for which an earlier model votes.
    "unlabelled/aeb-Latn": 500,
    "unlabelled/ar": 1300,
    "unlabelled/arq": 800,
    "unlabelled/arq-Latn": 800,
    "unlabelled/ary": 1700,
    "unlabelled/ary-Latn": 1700,
    "unlabelled/fr": 800,
    "unlabelled/mixed": 700,
    # Posts in Arabic script, shown in Latin script (see `transliterate`).
    "dz_brands/arq~Latn": 400,
    "dz_youtube/arq~Latn": 300,
    "elecmorocco2016/ary~Latn": 300,
    "ma_youtube/ary~Latn": 500,
    "mac/ary~Latn": 300,
    "myc_cleaned/ary~Latn": 300,
    "own/ary~Latn": 400,
    "read/ary~Latn": 1000,
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
    "afrisenti_votes": 12,
    "read": 8,
    "read_nc": 8,
    "read_telecom": 8,
}

#: Sources left out where the weights must be free for business.
NON_COMMERCIAL = frozenset(
    {"afrisenti_ary", "afrisenti_arq", "afrisenti_votes", "twifil", "read_nc"}
)
_HELD_OUT_ELSE = 4


def read_rows(path: Path) -> list[Row]:
    """Read labelled posts."""
    return [
        Row(item["text"], LABELS.index(item["label"]), item["lang"], item["source"])
        for item in read_lines(path)
    ]


def split_of(row: Row) -> Split:
    """Say which part a row belongs to, by its prepared text: copies of a text stay together."""
    return _split(prepare(row.text), row.source)


def _split(prepared: str, source: str) -> Split:
    digest = hashlib.blake2b(prepared.encode(), digest_size=4).digest()
    place = int.from_bytes(digest, "big") % 1000 / 10
    held_out = _HELD_OUT.get(source, _HELD_OUT_ELSE)
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


@lru_cache(maxsize=1)
def _parts(data: Path) -> dict[Split, list[Row]]:
    """Return all labelled posts of the folder by part, without dev and what is nearly in it.

    Each text stands there once: votes count before what was read, and that before the rest. Posts
    with attitudes to entities are left out of training: the attitudes are learned from what the
    sentiment models say of them, which is worth too much of posts that these have learned from.
    """
    folder = data / "sentiment"
    measured = Near(
        prepare(row.text) for row in [*labelled(data, "dev"), *labelled(data, "second-dev")]
    )
    rows = read_posts.votes(data) + read_posts.read(data)
    rows += read_rows(folder / "train.jsonl") + read_rows(folder / "more.jsonl.gz")
    first: dict[str, Row] = {}
    for row in rows:
        if row.group in GROUPS and (text := prepare(row.text)) not in measured:
            first.setdefault(text, row)
    named = {prepare(item["text"]) for item in read_lines(data / "targets" / "read.jsonl.gz")}
    parts: dict[Split, list[Row]] = {"train": [], "calibrate": [], "check": []}
    for text, row in first.items():
        part = _split(text, row.source)
        if part != "train" or text not in named:
            parts[part].append(row)
    return parts


def labelled(
    data: Path,
    split: Part,
    own: Path | None = None,
    licence: Licence = "all",
) -> list[Row]:
    """Read the rows of one part: of the listed groups, or one of the two devs as it is.

    `own` is a file of invented posts that joins those of the data folder; the sentences of `moods`
    are all learned from. With the `licence`
    "free", sources for non-commercial use are left out.
    """
    if split == "dev":
        return read_rows(data / "sentiment" / "dev.jsonl")
    if split == "second-dev":
        return read_posts.second_dev(data)
    invented = [row for row in (read_own(own) if own else []) if row.group in GROUPS]
    rows = _parts(data)[split] + [row for row in invented if split_of(row) == split]
    if split == "train":
        rows += moods.rows()
    barred = NON_COMMERCIAL if licence == "free" else frozenset()
    return [row for row in rows if row.source not in barred]


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


#: What no model may learn from, with or without a label.
_HELD: tuple[Part, ...] = ("calibrate", "check", "dev", "second-dev")

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


def without_label(data: Path, licence: Licence = "all") -> list[tuple[str, str]]:
    """Return (text, language) of people's posts that an earlier model may label.

    What is held out, for calibration, checks or either dev, is left out here too: by its prepared
    text. With the `licence` "free", so are sources for non-commercial use.
    """
    held_out = {prepare(row.text) for part in _HELD for row in labelled(data, part)}
    barred = read_posts.barred(licence)
    return [
        (text, lang)
        for text, lang, source in _unlabelled(data)
        if source in _POSTS and not source.startswith(barred) and prepare(text) not in held_out
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
