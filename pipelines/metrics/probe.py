"""``python -m pipelines.metrics.probe [/healthz|/readyz]``: exit 0 if the answer is yes.

For places that probe with a command, not with HTTP (``HEALTHCHECK`` of a container), in an
image that has neither curl nor wget. Asks the port of ``MARSAD_METRICS_PORT`` on this machine;
where none is set the command serves no metrics, and that it runs is all there is to know.
"""

from __future__ import annotations

import http.client
import os
import sys
from collections.abc import Sequence

#: Seconds for an answer that takes milliseconds.
_PATIENCE = 5


def main(arguments: Sequence[str]) -> int:
    """Ask once; print what was answered to standard error and return the exit code."""
    port = os.environ.get("MARSAD_METRICS_PORT") or "0"
    if port == "0":
        print("MARSAD_METRICS_PORT is not set: there is nothing to ask.", file=sys.stderr)
        return 0
    try:
        connection = http.client.HTTPConnection(f"127.0.0.1:{port}", timeout=_PATIENCE)
        connection.request("GET", arguments[0] if arguments else "/healthz")
        answer = connection.getresponse()
        print(answer.read().decode(errors="replace").strip(), file=sys.stderr)
    except (OSError, http.client.HTTPException) as error:
        print(f"No answer at port {port}: {error}", file=sys.stderr)
        return 1
    return 0 if answer.status == http.HTTPStatus.OK else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
