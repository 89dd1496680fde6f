"""What the writing subcommands share: scoring what waits, with progress."""

from __future__ import annotations

from nlp.score import Scorer
from pipelines.commands.common import configured
from pipelines.embedded import drain
from pipelines.progress import progress
from pipelines.settings import zone
from pipelines.stores.base import Store


def make_scorer() -> Scorer:
    """Load the configured model. Raises :class:`~pipelines.errors.ModelError` at once."""
    settings = configured()
    return Scorer(settings.model or None, threads=settings.threads or None)


def finish_pending(store: Store) -> int:
    """Score and index all that waits, showing progress; return how many posts that were."""
    waiting = store.ledger().pending
    done = 0
    with progress("Scoring") as report:

        def after_batch(posts: int) -> None:
            nonlocal done
            done += posts
            report(done, max(waiting, done), done)

        return drain(store, make_scorer, zone(configured().timezone), after_batch=after_batch)
