"""YouTube does what every source does."""

from collections.abc import Iterator

import pytest

from tests.conformance.source_suite import SourceSuite
from tests.simulators.youtube import YouTube, youtube


class TestYouTube(SourceSuite):
    exact = False  # what was written shortly before the last round is looked at again

    @pytest.fixture
    def simulator(self) -> Iterator[YouTube]:
        with youtube() as simulator:
            yield simulator
