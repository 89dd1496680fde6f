"""Real servers for tests, started once a session on free loopback ports and stopped after it.

What is used, in this order: ``MARSAD_TEST_ELASTICSEARCH`` and ``MARSAD_TEST_KAFKA`` (addresses
of running servers); the start scripts in the folder ``MARSAD_SERVERS`` (by default
``../shared/servers`` beside the repository); the package ``noida-db``, one small program that
speaks Elasticsearch and Kafka well enough for the conformance suites. Without any, tests are
skipped with what to set; but where the folder of start scripts is, nothing is skipped: a server
that does not start fails its tests.
"""

from tests.servers.broker import GIVEN as GIVEN_KAFKA
from tests.servers.broker import (
    Kafka,
    cluster_from_scripts,
    kafka,
    kafka_cluster,
    kafka_from_scripts,
    real_kafka,
    remove_topics,
    small_kafka,
    topic_prefix,
)
from tests.servers.broker import answers as kafka_answers
from tests.servers.elastic import GIVEN as GIVEN_ELASTICSEARCH
from tests.servers.elastic import (
    Elastic,
    elastic_from_scripts,
    elasticsearch,
    real_elasticsearch,
    remove_indices,
    small_elastic,
)
from tests.servers.elastic import answers as elastic_answers
from tests.servers.process import ROOT, SCRIPTS, Process, free_port, in_memory, java
from tests.servers.proxy import KafkaProxy

__all__ = [
    "GIVEN_ELASTICSEARCH",
    "GIVEN_KAFKA",
    "ROOT",
    "SCRIPTS",
    "Elastic",
    "Kafka",
    "KafkaProxy",
    "Process",
    "cluster_from_scripts",
    "elastic_answers",
    "elastic_from_scripts",
    "elasticsearch",
    "free_port",
    "in_memory",
    "java",
    "kafka",
    "kafka_answers",
    "kafka_cluster",
    "kafka_from_scripts",
    "real_elasticsearch",
    "real_kafka",
    "remove_indices",
    "remove_topics",
    "small_elastic",
    "small_kafka",
    "topic_prefix",
]
