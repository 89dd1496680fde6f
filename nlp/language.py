"""The language of a post: French, Arabic, Darija in either script, English, Berber, mixed, other.

One hashed n-gram model scores the whole text and every word with its neighbours. The whole text
gives the language; the words say whether one language has two thirds of them. What no public
identifier can tell apart (Darija and standard Arabic, Arabizi and French) it learned from labelled
posts; langdetect is asked for its opinion only where the model is in doubt and langdetect is known
to help. The result depends on the text and the model alone. ``docs/languages.md`` has the figures.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nlp import features
from nlp.features import Batch
from nlp.linear import FOLDER, Floats, Table, read_model, softmax, table_of

#: The languages the model tells apart; `zgh` (Berber), `mixed` and `other` are said besides.
LANGUAGES = ("fr", "ar", "ary", "ary-Latn", "en")
#: Every label that a post can have.
LABELS = (*LANGUAGES, "zgh", "mixed", "other")

#: Number of groups whose words are counted against each other (see :func:`_grouped`).
_GROUPS = 4

#: Fewer words than this are never called mixed.
SHORTEST_MIXTURE = 3

#: langdetect reads trigrams of running text: below this it guesses.
_OPINION_LETTERS = 20
#: Answers outside our languages that langdetect gives to at most 2 % of posts in Arabizi each, and
#: that can be expected. It calls 64 % of them Somali, Indonesian, Swahili or Welsh: such answers
#: are recorded and change nothing.
_OUTSIDE = frozenset({"ca", "cs", "da", "de", "es", "fi", "hr", "hu", "it", "lt", "lv"})
_OUTSIDE |= {"nl", "no", "pl", "pt", "ro", "sk", "sl", "sv", "tr", "vi"}
_ARABIC, _LATIN, _OTHER = 1, 2, 3
_FRENCH, _ARABIZI, _ENGLISH = (LANGUAGES.index(name) for name in ("fr", "ary-Latn", "en"))

#: What has no language: emoji and other pictures, and the names of services that are the same in
#: all of them. A post of these alone is `other`.
_PICTURES = re.compile("[\u2190-\u2bff\u3030\u303d\u3297\u3299\ufe0f\u200d\U0001f000-\U0001faff]+")
_NAMES = re.compile(
    r"(?<!\w)(?:android|facebook|fb|gmail|google|hotmail|instagram|insta|iphone|linkedin|messenger"
    r"|netflix|paypal|samsung|skype|snapchat|telegram|tiktok|twitter|viber|wechat|whats ?app|wifi"
    r"|wi-fi|voip|3g|4g|4g\+|5g|adsl|youtube|zoom)(?!\w)",
    re.IGNORECASE,
)
#: Languages that write names with a capital, and other words without.
_CAPITALS = frozenset({"fr", "en"})
_TIFINAGH = re.compile("[\u2d30-\u2d7f]")
#: Berber is said of a text that is foreign to our languages from this probability on.
_BERBER_ABROAD = 0.15
#: A word or two in Latin letters that Arabizi has borrowed ("merci") are French, unless Arabizi is
#: at least as sure as this.
_BORROWED_WORDS, _BORROWED = 2, 0.7
#: A second language is said to be mixed in from this share of the words on: a third, less what the
#: reading of single words errs by.
_SECOND = 0.25


class Language(NamedTuple):
    """What a text is written in.

    ``confidence`` estimates the probability that ``label`` is right; ``scripts`` are the shares of
    Arabic, Latin and other letters (zeros without letters); ``opinion`` is langdetect's answer,
    empty if it was not asked.
    """

    label: str
    confidence: float
    scripts: tuple[float, float, float]
    opinion: str


class Evidence(NamedTuple):
    """What the model found in some texts, a row each."""

    scores: Floats
    """Scores of `LANGUAGES` for the whole text, calibrated: their softmax are probabilities."""
    foreign: Floats
    """Score of "another language": its logistic function is a probability."""
    berber: Floats
    """Score of Berber in Latin letters, likewise."""
    second: Floats
    """Share of the words that are of the second commonest group of languages."""
    mixture: Floats
    """The measures that the decision on `mixed` rests on."""
    words: NDArray[np.int64]
    """How many words have letters."""
    letters: NDArray[np.int64]
    """How many letters are Arabic, Latin, other."""


class LanguageModel:
    """The shipped identifier; :func:`load` reads it once."""

    def __init__(self, path: Path = FOLDER / "language.npz") -> None:
        """Read the model at `path`. Raises :class:`~nlp.errors.ModelError`."""
        arrays, digest = read_model(path)
        self._table = table_of(arrays)
        self._mixed = np.asarray(arrays["mixed"], dtype=np.float64)
        self._limits = np.asarray(arrays["limits"], dtype=np.float64)
        self.version = f"language-{digest}"

    def identify(self, texts: Sequence[str]) -> list[Language]:
        """Return the language of each text; any string is a text, and none raises.

        At most :data:`nlp.features.MAX_CHARACTERS` characters of a text are read.
        """
        read = [readable(text) for text in texts]
        named = [without_capitals(text) for text in texts]
        said = self._identify(read)
        # Names belong to no language: a French sentence about two people is no mixture with Darija,
        # whose names they are. Arabizi has no rule for capitals, so that they tell nothing there.
        again = [place for place, one in enumerate(said) if one.label == "mixed" and named[place]]
        for place, other in zip(
            again, self._identify([readable(named[place]) for place in again]), strict=True
        ):
            if other.label in _CAPITALS:
                said[place] = other._replace(scripts=said[place].scripts)
        return said

    def _identify(self, read: list[str]) -> list[Language]:
        if not read:
            return []
        found = evidence(self._table, read)
        chances = softmax(found.scores)
        foreign, berber = logistic(found.foreign), logistic(found.berber)
        mixed = logistic(weigh(found.mixture, self._mixed))
        mixed[(found.words < SHORTEST_MIXTURE) | (found.second < _SECOND)] = 0.0
        return [
            self._decide(
                text,
                chances[place],
                (float(foreign[place]), float(berber[place]), float(mixed[place])),
                found.letters[place],
                int(found.words[place]),
            )
            for place, text in enumerate(read)
        ]

    def _decide(
        self,
        text: str,
        chances: Floats,
        besides: tuple[float, float, float],
        letters: NDArray[np.int64],
        words: int,
    ) -> Language:
        total = int(letters.sum())
        if total == 0:
            return Language("other", 1.0, (0.0, 0.0, 0.0), "")
        foreign, berber, mixed = besides
        arabic, latin, other = (int(count) / total for count in letters)
        scripts = (arabic, latin, other)
        if other > 0.5:
            tifinagh = len(_TIFINAGH.findall(text)) / total
            return Language("zgh" if tifinagh > 0.5 else "other", other, scripts, "")
        foreign_limit, mixed_limit, doubt = self._limits
        # Arabizi is never foreign, so beside that finding a lesser sign of Berber is enough.
        if latin > 0.9 and berber > (_BERBER_ABROAD if foreign > foreign_limit else foreign_limit):
            return Language("zgh", berber, scripts, "")
        best = int(chances.argmax())
        if words <= _BORROWED_WORDS and best == _ARABIZI and chances[best] < _BORROWED:
            best = _FRENCH if chances[_FRENCH] >= chances[_ENGLISH] else best
        sure = float(chances[best])
        opinion = ""
        if latin > 0.9 and total >= _OPINION_LETTERS and min(sure, 1 - foreign) < doubt:
            opinion = ask_langdetect(text)
            if opinion in _OUTSIDE:
                foreign = max(foreign, (1 + foreign) / 2)
        if foreign > foreign_limit:
            return Language("other", foreign, scripts, opinion)
        if mixed > mixed_limit:
            return Language("mixed", mixed * (1 - foreign), scripts, opinion)
        return Language(LANGUAGES[best], sure * (1 - mixed) * (1 - foreign), scripts, opinion)


def readable(text: str) -> str:
    """Return what of a text tells its language: no emoji, links or masks, no names of services."""
    text = _PICTURES.sub(" ", features.clean(text))
    return _NAMES.sub(" ", text)


def without_capitals(text: str) -> str:
    """Return a text without its capitalised words but for the first: names, in Latin letters.

    Empty where there are none, and where capitals tell nothing: most words have one.
    """
    words = text.split()
    kept = [word for place, word in enumerate(words) if not place or not word[0].isupper()]
    return " ".join(kept) if len(words) / 2 <= len(kept) < len(words) else ""


def evidence(table: Table, texts: Sequence[str]) -> Evidence:
    """Return what `table` finds in `texts`, which are :func:`readable`.

    Its columns are `LANGUAGES`, then "another language", then Berber.
    """
    count, told = len(texts), len(LANGUAGES)
    scores = np.zeros((count, told + 2))
    second = np.zeros(count)
    mixture = np.zeros((count, _MEASURES))
    words = np.zeros(count, dtype=np.int64)
    letters = np.zeros((count, 3), dtype=np.int64)
    for begin, batch in features.chunks(texts, table.space):
        here = slice(begin, begin + len(batch.texts) - 1)
        sums = table.sums(batch)
        scores[here] = table.logits(np.add.reduceat(sums, batch.texts[:-1]), np.diff(batch.texts))
        scripts = _scripts()[np.minimum(batch.codes, len(_scripts()) - 1)]
        marks = scripts[:, None] == np.array([_ARABIC, _LATIN, _OTHER])
        letters[here] = np.add.reduceat(marks, batch.texts[:-1], dtype=np.int64)
        parts = _words(batch, scripts)
        words[here] = np.diff(parts.texts)
        mixture[here], second[here] = _measures(
            table, sums, parts, scores[here, :told], letters[here]
        )
    return Evidence(
        scores[:, :told], scores[:, told], scores[:, told + 1], second, mixture, words, letters
    )


class _Words(NamedTuple):
    """The words with letters of a batch."""

    edges: NDArray[np.int64]
    """The code before each word: a space or sign, which its first n-grams begin with."""
    owners: NDArray[np.int64]
    """The text of each word."""
    texts: NDArray[np.int64]
    """The number of each text's first word, and the number of all."""
    bounds: NDArray[np.int64]
    """Where the texts begin, and the end of the last."""


#: How many words on either side a word is read with, for the measures of mixture.
_REACH = (0, 1)
#: Measures of one set of shares: as they are, products of each two, the largest two, one square.
_PER_SHARES = _GROUPS * (_GROUPS + 3) // 2 + 3
_MEASURES = (2 * len(_REACH) + 1) * _PER_SHARES + 2


def _words(batch: Batch, scripts: NDArray[np.uint8]) -> _Words:
    count = len(batch.texts) - 1
    if len(batch.words):
        lettered = np.add.reduceat(scripts > 0, batch.words) > 0
    else:
        lettered = np.zeros(0, dtype=bool)
    owners = batch.word_texts[lettered]
    numbers = np.bincount(owners, minlength=count)
    texts = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(numbers)))
    return _Words(batch.words[lettered] - 1, owners, texts, batch.texts)


def _windows(table: Table, sums: NDArray[np.int64], parts: _Words, reach: int) -> Floats:
    """Return group probabilities of each word, read with `reach` words before and after it."""
    running = np.zeros((len(sums) + 1, len(LANGUAGES)), dtype=np.int64)
    np.cumsum(sums[:, : len(LANGUAGES)], axis=0, out=running[1:])
    number = np.arange(len(parts.edges))
    starts, ends = parts.bounds[parts.owners], parts.bounds[parts.owners + 1]
    edges = np.pad(parts.edges, (reach, 0))
    edges = np.pad(edges, (0, reach + 1), constant_values=len(sums))
    first = np.maximum(edges[number], starts)
    last = np.minimum(edges[number + 2 * reach + 1], ends)
    scale, bias = table.scale[: len(LANGUAGES)], table.bias[: len(LANGUAGES)]
    scores = scale * (running[last] - running[first])
    scores = scores / np.sqrt(last - first)[:, None] + bias
    return _grouped(scores)


def _measures(
    table: Table,
    sums: NDArray[np.int64],
    parts: _Words,
    scores: Floats,
    letters: NDArray[np.int64],
) -> tuple[Floats, Floats]:
    """Return what speaks for a mixture in each text: shares of its words by group, and so on.

    Beside it the share of the second commonest group, words read with their neighbours.
    """
    words = np.diff(parts.texts)
    rows = [_quadratic(_grouped(scores))]
    second = np.zeros(len(words))
    for reach in _REACH:
        soft = np.zeros((0, _GROUPS))
        if len(parts.owners):
            soft = _windows(table, sums, parts, reach)
        hard = np.eye(_GROUPS)[soft.argmax(axis=1)] if len(soft) else soft
        means = _means(hard, parts.texts)
        rows += [_quadratic(_means(soft, parts.texts)), _quadratic(means)]
        second = np.sort(means, axis=1)[:, -2]
    share = np.minimum(letters[:, 0], letters[:, 1]) / np.maximum(letters.sum(axis=1), 1)
    length = np.log(np.maximum(words, 1))
    return np.column_stack([*rows, share, length]), second


def _grouped(scores: Floats) -> Floats:
    """Return probabilities of what can be told apart word by word.

    The two languages in Arabic letters share most words, so they are taken together: a mixture of
    them can't be told from either.
    """
    chances = softmax(scores)
    arabic = chances[:, 1] + chances[:, 2]
    return np.column_stack((arabic, chances[:, 3], chances[:, 0], chances[:, 4]))


def _means(rows: Floats, bounds: NDArray[np.int64]) -> Floats:
    """Return the mean of the rows between each two bounds; zeros where there are none."""
    sums = np.zeros((len(bounds) - 1, rows.shape[1]))
    filled = bounds[1:] > bounds[:-1]
    if filled.any():
        sums[filled] = np.add.reduceat(rows, bounds[:-1][filled], axis=0)
    return np.asarray(sums / np.maximum(np.diff(bounds), 1)[:, None])


def _quadratic(shares: Floats) -> Floats:
    ordered = np.sort(shares, axis=1)
    one, two = np.triu_indices(shares.shape[1])
    return np.column_stack(
        (
            shares,
            shares[:, one] * shares[:, two],
            ordered[:, -1],
            ordered[:, -2],
            ordered[:, -1] ** 2,
        )
    )


@cache
def _scripts() -> NDArray[np.uint8]:
    """Return for each code of the basic plane the script of its letter, 0 if it is none."""
    table = np.zeros(0x10000, dtype=np.uint8)
    for code in range(len(table)):
        character = chr(code)
        if unicodedata.category(character)[0] == "L":
            name = unicodedata.name(character, "")
            arabic, latin = name.startswith("ARABIC"), "LATIN" in name
            table[code] = _ARABIC if arabic else _LATIN if latin else _OTHER
    return table


def weigh(mixture: Floats, weights: Floats) -> Floats:
    """Return the score of "mixed" for rows of measures; the last of `weights` is the bias.

    Summed row by row: a matrix product may round differently in another batch.
    """
    return np.asarray((mixture * weights[:-1]).sum(axis=1) + weights[-1])


def logistic(scores: Floats) -> Floats:
    """Turn scores into probabilities."""
    result: Floats = 1 / (1 + np.exp(-np.clip(scores, -50, 50)))
    return result


def ask_langdetect(text: str) -> str:
    """Return langdetect's answer on `text`, seeded, or an empty string if it has none."""
    from langdetect import DetectorFactory, LangDetectException, detect

    DetectorFactory.seed = 0
    readable = features.clean(text).encode("utf-8", "ignore").decode()
    try:
        return str(detect(readable))
    except LangDetectException:
        return ""


@cache
def load() -> LanguageModel:
    """Return the shipped identifier, read once."""
    return LanguageModel()


def identify(texts: Sequence[str]) -> list[Language]:
    """Return the language of each text (see :meth:`LanguageModel.identify`)."""
    return load().identify(texts)
