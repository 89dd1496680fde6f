"""An item whose mapping fails becomes a dead letter; the items after it are read."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

from ingest import budget, isolation
from ingest.budget import SECONDS, OverBudget, time_budget
from ingest.isolation import IsolatedMistake
from ingest.records import Reject

P = ParamSpec("P")
T = TypeVar("T")

REASON: Final = "mapping-failed"
#: What is said of a record that ran over its budget.
TOO_LONG: Final = f"it took longer than {SECONDS:.0f} seconds"
#: Bytes of a record that any thread maps by itself: the time that no pattern here exceeds by far
#: for so many. What is larger is mapped where it can be ended.
SMALL: Final = 16_384
log = logging.getLogger(__name__)
#: Mistakes that were told: where, and of which kind.
told: set[str] = set()


def kept(
    raw: bytes | Callable[[], bytes], mapping: Callable[P, T], *args: P.args, **more: P.kwargs
) -> T | Reject:
    """Return what a pure ``mapping`` makes of an item; where it fails, a reject with ``raw``.

    One that takes longer than its budget of time is a reject too, in every thread; outside of the
    main one ``mapping`` is a function of a module. Bad input has reasons of its own, so a failure
    is a mistake in the mapping: told once for each place, without the error's words, which may
    quote the post.
    """
    content = raw
    try:
        if budget.in_main_thread():
            with time_budget():
                return mapping(*args, **more)
        content = raw if isinstance(raw, bytes) else raw()
        if len(content) <= SMALL:
            return mapping(*args, **more)
        return isolation.call(mapping, *args, **more)
    except OverBudget:
        found = TOO_LONG
    except Exception as error:
        kind, where = mistake(error)
        _tell(kind, where)
        found = f"unexpected {kind}"
    return Reject.of(REASON, found, content if isinstance(content, bytes) else content())


def mistake(error: Exception) -> tuple[str, str]:
    """Return of which kind an error is and where it arose, without its words."""
    if isinstance(error, IsolatedMistake):
        return error.kind, error.where
    return type(error).__name__, "".join(traceback.format_tb(error.__traceback__))


def _tell(kind: str, where: str) -> None:
    if kind + where not in told:
        told.add(kind + where)
        log.error("%s%s: a mistake in Marsad, please report it. The record is kept.", where, kind)
