"""What a user is told when a file or an option can't be used."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ingest.errors import SourceError
from ingest.sources.archive import ArchiveSource

NOW = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "name", ["a:b c/..", "a:b", "a b", "a/b", "..", "", "-", "a\n", "x" * 101, "a/"]
)
def test_a_data_set_whose_name_can_not_stand_in_an_id_is_refused(name: str) -> None:
    with pytest.raises(SourceError, match=r"becomes part of ids.* Try --dataset [\w-]+"):
        ArchiveSource("posts.csv", dataset=name)


@pytest.mark.parametrize("name", ["dump-2016", "été_2016", "v1.2+fix", "@radio", "مقاطعة"])
def test_other_names_of_data_sets_stay_as_they_are(name: str) -> None:
    assert ArchiveSource("posts.csv", dataset=name).dataset == name


def test_the_name_that_is_suggested_is_accepted() -> None:
    with pytest.raises(SourceError) as told:
        ArchiveSource("posts.csv", dataset="a:b c/..")
    suggested = str(told.value).rpartition(" ")[2]
    assert ArchiveSource("posts.csv", dataset=suggested).dataset == suggested
