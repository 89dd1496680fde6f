"""What ``marsad worker collect`` reads: some of the configured sources, for as long as it may."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from ingest.watchlist.loader import Watchlist
from pipelines.commands._shared.context import configured, protector, require_own_keys
from pipelines.commands._shared.output import notify
from pipelines.commands._shared.subscriptions import read_subscriptions
from pipelines.kafka.connection import Brokers
from pipelines.kafka.sink import KafkaSink
from pipelines.live.choose import Wanted, means, subscriptions
from pipelines.live.reader import Subscription
from pipelines.stop import Stop


class Reading:
    """The sources of marsad.toml, in an order that every collector has."""

    def __init__(
        self, wanted: Sequence[Wanted], watchlist: Watchlist | None, where: Brokers
    ) -> None:
        """Check the sources. Raises :class:`~pipelines.errors.MarsadError`."""
        self._wanted = wanted
        self._watchlist = watchlist
        self._where = where
        made, close = self._subscriptions(Stop())
        close()
        self.count = len(made)

    def some(self, numbers: frozenset[int], end: Stop) -> None:
        """Read the sources with these numbers into the topics until they end, or ``end`` is set.

        Raises :class:`~pipelines.errors.MarsadError`.
        """
        stop = Stop(end)  # a run that fails sets it
        made, close = self._subscriptions(stop)
        chosen = [subscription for number, subscription in enumerate(made) if number in numbers]
        notify("Reading " + ", ".join(subscription.source.name for subscription in chosen) + ".")
        try:
            days = configured().dead_days
            with KafkaSink(self._where, dead_days=days, seconds=float("inf"), stop=stop) as sink:
                require_own_keys(sink)
                protect = protector(self._watchlist)
                read_subscriptions(chosen, sink, protect, self._watchlist, stop=stop)
        finally:
            close()

    def _subscriptions(self, stop: Stop) -> tuple[list[Subscription], Callable[[], None]]:
        given = means(stop, notify)
        try:
            made = subscriptions(self._wanted, given, environ=os.environ, urls=configured().urls)
        except BaseException:
            given.client.close()
            raise
        return sorted(made, key=lambda subscription: subscription.source.key), given.client.close
