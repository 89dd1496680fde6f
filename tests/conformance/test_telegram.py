"""Telegram does what every source does."""

from collections.abc import Iterator

import pytest

from tests.conformance.source_suite import SourceSuite
from tests.simulators.telegram import Telegram, telegram


class TestTelegram(SourceSuite):
    @pytest.fixture
    def simulator(self) -> Iterator[Telegram]:
        with telegram() as simulator:
            yield simulator
