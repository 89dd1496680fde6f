"""What a process that talks to brokers writes into its log."""

import logging


def quiet() -> None:
    """Log warnings of ours; the client library's are of failures that we tell of ourselves."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.WARNING)
    library = logging.getLogger("kafka")
    library.addHandler(logging.NullHandler())
    library.propagate = False
