"""Feeds do what every source does."""

from collections.abc import Iterator

import pytest

from tests.conformance.source_suite import SourceSuite
from tests.simulators.rss import Newspaper, newspaper


class TestRss(SourceSuite):
    @pytest.fixture
    def simulator(self) -> Iterator[Newspaper]:
        with newspaper() as simulator:
            yield simulator
