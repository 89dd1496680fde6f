"""Readers beside a process that works on a store."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable


def check_with_two_readers(
    process: Callable[[], subprocess.Popen[str]], read: Callable[[], None]
) -> None:
    """Start the process, and `read` in two threads from before its beginning to after its end.

    Raises `AssertionError` if a reader or the process fails, or the process prints nothing.
    """
    failures: list[BaseException] = []
    ended = threading.Event()

    def reader() -> None:
        try:
            while True:
                last = ended.is_set()
                read()
                if last:
                    return
        except BaseException as error:
            failures.append(error)

    readers = [threading.Thread(target=reader) for _ in range(2)]
    for one in readers:
        one.start()
    started = process()
    output, errors = started.communicate()
    ended.set()
    for one in readers:
        one.join()
    assert started.returncode == 0, errors
    assert not failures, failures
    assert output
