"""Runs the command ``marsad`` in forks of a process that has imported it already.

Python and the packages take most of the processor time of a short command. Each fork is a process
of its own, with its own folder, environment, standard streams and exit code, and ends as the
command does; what it lacks is the start. Tests of the start itself use a new process.

Commands alternate between two such processes with different seeds of hashes: a result that
depends on the order of a set still differs from one command to the next.
"""

from __future__ import annotations

import gc
import importlib
import io
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).parent.parent
#: Python reads these before any of our code runs: with another value, a new process is started.
READ_AT_START = ("PYTHON", "LC_", "LANG", "LD_")
#: Packages that commands import only when they need them.
LATER = ("nlp.score", "numpy", "onnxruntime", "tokenizers", "pyarrow.parquet", "openpyxl")
#: What a request sends: itself, standard input, output, errors, and where to write the exit code.
FILES = 5


class Server:
    """A process that waits for commands, and forks itself for each."""

    def __init__(self, seed: int) -> None:
        self._lock = threading.Lock()
        self._control, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.forked", str(theirs.fileno())],
                cwd=ROOT,
                env={**os.environ, "PYTHONHASHSEED": str(seed)},
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )

    def run(
        self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str], data: bytes
    ) -> subprocess.CompletedProcess[bytes]:
        """Run one command to its end."""
        request = {"arguments": arguments, "folder": str(folder), "environment": dict(environment)}
        ours, theirs = socket.socketpair()
        with ExitStack() as stack:
            files = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(FILES - 1)]
            asked, stdin, stdout, stderr = files
            asked.write(json.dumps(request).encode())
            stdin.write(data)
            for file in (asked, stdin):
                file.seek(0)
            with theirs, self._lock:
                numbers = [file.fileno() for file in files]
                socket.send_fds(self._control, [b"."], [*numbers, theirs.fileno()])
            with ours:
                code = ours.recv(16)
            assert code, "the process that forks commands has ended"
            said = []
            for file in (stdout, stderr):
                file.seek(0)
                said.append(file.read())
            return subprocess.CompletedProcess(["marsad", *arguments], int(code), *said)


@cache
def _servers() -> itertools.cycle[Server]:
    return itertools.cycle([Server(1), Server(2)])


def can_run(environment: Mapping[str, str]) -> bool:
    """Tell whether a fork would find what a new process with this environment finds."""
    return all(
        os.environ.get(name) == value
        for name, value in environment.items()
        if name.startswith(READ_AT_START)
    )


def run(
    arguments: Sequence[str], folder: Path, environment: Mapping[str, str], data: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Run ``marsad`` with these arguments and all of its environment, and wait for its end."""
    return next(_servers()).run(arguments, folder, environment, data)


def _serve(control: socket.socket) -> dict[str, Any]:
    """Wait for requests; return, in a fork for each, what is asked for."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # those that wait for commands are forgotten
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever stops the tests closes the socket
    while True:
        message, files, _, _ = socket.recv_fds(control, 1, FILES)
        if not message:
            os._exit(0)
        if os.fork() == 0:
            control.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            command = os.fork()
            if command:
                _wait(command, files[-1])
            signal.signal(signal.SIGINT, signal.default_int_handler)
            with os.fdopen(files[0], encoding="utf-8") as asked:
                request: dict[str, Any] = json.load(asked)
            for number, file in enumerate(files[1:-1]):
                os.dup2(file, number)
                os.close(file)
            os.close(files[-1])
            return request
        for file in files:
            os.close(file)


def _wait(command: int, answer: int) -> NoReturn:
    _, status = os.waitpid(command, 0)
    os.write(answer, str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _become(request: Mapping[str, Any]) -> None:
    """Take on what a new process would have."""
    telemetry = os.environ["ORT_DISABLE_TELEMETRY"]  # set by our own import
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"], ORT_DISABLE_TELEMETRY=telemetry)
    time.tzset()
    tempfile.tempdir = None
    sys.argv = ["marsad", *request["arguments"]]
    sys.stdin = _stream(0, sys.__stdin__)
    sys.stdout = _stream(1, sys.__stdout__)
    sys.stderr = _stream(2, sys.__stderr__)


def _stream(number: int, like: Any) -> io.TextIOWrapper:
    file = os.fdopen(number, "rb" if number == 0 else "wb", closefd=False)
    return io.TextIOWrapper(file, like.encoding, like.errors, line_buffering=number == 2)


def _forked(control: int) -> None:
    from pipelines import cli

    for name in cli.COMMANDS:
        importlib.import_module(f"pipelines.commands.{name}")
    for name in LATER:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # what is not looked through need not be copied
    _become(_serve(socket.socket(fileno=control)))
    cli.main()


if __name__ == "__main__":
    _forked(int(sys.argv[1]))
