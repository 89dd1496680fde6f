"""Hashed n-grams of characters and words, for the small linear models.

A batch of texts becomes one array of code points; every n-gram is then a difference of two prefix
hashes, so that a whole batch costs a handful of NumPy passes (about 10 microseconds a post) instead
of a loop over characters. The n-grams of a text depend on that text alone, never on its batch.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from nlp.clitics import spaced_hashtags
from nlp.folding import fold

#: Version of the folding and hashing below; a model records the one it was trained with.
VERSION = 2

#: Characters beyond this are not read: a language or a mood shows well before.
MAX_CHARACTERS = 2_000

#: Codes handled at once: the arrays of one chunk stay in the processor's cache.
_CHUNK = 1 << 15

_MASK = re.compile(
    r"\[(?:url|user|mail|phone)\]|\b(?:https?://|www\.)\S+|(?<!\w)@\w+", re.IGNORECASE
)
_SPACE, _WORD, _SIGN, _DROP = 0, 1, 2, 3
_DROPPED = (
    *(0xAD, 0x61C, 0x640, 0x670, 0xFE0E, 0xFE0F),
    *range(0x200B, 0x2010),
    *range(0x202A, 0x202F),
)
_FOLDED = {0x6A9: 0x643, 0x6CC: 0x64A, 0x671: 0x627, 0x2018: 0x27, 0x2019: 0x27, 0x60: 0x27}
_BMP = 0x10000

_WORD_MASK = (1 << 64) - 1
_BASE = 0x9E3779B97F4A7C15  # odd, hence invertible modulo 2**64
_SPREAD = np.uint64(0xD6E8FEB86659FD93)
_MIX = np.uint64(0xBF58476D1CE4E5B9)
_SALT = np.uint64(0x94D049BB133111EB)

Codes = NDArray[np.uint32]
Index = NDArray[np.int64]


@dataclass(frozen=True)
class Space:
    """Which n-grams are looked at, and into how many places they are hashed.

    ``orders`` are lengths of character n-grams; they run over spaces and signs. ``words`` is the
    longest run of words hashed as one (0 for none). ``bits`` is the logarithm of the table's size;
    the place ``2**bits``, one past the table, holds the n-grams that would cross a text's end.
    """

    orders: tuple[int, ...]
    words: int
    bits: int

    @property
    def size(self) -> int:
        """The number of places."""
        return 1 << self.bits


@dataclass(frozen=True)
class Batch:
    """The n-grams of some texts, joined into one row of codes."""

    grams: Index
    """Places of the character n-grams, one row per order, one column per code they begin at."""
    runs: Index
    """Places of the runs of words, one row per length, one column per word they begin at."""
    kinds: NDArray[np.uint8]
    """For each code: 0 space, 1 letter or digit, 2 any other sign."""
    codes: Codes
    texts: Index
    """Where each text begins, and the end of the last one."""
    words: Index
    """Where each word begins; its end is the next code that is not a letter or digit."""
    word_texts: Index
    """The text each word stands in."""


@cache
def _tables() -> tuple[Codes, NDArray[np.uint8]]:
    """Return for each code of the basic plane what it is read as, and its kind."""
    fold = np.arange(_BMP, dtype=np.uint32)
    kind = np.full(_BMP, _SIGN, dtype=np.uint8)
    for code in range(_BMP):
        category = unicodedata.category(chr(code))
        if category[0] in "LN":
            kind[code] = _WORD
            lower = chr(code).lower()
            if len(lower) == 1:
                fold[code] = ord(lower)
        elif category[0] == "Z" or category == "Cc":
            kind[code] = _SPACE
            fold[code] = 0x20
        elif category in ("Mn", "Cs"):
            kind[code] = _DROP
    kind[list(_DROPPED)] = _DROP
    for code, reading in _FOLDED.items():
        fold[code] = reading
    kind[0x27] = kind[0x2018] = kind[0x2019] = kind[0x60] = _SIGN
    return fold, kind


@cache
def _powers(inverse: bool) -> NDArray[np.uint64]:
    """Return the powers of the hash's base, or of its inverse, modulo 2**64."""
    factor = pow(_BASE, -1, 1 << 64) if inverse else _BASE
    size = _CHUNK + 2 * MAX_CHARACTERS + 8
    powers = accumulate(range(size), lambda last, _: last * factor & _WORD_MASK, initial=1)
    return np.fromiter(powers, dtype=np.uint64, count=size + 1)


def clean(text: str) -> str:
    """Return the part of `text` that is read, without links, mentions and their masks.

    In the one spelling of :func:`nlp.folding.fold`, the words of hashtags apart.
    """
    text = spaced_hashtags(fold(text[:MAX_CHARACTERS]))
    if "[" in text or "@" in text or "://" in text or "www." in text:
        return _MASK.sub(" ", text)
    return text


def encode(texts: Sequence[str]) -> tuple[Codes, NDArray[np.uint8], Index]:
    """Return the folded codes of cleaned `texts`, their kinds, and where each text begins.

    Each text begins with a space. Case, vowel marks and invisible marks go; of a run of the same
    sign two are left, of a run of spaces one.
    """
    joined = " " + "  ".join(texts) + " "
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    lengths = np.fromiter((len(text) + 2 for text in texts), dtype=np.int64, count=len(texts))
    first = np.zeros(len(codes), dtype=bool)
    starts = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(lengths)))
    first[starts[:-1]] = True
    fold, kind = _tables()
    basic = np.minimum(codes, _BMP - 1)
    kinds = kind[basic]
    codes = np.where(codes < _BMP, fold[basic], codes)
    keep = kinds != _DROP
    codes, kinds, first = codes[keep], kinds[keep], first[keep]
    same = np.zeros(len(codes), dtype=bool)
    same[1:] = codes[1:] == codes[:-1]
    again = same & (kinds == _SPACE)
    again[2:] |= same[2:] & same[1:-1]
    keep = ~again | first
    codes, kinds, first = codes[keep], kinds[keep], first[keep]
    return codes, kinds, np.append(np.flatnonzero(first), len(codes))


def _place(hashes: NDArray[np.uint64], bits: int) -> Index:
    hashes = (hashes ^ (hashes >> np.uint64(31))) * _MIX
    return (hashes >> np.uint64(64 - bits)).astype(np.int64)


def _chunk(texts: Sequence[str], space: Space) -> Batch:
    codes, kinds, starts = encode(texts)
    count = len(codes)
    inverse = _powers(True)[:count]
    prefix = np.zeros(count + 1, dtype=np.uint64)
    np.cumsum((codes.astype(np.uint64) + _SALT) * _SPREAD * _powers(False)[:count], out=prefix[1:])
    ends = np.repeat(starts[1:], np.diff(starts))
    here = np.arange(count)
    grams = np.full((len(space.orders), count), space.size, dtype=np.int64)
    for row, order in enumerate(space.orders):
        if count < order:
            continue
        hashes = (prefix[order:] - prefix[: count + 1 - order]) * inverse[: count + 1 - order]
        fits = here[: count + 1 - order] + order <= ends[: count + 1 - order]
        grams[row, : count + 1 - order] = np.where(fits, _place(hashes, space.bits), space.size)
    inside = kinds == _WORD
    before = np.zeros(count, dtype=bool)
    before[1:] = inside[:-1]  # a text begins with a space, so no word runs over its end
    words = np.flatnonzero(inside & ~before)
    after = np.flatnonzero(before & ~inside)
    word_texts = np.searchsorted(starts, words, side="right") - 1
    runs = np.full((space.words, len(words)), space.size, dtype=np.int64)
    last = (prefix[after] - prefix[words]) * inverse[words]
    run = np.zeros(len(words), dtype=np.uint64)
    for length in range(space.words):
        reach = len(words) - length
        if reach <= 0:
            break
        run = (run[:reach] ^ _SALT) * _SPREAD + last[length:]
        fits = word_texts[:reach] == word_texts[length:]
        runs[length, :reach] = np.where(fits, _place(run, space.bits), space.size)
    return Batch(grams, runs, kinds, codes, starts, words, word_texts)


def chunks(texts: Sequence[str], space: Space) -> Iterator[tuple[int, Batch]]:
    """Yield the n-grams of `texts` in parts: the index of a part's first text, and the part.

    Any text is accepted: empty, lone surrogates, very long (`MAX_CHARACTERS` are read).
    """
    begin, size, part = 0, 0, list[str]()
    for index, text in enumerate(texts):
        text = clean(text)
        if part and size + len(text) > _CHUNK:
            yield begin, _chunk(part, space)
            begin, size, part = index, 0, []
        part.append(text)
        size += len(text) + 2
    if part:
        yield begin, _chunk(part, space)
