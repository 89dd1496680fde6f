"""The stages as workers between topics of Apache Kafka; ``docs/kafka.md`` says how they work."""
