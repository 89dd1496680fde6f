"""The import of files: where they go, what follows each batch, what people are told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ingest.errors import SourceError
from ingest.sources.archive.source import ArchiveSource
from ingest.watchlist.loader import Watchlist
from nlp.score import Scorer
from pipelines.commands._shared.context import (
    kafka_sink,
    open_store,
    protector,
    require_own_keys,
)
from pipelines.commands._shared.import_report import after_lines, imported
from pipelines.commands._shared.output import count, ledger_line, notify
from pipelines.commands._shared.scoring import (
    finish_pending,
    make_scorer,
    side_by_side,
    tell_days,
)
from pipelines.commands._shared.study import record_study
from pipelines.embedded import (
    Imported,
    add,
    collect,
    drain,
    index_provisionally,
    position_key,
)
from pipelines.identity import Identities
from pipelines.progress import progress
from pipelines.records import Ledger
from pipelines.results import Failure
from pipelines.results import report as report_result
from pipelines.settings import zone
from pipelines.stages import Collector
from pipelines.stores.protocols import Sink, Store

if TYPE_CHECKING:
    from pipelines.kafka.connection import Brokers


class Target:
    """Where an import goes: what takes the posts, and what follows each batch."""

    def __init__(
        self,
        taking: Sink,
        catch_up: Callable[[], object] = lambda: None,
        finish: Callable[[], object] = lambda: None,
        days: str = "",
    ) -> None:
        self.sink = taking
        self.catch_up = catch_up
        """Make what waits searchable, where that is this command's work."""
        self.finish = finish
        """Score what waits, where that is this command's work."""
        self.days = days
        """The time zone of its days, where that is known."""
        self.identities: Identities | None = None
        """Keeps posts of one id and several authors apart, where there is a store to ask."""
        self.waits = False
        """Whether posts wait for others to score them when this command ends."""


@contextmanager
def into_store(
    path: str | None, watchlist: str | None, case: Watchlist | None, later: bool
) -> Iterator[Target]:
    """Import into a store; ``later`` leaves the scores that count to another command."""
    opened = open_store(path, readonly=False, case=case)
    try:
        with opened.writer("ingest archive"):
            require_own_keys(opened)
            tell_days(opened, case)
            record_study(opened, watchlist, case)
            scoring = _Scoring(opened, later=later)
            target = Target(opened, scoring, scoring.finish, opened.timezone())
            target.identities = Identities(opened)
            yield target
            if met := target.identities.met:
                notify(
                    f"{count(met, 'post')} had the id of another author's post. Both were kept, "
                    "with the flag id-suspect: see whether the ids count within a file "
                    "(--dataset NAME) or another column holds them (--map id=NAME)."
                )
        total = opened.ledger()
    finally:
        opened.close()
    notify(ledger_line("in the store", total))


@contextmanager
def into_topics(where: Brokers) -> Iterator[Target]:
    """Import into the topics of a cluster, whose workers do the rest."""
    with kafka_sink(where) as opened:
        require_own_keys(opened)
        target = Target(opened)
        target.waits = True
        yield target


class _Scoring:
    """Scores and indexes what waits in a store, with models that are loaded once.

    Posts can be found with provisional scores as they come, and are scored when all are read; in
    a store that has no provisional scores they are scored as they come.
    """

    def __init__(self, store: Store, *, later: bool) -> None:
        self._store = store
        self._zone = zone(store.timezone())
        self._later = later
        self._scorer: Scorer | None = None
        self._provisional: Scorer | None = None

    def __call__(self) -> int:
        if not self._later:
            # A model that does not load is told before anything is read.
            self._scorer = self._scorer or make_scorer()
        if self._store.provisional_scores:
            return index_provisionally(self._store, self._fast, self._zone)
        scorer = self._scorer
        if scorer is None:
            return 0
        return drain(self._store, lambda: scorer, self._zone, threads=side_by_side())

    def finish(self) -> None:
        """Score what waits, unless that is to be done later."""
        if not self._later:
            finish_pending(self._store, self._scorer)

    def _fast(self) -> Scorer:
        self._provisional = self._provisional or Scorer(provisional=True)
        return self._provisional


class Run:
    """One import of several files, with one protector for all of them."""

    def __init__(
        self, target: Target, case: Watchlist | None, keep_authors: str, limit: int | None
    ) -> None:
        self._target = target
        self._case = case
        self._reason = keep_authors
        self._limit = limit
        self._protector = protector(case, keep_authors=bool(keep_authors))
        self._done: list[tuple[ArchiveSource, Imported]] = []
        self._unread: list[ArchiveSource] = []

    def notify(self) -> None:
        """Tell what came of the files, once it is known."""
        for source, result in self._done:
            outcomes = result.outcomes if self._target.waits else _finalized(result.outcomes)
            ended = "done" if result.done else "not at its end"
            report_result(imported(source, outcomes, done=result.done))
            notify(ledger_line(f"{source.path}: {ended}", outcomes))
            for line in after_lines(source):
                notify(line)
            if source.zones_assumed:
                notify(_zones(source.zones_assumed, self._target.days))
            if source in self._unread:
                notify(f"Error: {source.path}: no record could be read.")

    def file(self, source: ArchiveSource) -> int:
        """Import one file; return 1 if it could not be read."""
        try:
            result = self._read(source)
        except SourceError as error:
            report_result(Failure(error=type(error).__name__, message=f"{source.path}: {error}"))
            notify(f"Error: {source.path}: {error}")
            return 1
        finally:
            source.close()
        for warning in source.warnings:
            notify(f"Warning: {source.path}: {warning}")
        if result.known:
            report_result(imported(source, Ledger(), known=True))
            notify(
                f"{source.path}: read to its end before, nothing to add (--again reads it again)."
            )
            return 0
        self._done.append((source, result))
        if result.outcomes.received and result.outcomes.dead == result.outcomes.received:
            self._unread.append(source)
            return 1
        return 0

    def _read(self, source: ArchiveSource) -> Imported:
        watchlist = self._case.fingerprint if self._case else ""
        key = position_key(source, f"{watchlist}\0{'plain' if self._reason else ''}")
        position = self._target.sink.position(key)
        if position and position.done:
            return Imported(Ledger(), done=True, known=True)
        details = msgspec.json.encode(
            msgspec.structs.asdict(source.details())
            | {"watchlist": watchlist, "keep_authors": self._reason}
        ).decode()
        collector = Collector(
            self._protector,
            self._case,
            origin=source.key,
            context=source.context,
            name=Path(source.path).name if source.path != "-" else "standard input",
        )
        # What an interruption left waiting comes first: whether a post was indexed before its
        # deletion came then does not depend on when the interruption was.
        self._target.catch_up()
        posts = 0
        with progress(f"Reading {source.path}") as report:

            def after_read(records: int) -> None:
                nonlocal posts
                posts += records
                report(*source.progress, posts)

            result = collect(
                source,
                self._target.sink,
                collector,
                key=key,
                metadata=details,
                limit=self._limit,
                after_batch=lambda outcomes: self._target.catch_up(),
                after_read=after_read,
                identities=self._target.identities,
            )
        if position is None and result.done and not result.outcomes.received:
            notify(f"Warning: {source.path}: holds no record.")
        return result


def _finalized(outcomes: Ledger) -> Ledger:
    """Count as indexed what was pending when its batch was accepted: it has been scored since."""
    return msgspec.structs.replace(add(outcomes, Ledger(indexed=outcomes.pending)), pending=0)


def _zones(posts: int, days: str) -> str:
    """Return what to tell of dates that name no time zone where nobody said which is theirs."""
    here = f" (days of this store begin as in {days})" if days else ""
    return (
        f"The dates of {count(posts, 'post')} name no time zone, and UTC was assumed{here}. If "
        "that is wrong, give the same command --timezone ZONE: it replaces them."
    )
