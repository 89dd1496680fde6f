"""Which batches of an input a document answers for, so that one applied twice counts once.

A batch writes its documents first and its input's document last, with checkpoint and counters. A
process that is killed in between leaves documents that count already, of records that come
again: perhaps in batches of other sizes. So a document remembers what changed it: the input, the
epoch (one run of one writer on this input), the number of the batch in the epoch, and how many
records it counted. The input's document says up to which number the batches of each epoch are
applied. What a document counted for a batch that never was is its *credit*: so many records of
that input are not counted once more. Each use of it is remembered the same way, with a minus,
since the batch that uses it may be lost as well.
"""

from __future__ import annotations

import hashlib
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Sequence

import msgspec

#: Epochs that an input remembers; what is older was applied. Entries that a document remembers.
_EPOCHS, _ENTRIES = 32, 8


class Epoch(msgspec.Struct, frozen=True, array_like=True):
    """One run of one writer on one input."""

    number: int
    """Grows with every run that applied something."""
    writer: str
    """Another for each run."""
    last: int = 0
    """The last batch that was applied."""


class _Entry(msgspec.Struct):
    input: str
    epoch: int
    writer: str
    batch: int
    records: int

    def __str__(self) -> str:
        return f"{self.input}.{self.epoch}.{self.writer}.{self.batch}.{self.records}"


class Checkpoint:
    """A batch of one input: what documents remember of it, and what they remember is worth."""

    def __init__(self, key: str, epochs: Sequence[Epoch], epoch: Epoch, batch: int) -> None:
        """Name batch number ``batch`` of an ``epoch``, given the epochs the input remembers."""
        digest = hashlib.blake2b(key.encode(), digest_size=8).digest()
        self._input = urlsafe_b64encode(digest).rstrip(b"=").decode()
        self._epochs = {(one.number, one.writer): one.last for one in epochs}
        self._oldest = min((one.number for one in epochs), default=0)
        self._forgetful = len(epochs) >= _EPOCHS
        self.epoch = epoch
        self.batch = batch
        self._here = epoch.number, epoch.writer, batch

    def credit(self, applied: Sequence[str]) -> int:
        """Return how many records a document counts of batches that were never applied."""
        return sum(entry.records for entry in self._open(applied) if entry.records > 0)

    def add(self, applied: Sequence[str], records: int, used: int = 0) -> tuple[str, ...]:
        """Return what a document remembers after this batch: ``used`` is of its credit."""
        if not applied and not used:  # as of every post that is new
            return (str(self._entry(records)),) if records else ()
        others = [one for one in applied if not one.startswith(f"{self._input}.")]
        counted, taken = [], []
        for entry in self._open(applied):
            if entry.records > 0:
                counted.append(str(entry))
            elif (entry.epoch, entry.writer, entry.batch) != self._here:
                taken.append(str(entry))
        if records:
            counted.append(str(self._entry(records)))
        if used:  # all of it: what was remembered before an answer was lost is left out
            taken.append(str(self._entry(-used)))
        return (*others[-_ENTRIES:], *counted, *taken[-_ENTRIES:])

    def applied(self, epochs: Sequence[Epoch]) -> tuple[Epoch, ...]:
        """Return the epochs of the input once this batch is applied."""
        now = Epoch(self.epoch.number, self.epoch.writer, self.batch)
        others = [one for one in epochs if (one.number, one.writer) != (now.number, now.writer)]
        return (*others, now)[-_EPOCHS:]

    def _entry(self, records: int) -> _Entry:
        return _Entry(self._input, self.epoch.number, self.epoch.writer, self.batch, records)

    def _open(self, applied: Sequence[str]) -> list[_Entry]:
        """Return this input's entries that still matter, with what was used taken off."""
        if not applied:
            return []
        entries = [entry for one in applied if (entry := _read(one)).input == self._input]
        used = sum(-e.records for e in entries if e.records < 0 and self._is_applied(e))
        left = []
        for entry in entries:
            if self._is_applied(entry):
                continue
            if entry.records > 0:
                taken = min(used, entry.records)
                used -= taken
                entry.records -= taken
            if entry.records:
                left.append(entry)
        return left

    def _is_applied(self, entry: _Entry) -> bool:
        last = self._epochs.get((entry.epoch, entry.writer))
        if last is None:
            return self._forgetful and entry.epoch < self._oldest
        return entry.batch <= last


def next_epoch(epochs: Sequence[Epoch]) -> Epoch:
    """Return the epoch of a writer that begins after these."""
    number = max((one.number for one in epochs), default=0) + 1
    return Epoch(number, secrets.token_hex(3))


def _read(text: str) -> _Entry:
    source, epoch, writer, batch, records = text.split(".")
    return _Entry(source, int(epoch), writer, int(batch), int(records))
