"""Sources on platforms, read at once by threads and made durable by one writer.

:func:`run` is all that a command or a worker needs; :func:`feeds` makes what it runs from
settings. A feed's thread reads items into a bounded inbox (a full one slows reading down); the
writer makes them durable through an :class:`~pipelines.stores.protocols.Sink`, with the position of
each source, and scores in small slices when nothing waits to be made durable.
"""
