"""Telegram does what every source does."""

from collections.abc import Iterator

import pytest

from tests.conformance.source_suite import SourceSuite
from tests.stands.telegram import Telegram, telegram


class TestTelegram(SourceSuite):
    @pytest.fixture
    def stand(self) -> Iterator[Telegram]:
        with telegram() as stand:
            yield stand
