"""An item whose mapping fails becomes a dead letter; the items after it are read."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

from ingest.budget import SECONDS, OverBudget, time_budget
from ingest.records import Reject

P = ParamSpec("P")
T = TypeVar("T")

REASON: Final = "mapping-failed"
log = logging.getLogger(__name__)
#: Mistakes that were told: where, and of which kind.
told: set[str] = set()


def kept(
    raw: bytes | Callable[[], bytes], mapping: Callable[P, T], *args: P.args, **more: P.kwargs
) -> T | Reject:
    """Return what a pure ``mapping`` makes of an item; where it fails, a reject with ``raw``.

    One that takes longer than its budget of time is a reject too. Bad input has reasons of its
    own, so a failure is a mistake in the mapping: told once for each place, without the error's
    words, which may quote the post.
    """
    try:
        with time_budget():
            return mapping(*args, **more)
    except OverBudget:
        found = f"it took longer than {SECONDS:.0f} seconds"
        return Reject.of(REASON, found, raw if isinstance(raw, bytes) else raw())
    except Exception as error:
        _tell(error)
        found = f"unexpected {type(error).__name__}"
        return Reject.of(REASON, found, raw if isinstance(raw, bytes) else raw())


def _tell(error: Exception) -> None:
    where = "".join(traceback.format_tb(error.__traceback__))
    kind = type(error).__name__
    if kind + where not in told:
        told.add(kind + where)
        log.error("%s%s: a mistake in Marsad, please report it. The record is kept.", where, kind)
