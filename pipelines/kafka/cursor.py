"""How far a store has one partition, and which scored posts it has had by where they were before.

A post that is scored again (an operator set the score workers back to the beginning) arrives at a
new place of the topic ``scored``, but comes from the same place of ``posts``. Both topics have
equally many partitions and posts keep their key, so one partition's posts come from one partition,
in its order: the highest place seen tells those that came before.
"""

from __future__ import annotations

import msgspec

from pipelines.kafka.wire import Origin


class Cursor(msgspec.Struct, frozen=True):
    """A place in a partition: what the store keeps as its position, as text."""

    offset: int = 0
    """Of the next record."""
    topic: str = ""
    """Identity of the topic that scored posts came from."""
    seen: int = 0
    """All posts from before this offset there have been here."""

    def __str__(self) -> str:
        return f"{self.offset} {self.topic} {self.seen}" if self.topic else str(self.offset)

    def knows(self, origin: Origin | None, partition: int) -> bool:
        """Tell whether a post of this partition that came from there has been here."""
        return (
            origin is not None
            and (origin.topic, origin.partition) == (self.topic, partition)
            and origin.offset < self.seen
        )

    def after(self, origin: Origin | None, partition: int) -> Cursor:
        """Return the cursor once a post from there has been here."""
        if origin is None or origin.partition != partition:  # the topics were made unequal
            return self
        return Cursor(self.offset, origin.topic, origin.offset + 1)


def read_cursor(text: str) -> Cursor:
    """Return what a store keeps; the beginning for the empty text."""
    offset, _, origin = text.partition(" ")
    topic, _, seen = origin.rpartition(" ")
    return Cursor(int(offset or 0), topic, int(seen or 0))
