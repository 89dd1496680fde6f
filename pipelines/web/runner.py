"""Runs one command of ``marsad`` for the page, in a process of its own.

The arguments come on standard input, so that names in them (an account to delete) stand in no
list of processes. Progress goes to standard error as lines of JSON (:mod:`pipelines.progress`).
"""

from __future__ import annotations

import sys

import msgspec


def main() -> None:
    """Read the arguments, one line of JSON, and run the command with them."""
    from pipelines.cli import main as marsad

    arguments = msgspec.json.decode(sys.stdin.buffer.readline(), type=list[str])
    sys.stdin.close()
    marsad(arguments)


if __name__ == "__main__":
    main()
