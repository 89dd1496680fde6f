"""Weibo does what every source does."""

from collections.abc import Iterator

import pytest

from tests.conformance.source_suite import SourceSuite
from tests.stands.weibo import Weibo, weibo


class TestWeibo(SourceSuite):
    @pytest.fixture
    def stand(self) -> Iterator[Weibo]:
        with weibo() as stand:
            yield stand
