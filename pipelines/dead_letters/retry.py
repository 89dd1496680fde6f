"""Dead letters once more: what can be read now becomes posts, the rest stays where it is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import msgspec

from ingest.privacy.protector import Protector
from ingest.records import Item, Reject, decode_post
from ingest.sources.archive.retried import parse_raw
from ingest.watchlist.loader import Watchlist
from nlp.errors import MarsadError
from pipelines.records import MESSAGE, REFUSED, Batch, Collected, DeadLetter, Position
from pipelines.stages import Collector, utc_now
from pipelines.stores.protocols import Sink

#: The context of letters of live sources, which have no file that they could be read from again.
LIVE = "live"


class Retried(msgspec.Struct, frozen=True):
    """What a retry did."""

    taken: int
    """Letters that are records now."""
    left: int
    """Letters that still can't be used."""


def retry(
    store: Sink,
    dead_letters: Sequence[DeadLetter],
    protector: Protector,
    watchlist: Watchlist | None,
    *,
    mapping: Mapping[str, str] | None = None,
    notify: Callable[[str], None] = lambda message: None,
) -> Retried:
    """Try letters again, each with what its import knew, or with another field mapping.

    A letter leaves the ledger as dead in the same transaction in which its record enters them.
    """
    collector = Collector(protector, watchlist)
    by_origin: dict[str, list[tuple[DeadLetter, Item | Collected]]] = defaultdict(list)
    for dead_letter in dead_letters:
        if found := _parsed(dead_letter, mapping, notify):
            by_origin[dead_letter.origin].append((dead_letter, found))
    for origin, pairs in by_origin.items():
        collection = collector([one for _, one in pairs if isinstance(one, Item)], utc_now())
        # A message between stages was protected and matched before it was sent.
        collection.posts += [one for _, one in pairs if isinstance(one, Collected)]
        position = Position(key=f"retry:{origin}", name="dead letters", cursor="", done=True)
        store.accept(
            Batch(
                position=position,
                previous_cursor="",
                posts=collection.posts,
                tombstones=collection.tombstones,
                filtered=collection.filtered,
                retried=[dead_letter for dead_letter, _ in pairs],
            )
        )
    taken = sum(map(len, by_origin.values()))
    return Retried(taken, len(dead_letters) - taken)


def _parsed(
    dead_letter: DeadLetter, mapping: Mapping[str, str] | None, notify: Callable[[str], None]
) -> Item | Collected | None:
    found = _read(dead_letter, mapping)
    if isinstance(found, str):
        notify(f"{dead_letter.place}: {found}")
        return None
    return found


def _read(dead_letter: DeadLetter, mapping: Mapping[str, str] | None) -> Item | Collected | str:
    """Return what a letter holds, or why it still can't be used."""
    if dead_letter.truncated:
        return "too long to be kept whole: import its file again"
    if dead_letter.context == MESSAGE:
        from pipelines.kafka.messages import reread

        return reread(dead_letter.raw) or _why(dead_letter.reason, dead_letter.detail)
    if dead_letter.reason == REFUSED:
        return Collected(decode_post(dead_letter.raw))  # protected and matched, too
    if dead_letter.context == LIVE:
        return "of a live source; what it still offers is read again by itself"
    try:
        item = parse_raw(dead_letter.raw, dead_letter.context, mapping=mapping)
    except MarsadError as error:
        return str(error)
    if isinstance(item.record, Reject):
        return _why(item.record.reason, item.record.detail)
    return item


def _why(reason: str, detail: str) -> str:
    return f"{reason}: {detail}" if detail else reason
