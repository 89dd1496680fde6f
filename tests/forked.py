"""Runs the command ``marsad`` in forks of a process that has imported it already.

Python and the packages take most of the processor time of a short command. Each fork is a process
of its own, with its own folder, environment, standard streams and exit code, and ends as the
command does; what it lacks is the start. Tests of the start itself use a new process.

Commands alternate between two such processes with different seeds of hashes: a result that
depends on the order of a set still differs from one command to the next. The seeds are drawn for
each run of the tests, which names them when a test fails.
"""

from __future__ import annotations

import gc
import importlib
import io
import itertools
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).parent.parent
#: Python reads these before any of our code runs: with another value, a new process is started.
READ_AT_START = ("PYTHON", "LC_", "LANG", "LD_")
#: Packages that commands import only when they need them.
LATER = ("nlp.score", "numpy", "onnxruntime", "tokenizers", "pyarrow.parquet", "openpyxl")
#: What a request sends: standard input, output, errors, and the socket for all else.
FILES = 4
#: Two seeds of hashes, the same in all processes of a run: those begun later inherit them.
SEEDS = os.environ.setdefault(
    "MARSAD_TEST_SEEDS", " ".join(str(random.SystemRandom().getrandbits(32)) for _ in range(2))
)


def _read_at_start(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: at for name, at in environment.items() if name.startswith(READ_AT_START)}


_AT_START = _read_at_start(os.environ)


class Server:
    """A process that waits for commands, and forks itself for each.

    ``program`` are Python's arguments, to which the number of a socket is added.
    """

    def __init__(self, seed: str, program: Sequence[str] = ("-m", "tests.forked")) -> None:
        self._lock = threading.Lock()
        self._control, theirs = socket.socketpair()
        others = {n: at for n, at in os.environ.items() if not n.startswith(READ_AT_START)}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, *program, str(theirs.fileno())],
                cwd=ROOT,
                env={**others, **_AT_START, "PYTHONHASHSEED": seed},
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )

    def run(
        self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str], data: bytes
    ) -> subprocess.CompletedProcess[bytes]:
        """Run one command until it and all that hold its output have ended."""
        request = {"arguments": arguments, "folder": str(folder), "environment": dict(environment)}
        ours, theirs = socket.socketpair()
        pipes = [os.pipe() for _ in range(3)]
        (stdin, to_stdin), (from_stdout, stdout), (from_stderr, stderr) = pipes
        with ours:
            with self._lock:
                socket.send_fds(self._control, [b"."], [stdin, stdout, stderr, theirs.fileno()])
            for number in (stdin, stdout, stderr):
                os.close(number)
            theirs.close()
            with ThreadPoolExecutor(3) as side_by_side:
                writing = side_by_side.submit(_write, to_stdin, data)
                said = [side_by_side.submit(_read, one) for one in (from_stdout, from_stderr)]
                with suppress(OSError):  # told below
                    ours.sendall(json.dumps(request).encode())
                    ours.shutdown(socket.SHUT_WR)
            writing.result()
            code = ours.recv(16)
        assert code, "the process that forks commands has ended"
        out, errors = (one.result() for one in said)
        return subprocess.CompletedProcess(["marsad", *arguments], int(code), out, errors)

    def close(self) -> None:
        """End the process."""
        self._control.close()
        self._process.wait()


def _write(number: int, data: bytes) -> None:
    with suppress(BrokenPipeError), os.fdopen(number, "wb") as pipe:
        pipe.write(data)


def _read(number: int) -> bytes:
    with os.fdopen(number, "rb") as pipe:
        return pipe.read()


@cache
def _servers() -> itertools.cycle[Server]:
    return itertools.cycle([Server(seed) for seed in SEEDS.split()])


def can_run(environment: Mapping[str, str]) -> bool:
    """Tell whether a fork would find what a new process with all of this environment finds."""
    return _read_at_start(environment) == _AT_START


def run(
    arguments: Sequence[str], folder: Path, environment: Mapping[str, str], data: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Run ``marsad`` with these arguments and all of its environment, and wait for its end."""
    return next(_servers()).run(arguments, folder, environment, data)


def serve(control: socket.socket) -> dict[str, Any]:
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
                _wait(command, files)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            with os.fdopen(files[-1], encoding="utf-8") as asked:
                request: dict[str, Any] = json.load(asked)
            for number, file in enumerate(files[:-1]):
                os.dup2(file, number)
                os.close(file)
            return request
        for file in files:
            os.close(file)


def _wait(command: int, files: Sequence[int]) -> NoReturn:
    for file in files[:-1]:
        os.close(file)  # else they would stay open for as long as the command runs
    _, status = os.waitpid(command, 0)
    os.write(files[-1], str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def become(request: Mapping[str, Any], imports_set: Mapping[str, str]) -> None:
    """Take on what a new process would have after its imports, which set variables too."""
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"], **imports_set)
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
    before = dict(os.environ)
    from pipelines import cli

    # As every command does. What a later import sets is left out: not every command does that.
    imports_set = {name: at for name, at in os.environ.items() if before.get(name) != at}
    for name in cli.COMMANDS:
        importlib.import_module(f"pipelines.commands.{name}")
    for name in LATER:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # what is not looked through need not be copied
    become(serve(socket.socket(fileno=control)), imports_set)
    cli.main()


if __name__ == "__main__":
    _forked(int(sys.argv[1]))
