"""How live sources are read into a sink: the same for one command and for a worker."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ingest.privacy.protector import Protector
from ingest.watchlist.loader import Watchlist
from pipelines.commands._shared.output import notify
from pipelines.dead_letters.retry import LIVE
from pipelines.live.reader import Subscription
from pipelines.live.run import Outcome, run
from pipelines.stages import Collector
from pipelines.stop import Stop
from pipelines.stores.protocols import Sink


def read_subscriptions(
    made: Sequence[Subscription],
    taking: Sink,
    protect: Protector,
    case: Watchlist | None,
    *,
    stop: Stop,
    drain: Callable[[], int] | None = None,
) -> list[Outcome]:
    """Read sources until all have ended or ``stop`` is set; see :func:`pipelines.live.run.run`.

    Raises :class:`~pipelines.errors.MarsadError`.
    """

    def collector(subscription: Subscription) -> Collector:
        source = subscription.source
        return Collector(
            protect, case, origin=source.key, context=LIVE, name=source.name, stop_when_overdue=True
        )

    return run(
        made,
        taking,
        collector,
        watchlist=case.fingerprint if case else "",
        stop=stop,
        drain=drain,
        notify=notify,
    )
