"""What a process that talks to brokers writes into its log."""

import logging

from pipelines.terminal import LogFormatter


def quiet() -> None:
    """Log warnings of ours; the client library's are of failures that we tell of ourselves."""
    lines = logging.StreamHandler()
    lines.setFormatter(LogFormatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(handlers=[lines], level=logging.WARNING)
    library = logging.getLogger("kafka")
    library.addHandler(logging.NullHandler())
    library.propagate = False
