"""A run leaves nothing but its store, its keys and what it was told to write; it asks nobody."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
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
        environment = {
            name: value
            for name, value in os.environ.items()
            # of these ORT_… and CI keep ONNX Runtime silent by themselves
            if name != "CI" and not name.startswith(("XDG_", "MARSAD_", "ORT_", "MPL", "HF_"))
        }
        subprocess.run(
            [*(part for part in traced if STRACE and part), str(COMMAND), *arguments],
            cwd=self.folder / "work",
            env={
                **environment,
                "HOME": str(self.folder / "home"),
                "TMPDIR": str(self.folder / "tmp"),
            },
            input=stdin.encode(),
            capture_output=True,
            check=True,
        )
        if not STRACE:
            return ""
        lines = trace.read_text(encoding="utf-8", errors="replace").splitlines()
        # pairs of sockets within the process lead nowhere
        return "\n".join(line for line in lines if "socketpair(" not in line)

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
