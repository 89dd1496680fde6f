"""What the writing subcommands share: scoring what waits, with progress."""

from __future__ import annotations

from pathlib import Path

from ingest.watchlist.loader import Watchlist
from nlp.score import Scorer
from nlp.sentiment import thread_count
from pipelines.commands._shared.context import configured
from pipelines.commands._shared.output import notify
from pipelines.embedded import drain
from pipelines.progress import progress
from pipelines.query import Node, all_of, only
from pipelines.settings import zone
from pipelines.stores.protocols import Store


def make_scorer() -> Scorer:
    """Load the configured model. Raises :class:`~pipelines.errors.ModelError` at once."""
    settings = configured()
    if settings.model and not Path(settings.model).exists():
        notify(
            f"The model {settings.model} is got from Hugging Face if it is not on this machine yet."
        )
    return Scorer(settings.model or None, threads=settings.threads or None)


def tell_days(store: Store, case: Watchlist | None) -> None:
    """Notify of the zone that days are counted in, where nobody chose it.

    That is the default's in a new store without a watchlist, and the store's own where that
    differs from its new watchlist's. A zone that is configured was chosen.
    """
    days = store.timezone()
    if not case and not configured().timezone and not store.ledger().received:
        notify(
            f"Days of this store begin as in {days}, since neither a watchlist nor `timezone` in "
            "marsad.toml names another zone."
        )
    if case and case.timezone != days and not configured().timezone:
        notify(
            f"Days begin as in {days}, the time zone this store was made with; the watchlist "
            f"{case.name} has {case.timezone}. For its days use another --store."
        )


def finish_pending(
    store: Store,
    scorer: Scorer | None = None,
    *,
    query: Node | None = None,
    most: int | None = None,
) -> int:
    """Score and index what waits, showing progress; return how many posts that were.

    All of it, or what matches a query and has provisional scores; ``most`` is how many at most.
    """
    waiting = store.ledger().pending
    if query is not None:
        waiting = store.count(all_of(query, only("scored", "provisional")))[0]
    waiting = waiting if most is None else min(waiting, most)
    done = 0
    with progress("Scoring") as report:

        def after_batch(posts: int) -> None:
            nonlocal done
            done += posts
            report(done, max(waiting, done), done)

        return drain(
            store,
            lambda: scorer or make_scorer(),
            zone(store.timezone()),
            query=query,
            most=most,
            after_batch=after_batch,
            threads=side_by_side(),
        )


def side_by_side() -> int:
    """Return how many parts are scored at once: one for each core that may be used.

    Checkpoints share the cores out inside of themselves.
    """
    settings = configured()
    return 1 if settings.model else settings.threads or thread_count()
