"""The store for many machines: indices on an Elasticsearch server (``docs/elasticsearch.md``)."""

from pipelines.stores.elasticsearch.store import ElasticsearchStore

__all__ = ["ElasticsearchStore"]
