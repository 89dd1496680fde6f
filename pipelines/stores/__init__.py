"""Where posts rest: one protocol (:mod:`pipelines.stores.base`), one module per engine."""
