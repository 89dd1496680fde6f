"""What labels and columns are called in the three languages of a sheet."""

from __future__ import annotations

from typing import Literal

Ui = Literal["en", "fr", "ar"]

#: A label by its words, in the order of the drop-down list.
WORDS: dict[Ui, dict[str, str]] = {
    "en": {
        "negative": "negative",
        "neutral": "neutral",
        "positive": "positive",
        "unclear": "unclear",
    },
    "fr": {"negative": "négatif", "neutral": "neutre", "positive": "positif", "unclear": "ambigu"},
    "ar": {
        "negative": "سلبي",
        "neutral": "محايد",
        "positive": "إيجابي",
        "unclear": "غير واضح",
    },
}

#: Headers for people, by the name of the column.
HEADERS: dict[Ui, dict[str, str]] = {
    "en": {"sentiment": "sentiment", "text": "text", "day": "day", "note": "note"},
    "fr": {"sentiment": "sentiment", "text": "texte", "day": "jour", "note": "remarque"},
    "ar": {"sentiment": "الموقف العام", "text": "النص", "day": "اليوم", "note": "ملاحظة"},
}

_MORE = {
    "neg": "negative",
    "négative": "negative",
    "negatif": "negative",
    "سلبية": "negative",
    "neu": "neutral",
    "محايدة": "neutral",
    "pos": "positive",
    "positive": "positive",
    "ايجابي": "positive",
    "إيجابية": "positive",
    "pas clair": "unclear",
    "?": "unclear",
}
_LABELS = {
    word.casefold(): label for words in WORDS.values() for label, word in words.items()
} | _MORE
_COLUMNS = {word.casefold(): name for words in HEADERS.values() for name, word in words.items()} | {
    "label": "sentiment"
}
#: Names that columns of a sheet have, in any of the languages.
KNOWN_COLUMNS = frozenset(
    {*_COLUMNS, *_COLUMNS.values(), "id", "language", "lang", "source", "predicted", "weight"}
)


def label_of(word: str) -> str:
    """Return the label that a word means in one of the languages; empty for another word."""
    return _LABELS.get(" ".join(word.split()).casefold(), "")


def column_of(header: str) -> str:
    """Return the name of the column that a header means; a header of its own is its name."""
    bare = " ".join(header.split())
    return _COLUMNS.get(bare.casefold(), bare)
