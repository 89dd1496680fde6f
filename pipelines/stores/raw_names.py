"""Posts that were stored under raw account names (``marsad ingest --keep-authors``).

A deletion must find them, but its tombstones hold pseudonyms only: a list of raw account names of
people who asked to be deleted is what nobody should keep. A post with a plain author that comes
later brings its pseudonyms along, so those tombstones stop it.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ingest.privacy.names import account_name
from ingest.privacy.protector import is_pseudonym
from pipelines.records import CollectedTombstone


class RawNames(msgspec.Struct, frozen=True):
    """What deletions name in plain: ids, and platforms with accounts as they are compared."""

    ids: frozenset[str]
    accounts: frozenset[tuple[str, str]]

    def __bool__(self) -> bool:
        return bool(self.ids or self.accounts)

    def written_by(self, post_id: str, author: str) -> bool:
        """Tell whether a stored post's author is one of the accounts, in any spelling."""
        platform = post_id.partition(":")[0]
        return (platform, account_name(author, platform)) in self.accounts


def raw_names(tombstones: Sequence[CollectedTombstone]) -> RawNames:
    """Return the raw account names that deletions came with."""
    ids, accounts = set(), set()
    for collected in tombstones:
        tombstone, plain = collected.tombstone, collected.raw_name
        if plain and tombstone.id:
            ids.add(f"{tombstone.id.partition(':')[0]}:{plain}")
        elif plain and not is_pseudonym(plain):  # that is found by its tombstone
            accounts.add((tombstone.platform, account_name(plain, tombstone.platform)))
    return RawNames(frozenset(ids), frozenset(accounts))
