"""What every store and every way into topics does with its dead letters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from ingest.records import Post
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

    def _keep_undeleted(
        self, posts: Sequence[Post], letters: Sequence[DeadLetter], deleted: Iterable[str]
    ) -> None:
        """Keep the letters of posts whose ids are not among the deleted ones."""
        gone = set(deleted)
        self._keep([one for post, one in zip(posts, letters, strict=True) if post.id not in gone])

    def _remove_letters(self, letters: Sequence[DeadLetter]) -> None:
        """Remove letters: what they hold is a record now, or was deleted."""
        if letters and self.dead_path.exists():
            with self.dead_letters() as kept:
                kept.remove(letters)

    def _remove_deleted(
        self, posts: Sequence[Post], letters: Sequence[DeadLetter], deleted: Iterable[str]
    ) -> None:
        """Remove the letters of posts whose ids are among the deleted ones.

        A deletion while they were kept looked for letters before these were there.
        """
        gone = set(deleted)
        self._remove_letters(
            [one for post, one in zip(posts, letters, strict=True) if post.id in gone]
        )

    def _forget(self, tombstones: Sequence[CollectedTombstone]) -> None:
        """Remove dead letters under the raw account names of what was deleted."""
        names = {name for tombstone in tombstones for name in searched_names(tombstone)}
        if names and self.dead_path.exists():
            with self.dead_letters() as kept:
                kept.forget(names)

    def _remove_expired(self) -> None:
        with self.dead_letters() as kept:
            kept.purge_expired()
