"""A run leaves nothing but its store, its keys and what it was told to write; it asks nobody."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import CASE, COMMAND

#: What libraries may keep, in the user's cache folder alone.
ALLOWED = {
    # the fonts that are installed, which takes seconds to find out; nothing of a run
    "home/.cache/matplotlib",
}
STRACE = shutil.which("strace")
SAMPLE = (CASE / "sample.ndjson").read_text(encoding="utf-8").splitlines()[:40]


class Run:
    """Runs ``marsad`` with an empty home and an empty folder of temporary files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("home", "tmp", "work"):
            (folder / name).mkdir()
        (folder / "work" / "sample.ndjson").write_text("\n".join(SAMPLE), encoding="utf-8")

    def __call__(self, *arguments: str, stdin: str = "") -> str:
        """Run a command; return the calls of its network, where they can be traced."""
        trace = self.folder / "trace"
        traced = [STRACE, "-f", "-qq", "-e", "trace=network", "-e", "signal=none", "-o", str(trace)]
        subprocess.run(
            [*(part for part in traced if STRACE and part), str(COMMAND), *arguments],
            cwd=self.folder / "work",
            env=self.environment(),
            input=stdin.encode(),
            capture_output=True,
            check=True,
        )
        if not STRACE:
            return ""
        lines = trace.read_text(encoding="utf-8", errors="replace").splitlines()
        # pairs of sockets within the process lead nowhere
        return "\n".join(line for line in lines if "socketpair(" not in line)

    def environment(self) -> dict[str, str]:
        """Return an environment that keeps nothing silent and leads to the empty folders."""
        return {
            name: value
            for name, value in os.environ.items()
            # of these ORT_… and CI keep ONNX Runtime silent by themselves
            if name != "CI" and not name.startswith(("XDG_", "MARSAD_", "ORT_", "MPL", "HF_"))
        } | {"HOME": str(self.folder / "home"), "TMPDIR": str(self.folder / "tmp")}

    def files(self) -> set[str]:
        """Return what lies in the home, the temporary files and beside the input."""
        return {
            str(path.relative_to(self.folder))
            for path in self._walk()
            if not any(str(path.relative_to(self.folder)).startswith(name) for name in ALLOWED)
        }

    def _walk(self) -> Iterator[Path]:
        for name in ("home", "tmp", "work"):
            yield from (path for path in (self.folder / name).rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Run(tmp_path_factory.mktemp("no-trace"))


KEYRING = {"home/.config/marsad/keyring.json", "home/.config/marsad/keyring.json.lock"}
STORE = {"work/sample.ndjson", "work/marsad.db", "work/marsad.db.lock"}


@pytest.mark.skipif(not STRACE, reason="strace is needed to see what native libraries ask")
@pytest.mark.parametrize(
    "arguments",
    [
        ("ingest", "archive", "sample.ndjson", "--watchlist", "morocco-2016"),
        ("score", "--watchlist", "morocco-2016"),
        ("evaluate", "--watchlist", "morocco-2016", "sample.ndjson"),
        ("trends", "--chart", "chart.png"),
        ("export", "--to", "exported"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_a_command__opens_no_socket(run: Run, arguments: tuple[str, ...]) -> None:
    assert run(*arguments, stdin=SAMPLE[0]) == ""


@pytest.mark.skipif(not STRACE, reason="strace is needed to see what native libraries ask")
def test_serve__speaks_to_its_own_address_alone_and_writes_accounts_alone(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run("ingest", "archive", "sample.ndjson", "--watchlist", "morocco-2016")
    before = run.files()
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    trace = tmp_path / "serve-trace"
    traced = [STRACE or "", "-f", "-qq", "-e", "trace=connect,sendto,bind", "-o", str(trace)]
    arguments = [*traced, str(COMMAND), "serve", "--port", str(port)]
    serving = subprocess.Popen(
        arguments, cwd=tmp_path / "work", env=run.environment(), stderr=subprocess.DEVNULL
    )
    try:
        for path in ("", "search?q=inwi", "trends"):
            assert page(f"http://127.0.0.1:{port}/{path}") == 200
    finally:
        # strace hands the signal on to what it traces only if it is sent there itself
        children = Path(f"/proc/{serving.pid}/task/{serving.pid}/children").read_text().split()
        for child in children:
            os.kill(int(child), signal.SIGTERM)
        serving.wait(30)
    lines = trace.read_text(encoding="utf-8", errors="replace").splitlines()
    addressed = [line for line in lines if "sin_port" in line or "sin6_port" in line]
    assert addressed
    assert [line for line in addressed if f"htons({port})" not in line] == []
    outside = {name for name in run.files() - before if not name.startswith("work/")}
    assert outside == {"home/.config/marsad/web.db"}


def page(url: str) -> int:
    """Ask until the server answers; return the status."""
    for _ in range(600):
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"{url} does not answer")


def test_a_run__writes_nothing_outside_its_folders(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run("score", stdin=SAMPLE[0])
    run("evaluate", "--watchlist", "morocco-2016", "sample.ndjson")
    assert run.files() == {"work/sample.ndjson"}
    run("ingest", "archive", "sample.ndjson", "--watchlist", "morocco-2016")
    run("trends", "--chart", "chart.svg")
    assert run.files() == KEYRING | STORE | {"work/chart.svg"}
    run("export", "--to", "exported")
    outside = {name for name in run.files() if not name.startswith("work/exported/")}
    assert outside == KEYRING | STORE | {"work/chart.svg"}
