"""Fixtures that several modules here share."""

from tests.pipelines.an_elasticsearch import certificate, proxy, url  # noqa: F401 - fixtures
from tests.pipelines.kafka_fixtures import where  # noqa: F401 - fixture
