"""Measuring the model as posts meet it: the scoring stage on labelled posts, then the figures.

Every text is matched and scored once, by the same functions as in the pipeline, for all that is
measured on it.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import islice

import msgspec

from ingest.records import Post, Sentiment, Target
from ingest.watchlist.loader import Watchlist, available, companion
from nlp.error_tables import Data, ErrorFile, tables, without_neutral
from nlp.evaluation import Attitude, Attitudes, Judgement, Section, attitudes, section
from nlp.language import LABELS as ALL_LANGUAGES
from nlp.model_input import prepare
from nlp.occlusion import occlusion
from nlp.onnx_model import script
from nlp.score import Scorer
from nlp.sentiment import LABELS
from pipelines.labelled import Labelled, Unlabelled
from pipelines.stages import Finder, score

_BATCH = 512
#: Words shown of an error.
_WORDS = 5

#: Kinds that the simple rule on attitudes blames, as all who decide; what is used is neutral.
_BLAMED = frozenset({"operator", "regulator", "government"})


class Entities(msgspec.Struct, frozen=True):
    """How the entities that were found and those that were labelled agree, in mentions."""

    both: int
    """Found and labelled: these attitudes are measured."""
    missed: int
    """Labelled, but not found."""
    extra: int
    """Found, but not labelled."""
    unknown: dict[str, int]
    """Labelled, but not in the watchlist at all, by name."""


class Moved(msgspec.Struct, frozen=True):
    """A word, and by how much it raised the probability of what was said (negative: lowered)."""

    word: str
    effect: float


class Worst(msgspec.Struct, frozen=True):
    """A post that was judged wrong, with what was said of it and the words that moved the score."""

    text: str
    gold: str
    said: str
    confidence: float
    """Probability of what was said."""
    of_gold: float
    """Probability that the right label got."""
    words: tuple[Moved, ...]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What ``marsad evaluate --json`` prints; ``None`` is what was not labelled."""

    model: str
    watchlist: str
    """Name and hash of the watchlist; empty without one."""
    data: Data
    bad: int
    """Lines that could not be measured on."""
    sentiment: Section | None
    language: Section | None
    targets: Attitudes | None
    entities: Entities | None
    learned: int = 0
    """Posts whose attitudes are measured although they were learned from: see :func:`learned`."""
    worst: tuple[Worst, ...] = ()
    """The surest errors of sentiment, with their texts."""
    without_neutral: dict[str, int]
    """Sources in which no post is labelled neutral: there every neutral answer is an error."""


class _Text(msgspec.Struct, frozen=True):
    text: str


@functools.cache
def learned() -> frozenset[str]:
    """Return the texts that attitudes were learned from: the sample archives of shipped cases."""
    samples = (companion(name, "sample.ndjson") for name in available())
    lines = (line for sample in samples if sample for line in sample.splitlines())
    return frozenset(msgspec.json.decode(line, type=_Text).text for line in lines)


class Evaluation:
    """Collects judgements batch by batch, then makes the report."""

    def __init__(self, scorer: Scorer, watchlist: Watchlist | None) -> None:
        self._scorer = scorer
        self._finder = Finder(watchlist)
        self._kinds = {entity.id: entity.kind for entity in watchlist.entities} if watchlist else {}
        self.rows = 0
        self.sentiment: list[Judgement] = []
        self.language: list[Judgement] = []
        self.targets: list[Attitude] = []
        self._entities: Counter[str] = Counter()
        self._unknown: Counter[str] = Counter()
        self.targets_labelled = False
        self._learned = 0
        self._wrong: list[tuple[float, int, str]] = []

    def add(self, rows: Sequence[Labelled]) -> None:
        """Score posts and remember how the answers compare with the labels."""
        bare = [self._finder.matched(Post(id="", platform="", text=row.text)) for row in rows]
        for row, post in zip(rows, score(bare, self._scorer), strict=True):
            self._judge(row, post)
            self.rows += 1

    def report(self, data: Data, bad: int = 0, worst: int = 0) -> Report:
        """Return the figures of all that was added, and the `worst` errors of sentiment."""
        return Report(
            model=self._scorer.version,
            watchlist=self._finder.fingerprint,
            data=data,
            bad=bad,
            sentiment=section(self.sentiment, LABELS) if self.sentiment else None,
            language=section(self.language, ALL_LANGUAGES) if self.language else None,
            targets=attitudes(self.targets) if self.targets else None,
            entities=self._agreement(),
            learned=self._learned,
            worst=self.worst(worst),
            without_neutral=without_neutral(self.sentiment),
        )

    def worst(self, count: int) -> tuple[Worst, ...]:
        """Return the errors of sentiment in which the model was surest, the surest first."""
        found = list[Worst]()
        for _, place, text in sorted(self._wrong)[:count]:
            one = self.sentiment[place]
            chances = dict(zip(LABELS, one.probabilities or (0.0, 0.0, 0.0), strict=True))
            _, effects = occlusion(text, self._scorer)
            effects.sort(key=lambda effect: -abs(effect.effect))
            words = tuple(
                Moved(text[effect.start : effect.end], effect.effect) for effect in effects[:_WORDS]
            )
            found.append(
                Worst(text, one.gold, one.said, max(chances.values()), chances[one.gold], words)
            )
        return tuple(found)

    def errors(self, data: Data) -> ErrorFile:
        """Return the tables that corrections of trends need."""
        left_out = without_neutral(self.sentiment)
        usable = [one for one in self.sentiment if one.source not in left_out]
        return ErrorFile(
            model=self._scorer.version,
            data=data,
            left_out=left_out,
            sentiment=tables(usable) if usable else {},
            targets=tables(one.judgement for one in self.targets) if self.targets else {},
        )

    def _judge(self, row: Labelled, post: Post) -> None:
        written = script(prepare(row.text))
        mood = post.sentiment
        assert mood is not None  # scored
        if row.sentiment:
            self.sentiment.append(self._judgement(row, row.sentiment, post, mood, written))
            if mood.label != row.sentiment:
                sure = getattr(mood, mood.label) - getattr(mood, row.sentiment)
                self._wrong.append((-sure, len(self.sentiment) - 1, row.text))
        if row.language:
            # By language the figures would only repeat each label's own.
            self.language.append(
                Judgement(
                    unit=self.rows,
                    gold=row.language,
                    said=post.language,
                    confidence=post.language_confidence,
                    script=written,
                    source=row.source,
                )
            )
        if row.targets is not None:
            self.targets_labelled = True
            if self._kinds:
                self._judge_targets(row, row.targets, post, written)

    def _judge_targets(self, row: Labelled, gold: dict[str, str], post: Post, written: str) -> None:
        found = set(post.entities)
        for entity in gold:
            if entity not in self._kinds:
                self._unknown[entity] += 1
            elif entity not in found:
                self._entities["missed"] += 1
        self._learned += row.text in learned() and not found.isdisjoint(gold)
        mood = post.sentiment
        assert mood is not None
        for target in post.targets:
            if target.entity not in gold:
                self._entities["extra"] += 1
                continue
            self._entities["both"] += 1
            judgement = self._judgement(row, gold[target.entity], post, target, written)
            rules = {
                "sentiment-copied": mood.label,
                "by-kind": rule_by_kind(self._kinds[target.entity]),
            }
            self.targets.append(Attitude(judgement, rules))

    def _judgement(
        self, row: Labelled, gold: str, post: Post, said: Sentiment | Target, written: str
    ) -> Judgement:
        return Judgement(
            unit=self.rows,
            gold=gold,
            said=said.label,
            confidence=getattr(said, said.label),
            probabilities=(said.negative, said.neutral, said.positive),
            language=row.group,
            script=written,
            source=row.source,
            identified=post.language,
        )

    def _agreement(self) -> Entities | None:
        if not (self._kinds and self.targets_labelled):
            return None
        found = self._entities
        return Entities(found["both"], found["missed"], found["extra"], dict(self._unknown))


def rule_by_kind(kind: str) -> str:
    """Return the label of the rule "operators negative, apps neutral" for a kind of entity."""
    return "negative" if kind in _BLAMED else "neutral"


def evaluate(
    rows: Iterable[Labelled | Unlabelled],
    evaluation: Evaluation,
    tell: Callable[[Unlabelled], None],
    report: Callable[[int], None] = lambda rows: None,
) -> int:
    """Add all rows, ``tell`` of those that can't be used, and return how many these are.

    ``report`` is told the number of posts after every batch.
    """
    bad = 0
    every = iter(rows)
    while batch := list(islice(every, _BATCH)):
        usable = [row for row in batch if isinstance(row, Labelled)]
        for row in batch:
            if isinstance(row, Unlabelled):
                bad += 1
                tell(row)
        if usable:
            evaluation.add(usable)
        report(evaluation.rows)
    return bad
