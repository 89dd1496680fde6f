"""How far a store has one partition, and what it has had by where that was before.

Posts that are scored again, and messages that can't be used again (an operator set the score
workers back to the beginning), arrive at new places of the topics ``scored`` and ``dead``, but
come from the same places of ``posts``. What comes from one partition there goes to one partition
here, in its order: the highest place seen tells what came before.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from pipelines.kafka.messages import RecordOffset


class Cursor(msgspec.Struct, frozen=True):
    """A place in a partition: what the store keeps as its position, as text."""

    offset: int = 0
    """Of the next record."""
    topic: str = ""
    """Identity of the topic that messages came from."""
    seen: Mapping[int, int] = {}
    """By partition of that topic: all that came from before this offset has been here."""

    def __str__(self) -> str:
        if not self.topic:
            return str(self.offset)
        seen = ",".join(f"{partition}:{offset}" for partition, offset in self.seen.items())
        return f"{self.offset} {self.topic} {seen}"

    def knows(self, origin: RecordOffset | None) -> bool:
        """Tell whether what came from there has been here."""
        return (
            origin is not None
            and origin.topic == self.topic
            and origin.offset < self.seen.get(origin.partition, 0)
        )

    def after(self, origin: RecordOffset | None) -> Cursor:
        """Return the cursor once something from there has been here."""
        if origin is None:
            return self
        before = self.seen if origin.topic == self.topic else {}
        seen = {**before, origin.partition: origin.offset + 1}
        return Cursor(self.offset, origin.topic, seen)


def read_cursor(text: str) -> Cursor:
    """Return what a store keeps; the beginning for the empty text."""
    offset, _, origin = text.partition(" ")
    topic, _, seen = origin.rpartition(" ")
    pairs = (pair.split(":") for pair in seen.split(",") if pair)
    return Cursor(int(offset or 0), topic, {int(number): int(end) for number, end in pairs})
