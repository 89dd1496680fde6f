"""What a deletion reaches through a post that was refused for it."""

from __future__ import annotations

from collections.abc import Sequence

from ingest.records import Tombstone
from pipelines.identity import counts_within_a_file
from pipelines.records import Collected, CollectedTombstone


def passed_on(refused: Sequence[Collected]) -> list[CollectedTombstone]:
    """Return deletions of refused posts that no tombstone names, since others may repeat these.

    Ids that count within a file are left out: another author's post may have the same one.
    """
    return [
        CollectedTombstone(Tombstone(platform=one.post.platform, id=one.post.id), one.aliases)
        for one in refused
        if not counts_within_a_file(one.post)
    ]
