"""Mastodon in the suite of all sources."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance.source_suite import SourceSuite
from tests.simulators.mastodon import Instance, mastodon


class TestMastodon(SourceSuite):
    @pytest.fixture
    def simulator(self) -> Iterator[Instance]:
        with mastodon() as simulator:
            yield simulator
