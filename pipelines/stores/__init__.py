"""Where posts rest: one protocol (:mod:`pipelines.records`), one module per engine."""
