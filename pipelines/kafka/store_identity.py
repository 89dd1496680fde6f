"""Which store the index workers of a collection fill: one at a time.

The workers of a group share its partitions. If one of them filled another store, each store would
get a part of the posts, and neither would ever get the rest. So a store has a name of its own,
its workers show it to the brokers, and who finds the group filling another store does not begin.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from pipelines.errors import BrokerAway, BrokerError, StoreBusy
from pipelines.kafka.connection import SESSION, Brokers, explained, with_retry
from pipelines.records import Batch, Position
from pipelines.stores.protocols import Store

log = logging.getLogger(__name__)

#: Under which key a store keeps its name. Like positions of partitions it is no input of people's.
_KEY = "kafka:store"
_CLIENT = "marsad.index."
#: Seconds until a worker that ended without leaving the group is out of it, and a little more.
GONE = SESSION / 1000 + 5.0


def client_of(store: Store) -> str:
    """Return what a store's workers are called at the brokers: the same for all of them, for good.

    A store that is new gets its name here. Raises :class:`~pipelines.errors.StoreError`.
    """
    found = store.position(_KEY)
    if found is None:
        name = uuid.uuid4().hex[:12]
        given = Position(key=_KEY, name=_KEY, cursor=name, done=True)
        try:
            store.accept_scored(Batch(position=given, previous_cursor=""), ())
        except StoreBusy:  # another worker of a new store was quicker
            found = store.position(_KEY)
            if found is None:
                raise
        else:
            found = given
    return _CLIENT + found.cursor


def before_new(where: Brokers, group: str, there: Callable[[], bool]) -> None:
    """Raise :class:`BrokerError` if a store would be made that these workers may not fill.

    ``there`` tells whether it was made meanwhile, by another worker of its own. Of one that is
    there nothing is said: :func:`alone` knows its workers.
    """
    if _others(where, group, "") and not there():
        alone(where, group, "", GONE, unless=there)


def alone(
    where: Brokers,
    group: str,
    client: str,
    timeout: float,
    *,
    unless: Callable[[], bool] = lambda: False,
) -> None:
    """Raise :class:`BrokerError` if workers of another store are in the group.

    Those that ended a moment ago are waited for, ``timeout`` seconds at most, or until
    ``unless`` is true.
    """
    end = time.monotonic() + timeout
    told = False
    while (others := _others(where, group, client)) and not unless():
        if time.monotonic() >= end:
            raise BrokerError(
                f"Index workers of another store are at work in the group {where.topic(group)} "
                f"({', '.join(others)}): each store would get a part of the posts. Give all of "
                "them the same --store, or stop those first; how to fill a second store: "
                "docs/kafka.md."
            )
        if not told:
            log.warning(
                "Workers of another store were in the group a moment ago (%s): waiting for %.0f s "
                "at most until they are out of it.",
                ", ".join(others),
                timeout,
            )
            told = True
        time.sleep(0.5)


def _others(where: Brokers, group: str, client: str) -> list[str]:
    """Return the workers of other stores, as an operator knows them."""
    members = with_retry(where, lambda: _members(where, where.topic(group)))
    return sorted(
        f"{member['group_instance_id'] or member['member_id']} at {member['client_host']}"
        for member in members
        if member["client_id"].startswith(_CLIENT) and member["client_id"] != client
    )


def _members(where: Brokers, group: str) -> list[Mapping[str, Any]]:
    admin = where.admin()
    try:
        with explained(where):
            found = admin.describe_groups([group])[group]
    finally:
        admin.close()
    error = found["error"] or ""
    if error and "GroupIdNotFound" not in error:
        raise BrokerAway(
            f"The brokers at {where.addresses} do not say who works in the group {group}: {error}"
        )
    members: list[Mapping[str, Any]] = found["members"]
    return members
