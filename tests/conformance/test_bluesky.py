"""Bluesky in the suite of all sources, and what is Jetstream's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance.source_suite import SourceSuite
from tests.simulators.jetstream import Jetstream, jetstream


class TestBluesky(SourceSuite):
    exact = False  # a cursor is set back by some seconds

    @pytest.fixture
    def simulator(self) -> Iterator[Jetstream]:
        with jetstream() as simulator:
            yield simulator
