"""The version of the words that stores hold changes with them."""

import hashlib
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec

from ingest.records import Post
from pipelines import stages
from pipelines.stores import analysis
from tests.conformance.corpus import corpus

#: Of version 3, over the invented corpus and some difficult words.
SAMPLE = "4a4c3a2e77023431"
DIFFICULT = "L'opérateur… #OpeUnlike ٣ wi-fi 3lach/علاش @[user] 😡 ÉTÉ ﻻ"


def test_a_change_of_the_analysis_needs_a_new_version() -> None:
    """Raise ``analysis.VERSION``, then put the new hash here: stores are then re-indexed."""
    late = datetime(2016, 2, 29, 23, 30, tzinfo=UTC)
    odd = Post(id="t:1", platform="t", text=DIFFICULT, created_at=late)
    documents = stages.index([*corpus(), odd], ZoneInfo("Africa/Casablanca"))
    words = [(d.day, d.hour, d.tokens, d.keys, d.variants) for d in documents]
    digest = hashlib.sha256(msgspec.json.encode(words)).hexdigest()[:16]
    assert (analysis.VERSION, digest) == (3, SAMPLE)
