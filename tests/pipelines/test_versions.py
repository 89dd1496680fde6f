"""Which version of a post counts, and what becomes of its scores: the rule that stores share."""

from __future__ import annotations

import msgspec

from pipelines.records import Document
from pipelines.stores.versions import settled
from tests.conformance.corpus import document, post


def test_scores__without_a_known_day_wait() -> None:
    """The scores fit the text, but no document of the batch has the date that counts."""
    kept = post("t:1", "texte")
    other = msgspec.structs.replace(kept, created_at=None)
    given = [document(other)]
    assert settled(kept, given) is None
    found = settled(kept, given, ("2016-02-27", "2016-02-27T12"))
    assert isinstance(found, Document)
    assert (found.day, found.hour) == ("2016-02-27", "2016-02-27T12")
