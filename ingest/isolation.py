"""Work that may take too long, done by a process of its own that can be ended.

Threads of live sources share one such process, started when it is needed first. It ends by itself
when this process does, however that ends.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import pickle
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from typing import BinaryIO, ParamSpec, TypeVar

from ingest import budget
from ingest.budget import OverBudget, time_budget

P = ParamSpec("P")
T = TypeVar("T")

#: Seconds of processor time, beyond the budget, after which the process is killed: for code that
#: looks for no signals.
_BEYOND = 5.0
#: A process that ended without a word is tried again once.
_TRIES = 2
_COMMAND = [sys.executable, "-P", "-c", "from ingest.isolation import serve; serve()"]


class IsolatedMistake(Exception):
    """The function failed with an error of its own: ``where``, and of which ``kind``."""

    def __init__(self, kind: str, where: str) -> None:
        super().__init__(kind)
        self.kind = kind
        self.where = where


class _Worker:
    """The process, and the lock of whose turn it is."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.end)

    def ask(self, question: bytes) -> tuple[str, object]:
        """Return the answer to a question. Raises :class:`OverBudget`."""
        with self._turn:
            for _ in range(_TRIES):
                try:
                    return self._asked(question)
                except (OSError, EOFError, pickle.UnpicklingError):
                    if self.end() == -signal.SIGPROF:
                        break
        raise OverBudget

    def _asked(self, question: bytes) -> tuple[str, object]:
        if self._process is None:
            self._process = subprocess.Popen(
                _COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
        process = self._process
        assert process.stdin
        assert process.stdout
        process.stdin.write(question)
        process.stdin.flush()
        answer: tuple[str, object] = pickle.load(process.stdout)
        return answer

    def end(self) -> int | None:
        """End the process, if there is one; return how it ended."""
        process, self._process = self._process, None
        if process is None:
            return None
        for stream in (process.stdin, process.stdout):
            if stream:
                with contextlib.suppress(OSError):  # what was left to write
                    stream.close()
        try:
            return process.wait(0.5)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()


_worker = _Worker()


def call(function: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
    """Return what a function makes of values, within the time budget, in any thread.

    In the main thread it is called here, in others in the process: there it is a function of a
    module, and raises the errors of sources, or :class:`IsolatedMistake` for others. Raises
    :class:`~ingest.budget.OverBudget`.
    """
    if budget.in_main_thread():
        with time_budget(budget.SECONDS):
            return function(*given, **named)
    kind, made = _worker.ask(pickle.dumps((function, given, named, budget.SECONDS, _BEYOND)))
    if kind == "over":
        raise OverBudget
    if kind == "mistake":
        raise IsolatedMistake(*made)  # type: ignore[misc]
    if isinstance(made, BaseException):
        raise made
    return made  # type: ignore[return-value]


def serve() -> None:
    """Answer questions until there are no more: what the process does."""
    # Those who end this program end it by closing its input; both signals reach whole groups.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    with os.fdopen(os.dup(0), "rb") as questions, os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)  # what a library prints is no answer
        while _serve_one(questions, answers):
            pass


def _serve_one(questions: BinaryIO, answers: BinaryIO) -> bool:
    from ingest.errors import SourceError

    try:
        function, given, named, seconds, beyond = pickle.load(questions)
    except EOFError:
        return False
    answer: tuple[str, object]
    signal.setitimer(signal.ITIMER_PROF, seconds + beyond)  # SIGPROF ends a process by itself
    try:
        with time_budget(seconds):
            answer = ("made", function(*given, **named))
    except OverBudget:
        answer = ("over", None)
    except SourceError as error:
        answer = ("made", error)
    except Exception as error:
        where = "".join(traceback.format_tb(error.__traceback__))
        answer = ("mistake", (type(error).__name__, where))
    signal.setitimer(signal.ITIMER_PROF, 0)
    answers.write(pickle.dumps(answer))
    answers.flush()
    return True
