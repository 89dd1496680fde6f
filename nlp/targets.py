"""The attitude of a post towards each entity it mentions.

"Inwi blocked WhatsApp, shame" is against the operator, not against the app. A small model, learned
from labelled posts, weighs the mood of the whole post, the mood of the words around the mention,
what kind of entity it is, and what else the post mentions. It knows kinds, never names, and holds
no list of words: the moods come from the sentiment models. ``docs/targets.md`` has the figures.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from nlp import features, linear
from nlp.batching import LABELS
from nlp.errors import ModelError
from nlp.linear import FOLDER, Floats, LinearModel, read_model, softmax, table_of

#: What a mention can be: three attitudes, or something else by the same name, which drops out.
CLASSES = (*LABELS, "not-this-entity")
_NOT_THIS = 3
#: A mention drops out above this probability only: examples of other meanings are few, and a lost
#: attitude is worse than a doubtful one.
SURE_NOT_THIS = 0.8

#: Kinds of entities the model tells apart; any other kind is taken for a topic.
KINDS = ("operator", "institution", "app", "topic")
_KIND = {"operator": 0, "regulator": 1, "government": 1, "app": 2}
_TOPIC = 3

#: Where a thought ends: punctuation of either script, a dash or stroke between spaces, emoji.
_BREAK = re.compile(
    r"[.,;:!?…\n،؛؟()]+|\s[-–—/|]+\s|[\u2600-\u27bf\U0001f000-\U0001faff\ufe0f\u200d]+"
)
_WINDOW = 6
#: Where six words are looked for, and how much of a view the models read, in characters.
_REACH = 40 * _WINDOW
_ENOUGH = features.MAX_CHARACTERS
_WORDS = re.compile(r"\S+")
_FLOOR = 1e-3
_VIEWS = 4


class Mentioned(Protocol):
    """Words of a text that name an entity: offsets into the text, end exclusive."""

    @property
    def entity(self) -> str: ...  # noqa: D102
    @property
    def kind(self) -> str: ...  # noqa: D102
    @property
    def start(self) -> int: ...  # noqa: D102
    @property
    def end(self) -> int: ...  # noqa: D102


class TargetScore(NamedTuple):
    """Probabilities of a post's attitude to one entity; they sum to 1."""

    entity: str
    negative: float
    neutral: float
    positive: float


class Subject(NamedTuple):
    """One entity of one text: which text, which entity, and its mentions in order."""

    text: int
    entity: str
    mentions: tuple[Mentioned, ...]


class TargetModel:
    """The shipped model; :func:`load` reads it once."""

    def __init__(self, path: Path = FOLDER / "targets.npz") -> None:
        """Read the model at `path`. Raises :class:`~nlp.errors.ModelError`."""
        arrays, digest = read_model(path)
        self._weights = np.asarray(arrays["weights"], dtype=np.float64)
        self._bias = np.asarray(arrays["bias"], dtype=np.float64)
        marked = {name[7:]: array for name, array in arrays.items() if name.startswith("marked_")}
        self._marked = table_of(marked)
        self._moods = linear.load()
        if str(arrays["moods"]) != self._moods.version:
            message = (
                f"Model file {path} was trained beside {arrays['moods']}, "
                f"installed is {self._moods.version}: train it again (`make train`)."
            )
            raise ModelError(message)
        self.version = f"targets-{digest}"

    def attitudes(
        self,
        texts: Sequence[str],
        mentions: Sequence[Sequence[Mentioned]],
        sentiment: Floats,
    ) -> list[list[TargetScore]]:
        """Return one score per entity of each text, in the order of first mention.

        `sentiment` holds the probabilities of the whole texts, a row each: negative, neutral,
        positive. Offsets outside a text are cut to it. An entity that the text probably does not
        mean, though it holds its name, gets no score.
        """
        found: list[list[TargetScore]] = [[] for _ in texts]
        entities = subjects(mentions)
        if not entities:
            return found
        rows = describe(texts, mentions, entities, sentiment, self._moods)
        words = self._marked.score(marked(texts, mentions, entities))
        for subject, chances in zip(entities, softmax(self._scores(rows) + words), strict=True):
            if chances[_NOT_THIS] > SURE_NOT_THIS:
                continue
            chances = chances[:_NOT_THIS] / chances[:_NOT_THIS].sum()
            score = TargetScore(subject.entity, *(float(chance) for chance in chances))
            found[subject.text].append(score)
        return found

    def _scores(self, rows: Floats) -> Floats:
        # Summed row by row: a matrix product may round differently in another batch.
        sums = (rows[:, None, :] * self._weights.T).sum(axis=2)
        return np.asarray(sums + self._bias)


def subjects(mentions: Sequence[Sequence[Mentioned]]) -> list[Subject]:
    """Return the entities of all texts, text by text, in the order of first mention."""
    result = list[Subject]()
    for place, named in enumerate(mentions):
        groups: dict[str, list[Mentioned]] = {}
        for mention in sorted(named, key=lambda mention: (mention.start, mention.end)):
            groups.setdefault(mention.entity, []).append(mention)
        result.extend(Subject(place, name, tuple(group)) for name, group in groups.items())
    return result


def describe(
    texts: Sequence[str],
    mentions: Sequence[Sequence[Mentioned]],
    entities: Sequence[Subject],
    sentiment: Floats,
    moods: LinearModel,
) -> Floats:
    """Return one row of features per entity.

    The features are the logarithms of the probabilities of the whole post (by `sentiment`) and of
    four views of the mention (by `moods`, all of a batch at once), the same by kind of entity,
    how they differ from those of the post's other entities, and where and among what the mention
    stands.
    """
    read = {place: _Text(texts[place], mentions[place]) for place in {e.text for e in entities}}
    views = [view for subject in entities for view in read[subject.text].views(subject)]
    mood = _log(moods.predict(views).astype(np.float64)).reshape(len(entities), _VIEWS, 3)
    kinds = np.eye(len(KINDS))[[_kind(subject.mentions[0].kind) for subject in entities]]
    owners = np.array([subject.text for subject in entities])
    post = _log(sentiment[owners])
    count = np.bincount(owners, minlength=len(texts))[owners]
    alone = (count == 1).astype(np.float64)[:, None]
    company = np.zeros((len(texts), len(KINDS)))
    np.add.at(company, owners, kinds)
    company = (company[owners] - kinds > 0).astype(np.float64)
    places = np.array([_place(texts[subject.text], subject, mentions) for subject in entities])
    first, last = places[:, :1], places[:, 1:2]
    columns = (
        kinds,
        post,
        _each(kinds, post),
        alone,
        alone * kinds,
        alone * post,
        np.log(count)[:, None],
        mood.reshape(len(entities), -1),
        _contrast(mood.reshape(len(entities), -1), owners),
        _each(kinds, mood[:, 0]),
        places,
        company,
        _each(kinds, company),
        first * kinds,
        last * kinds,
        last * post,
    )
    return np.concatenate(columns, axis=1)


#: How far the words around a mention reach, in characters; at a word's edge.
_NEAR = 60
_KIND_MARKS = ("operatormark", "institutionmark", "appmark", "topicmark")


def marked(
    texts: Sequence[str], mentions: Sequence[Sequence[Mentioned]], entities: Sequence[Subject]
) -> list[str]:
    """Return the words around each entity's first mention, with a mark in the place of each name.

    The mark tells the kind, and whether it is the entity that is asked about.
    """
    ordered: dict[int, list[Mentioned]] = {}
    starts: dict[int, list[int]] = {}
    for place in {subject.text for subject in entities}:
        ordered[place] = sorted(mentions[place], key=lambda mention: mention.start)
        starts[place] = [mention.start for mention in ordered[place]]
    return [_marked(texts[one.text], ordered[one.text], starts[one.text], one) for one in entities]


def _marked(text: str, named: Sequence[Mentioned], starts: list[int], subject: Subject) -> str:
    begin = _within(text, subject.mentions[0].start)
    left = max(0, begin - _NEAR)
    right = _within(text, subject.mentions[0].end) + _NEAR
    parts, last = list[str](), left
    for mention in named[bisect_left(starts, left) : bisect_left(starts, right)]:
        if mention.start < last:
            continue
        who = "this" if mention.entity == subject.entity else "other"
        parts += [text[last : mention.start], f" {who}{_KIND_MARKS[_kind(mention.kind)]} "]
        last = _within(text, mention.end)
    around = "".join([*parts, text[last : max(last, right)]])
    return around.split(" ", 1)[1] if left and " " in around else around


class _Text:
    """One text with its breaks and mentions in order: where a view ends is looked up, not sought.

    A post may name an entity ten thousand times, and each mention has views of its own.
    """

    def __init__(self, text: str, named: Sequence[Mentioned]) -> None:
        self._text = text
        breaks = [found.span() for found in _BREAK.finditer(text)]
        self._begins = [begin for begin, _ in breaks]
        self._ends = [end for _, end in breaks]
        self._before = _Others((other.end, other.entity) for other in named)
        self._after = _Others((-other.start, other.entity) for other in named)

    def views(self, subject: Subject) -> Iterator[str]:
        """Yield what stands around an entity's mentions, without its name, in four ways.

        Up to the next break or other entity; up to the next break; six words before; six words
        after. Of each view as much as models read of a text.
        """
        columns: list[list[str]] = [[] for _ in range(_VIEWS)]
        room = [_ENOUGH] * _VIEWS
        for mention in subject.mentions:
            for column, part in enumerate(self._around(mention)):
                if room[column] > 0:
                    columns[column].append(part)
                    room[column] -= len(part) + 1
            if max(room) <= 0:
                break
        for parts in columns:
            yield " ".join(parts)

    def _around(self, mention: Mentioned) -> tuple[str, ...]:
        text = self._text
        start, end = _within(text, mention.start), _within(text, mention.end)
        passed = bisect_right(self._ends, start)
        following = max(passed, bisect_left(self._begins, end))
        left = self._ends[passed - 1] if passed else 0
        right = self._begins[following] if following < len(self._begins) else len(text)
        near_left = max(left, self._before.last(start, mention.entity, left))
        near_right = min(right, -self._after.last(-end, mention.entity, -right))
        before, after = text[max(0, start - _REACH) : start], text[end : end + _REACH]
        return (
            f"{_part(text, near_left, start)} {_part(text, end, near_right)}",
            f"{_part(text, left, start)} {_part(text, end, right)}",
            " ".join(_WORDS.findall(before)[-_WINDOW:]),
            " ".join(_WORDS.findall(after)[:_WINDOW]),
        )


class _Others:
    """Places of mentions in order, and before each the next one of another entity."""

    def __init__(self, places: Iterable[tuple[int, str]]) -> None:
        ordered = sorted(places)
        self._places = [place for place, _ in ordered]
        self._entities = [entity for _, entity in ordered]
        self._other = list[int]()
        for number, entity in enumerate(self._entities):
            same = number > 0 and self._entities[number - 1] == entity
            self._other.append(self._other[-1] if same else number - 1)

    def last(self, limit: int, entity: str, default: int) -> int:
        """Return the highest place up to a limit of any other entity."""
        number = bisect_right(self._places, limit) - 1
        if number >= 0 and self._entities[number] == entity:
            number = self._other[number]
        return self._places[number] if number >= 0 else default


def _within(text: str, place: int) -> int:
    return min(max(0, place), len(text))


def _part(text: str, begin: int, end: int) -> str:
    return text[begin : min(end, begin + _ENOUGH)]


def _place(
    text: str, subject: Subject, mentions: Sequence[Sequence[Mentioned]]
) -> tuple[float, ...]:
    named = mentions[subject.text]
    begin = subject.mentions[0].start
    sign = text[begin : begin + 1]
    return (
        float(all(begin <= other.start for other in named)),
        float(all(subject.mentions[-1].start >= other.start for other in named)),
        min(1.0, max(0, begin) / max(1, len(text))),
        float(sign == "#"),
        float(sign == "@"),
        float(np.log1p(min(len(text), features.MAX_CHARACTERS)) / 5),
        float(np.log1p(max(0, subject.mentions[0].end - begin)) / 3),
        float(min(len(subject.mentions), 3) - 1),
    )


def _contrast(mood: Floats, owners: NDArray[np.int64]) -> Floats:
    """Return by how much each row differs from the mean of its text's other rows; 0 if alone."""
    begins = np.flatnonzero(np.diff(owners, prepend=-1))
    counts = np.diff(np.append(begins, len(owners)))
    sums = np.repeat(np.add.reduceat(mood, begins, axis=0), counts, axis=0)
    others = np.repeat(counts, counts)[:, None] - 1
    mean = (sums - mood) / np.maximum(others, 1)
    return np.where(others > 0, mood - mean, 0.0)


def _kind(kind: str) -> int:
    return _KIND.get(kind, _TOPIC)


def _log(chances: Floats) -> Floats:
    return np.asarray(np.log(np.maximum(chances, _FLOOR)), dtype=np.float64)


def _each(one: Floats, other: Floats) -> Floats:
    """Return the products of every column of `one` with every column of `other`."""
    return np.asarray((one[:, :, None] * other[:, None, :]).reshape(len(one), -1))


@cache
def load() -> TargetModel:
    """Return the shipped model, read once."""
    return TargetModel()
