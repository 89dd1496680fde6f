"""What every store and every way into topics does with its dead letters."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pipelines.dead_letters.queue import DeadLetters
from pipelines.dead_letters.search import searched_names
from pipelines.records import CollectedTombstone, DeadLetter


class DeadLetterOwner:
    """Has dead letters in a file on this machine; :attr:`dead_path` names it."""

    dead_path: Path
    _dead_days: float

    def dead_letters(self) -> DeadLetters:
        """Open the dead letters that belong to what is written here."""
        self.dead_path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return DeadLetters(self.dead_path, days=self._dead_days)

    def _keep(self, letters: Sequence[DeadLetter]) -> None:
        if letters:
            with self.dead_letters() as kept:
                kept.put(letters)

    def _remove_retried(self, letters: Sequence[DeadLetter]) -> None:
        """Remove what is a record now."""
        if letters and self.dead_path.exists():
            with self.dead_letters() as kept:
                kept.remove(letters)

    def _forget(self, tombstones: Sequence[CollectedTombstone]) -> None:
        """Remove dead letters under the raw account names of what was deleted."""
        names = {name for tombstone in tombstones for name in searched_names(tombstone)}
        if names and self.dead_path.exists():
            with self.dead_letters() as kept:
                kept.forget(names)

    def _remove_expired(self) -> None:
        with self.dead_letters() as kept:
            kept.purge_expired()
