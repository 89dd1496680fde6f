"""X does what every source does, by search and by its stream."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from ingest.errors import SourceError
from tests.conformance import source_suite
from tests.conformance.source_suite import SourceSuite, World
from tests.simulators.base import START
from tests.simulators.x import X, x


class _XSuite(SourceSuite):
    exact = False  # what was written shortly before the last post is looked at again

    @pytest.fixture(autouse=True)
    def within_seven_days(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(source_suite, "NOW", START + timedelta(days=1))

    def test_a_name_that_cannot_be_is_told_before_anything_is_asked(self, world: World) -> None:
        world.simulator.target = " "  # any words make a query, but none do not
        with pytest.raises(SourceError, match="a query of X has"):
            world.source()


class TestSearch(_XSuite):
    @pytest.fixture
    def simulator(self) -> Iterator[X]:
        with x() as simulator:
            yield simulator


class TestStream(_XSuite):
    @pytest.fixture
    def simulator(self) -> Iterator[X]:
        with x("x-stream") as simulator:
            yield simulator
