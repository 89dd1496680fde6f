"""Whatever happens in whatever order, every record is counted on Elasticsearch too."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

from pipelines.stores.elasticsearch import ElasticsearchStore
from pipelines.stores.protocols import Store
from tests.conformance import test_sqlite_ledger
from tests.conformance.test_elasticsearch import empty
from tests.servers import Elastic


class OnElasticsearch(test_sqlite_ledger.CountedOutcomes):
    """The same machine and the same model around another store."""

    server: Elastic
    new = True

    def opened(self) -> Store:
        if self.new:
            empty(self.server, "ledger")
            self.new = False
        return ElasticsearchStore(f"{self.server.url}/ledger")


@pytest.fixture(autouse=True)
def a_server(real_elasticsearch: Elastic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    OnElasticsearch.server = real_elasticsearch


TestOnElasticsearch = OnElasticsearch.TestCase
TestOnElasticsearch.settings = settings(max_examples=6, stateful_step_count=12)
