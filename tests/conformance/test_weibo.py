"""Weibo does what every source does."""

from collections.abc import Iterator

import pytest

from tests.conformance.source_suite import SourceSuite
from tests.simulators.weibo import Weibo, weibo


class TestWeibo(SourceSuite):
    @pytest.fixture
    def simulator(self) -> Iterator[Weibo]:
        with weibo() as simulator:
            yield simulator
