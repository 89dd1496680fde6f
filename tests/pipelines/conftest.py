"""Fixtures that several modules here share."""

from tests.pipelines.a_kafka import where  # noqa: F401 - fixture
from tests.pipelines.an_elasticsearch import certificate, proxy, url  # noqa: F401 - fixtures
