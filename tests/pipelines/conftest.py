"""Fixtures that several modules here share."""

from tests.pipelines.an_elasticsearch import proxy, url  # noqa: F401 - fixtures
