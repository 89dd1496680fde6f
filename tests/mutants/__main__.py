"""``make mutants``: change one line at a time and say which changes no test notices.

In a copy of the code, so that the working tree stays as it is. Each mutant is run in a fork of
this process, which has loaded the libraries already. Which mutants are drawn depends on the seed
and on the files; survivors with a reason stand in ``accepted.toml``. With ``--results`` each
verdict is written down at once, and a campaign that was interrupted continues where it stopped.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import tomllib
from pathlib import Path
from types import FrameType

import msgspec

from tests.mutants.changes import Mutant, mutants

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
#: Folders that a copy has; what is large there is linked.
_COPIED = ("ingest", "nlp", "pipelines", "tests", "deploy", "docs")
#: Seconds after which a mutant that does not end counts as noticed.
LIMIT = 600


def copy(target: Path) -> None:
    """Copy what tests need."""
    for name in _COPIED:
        shutil.copytree(
            ROOT / name, target / name, ignore=shutil.ignore_patterns("__pycache__", "model")
        )
    (target / "nlp" / "model").symlink_to(ROOT / "nlp" / "model")
    for path in (*ROOT.glob("*.toml"), *ROOT.glob("*.md")):
        shutil.copy(path, target)
    if (ROOT.parent / "shared").is_dir():
        (target.parent / "shared").symlink_to(ROOT.parent / "shared")


def passes(folder: Path, tests: list[str]) -> bool:
    """Run tests in a fork; return whether they all pass."""
    child = os.fork()
    if child == 0:
        os.setsid()
        os.chdir(folder)
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 1)
        os.dup2(silent, 2)
        sys.path.insert(0, str(folder))
        for name in [name for name in sys.modules if name.partition(".")[0] == "tests"]:
            del sys.modules[name]  # the copy's tests, not those of the working tree
        sys.dont_write_bytecode = True
        import pytest

        options = ["-q", "-x", "-p", "no:cacheprovider", "-n0"]
        code = pytest.main([*options, "--rootdir", str(folder), *tests])
        os._exit(int(code))

    def end(number: int, frame: FrameType | None) -> None:
        os.killpg(child, signal.SIGKILL)

    signal.signal(signal.SIGALRM, end)
    signal.alarm(LIMIT)
    _, status = os.waitpid(child, 0)
    signal.alarm(0)
    return os.waitstatus_to_exitcode(status) == 0


class Verdict(msgspec.Struct, frozen=True):
    """What became of one mutant."""

    area: str
    file: str
    source: str
    """Hash of the file as it was before the change: a verdict holds for no other."""
    line: int
    before: str
    after: str
    killed: bool
    seconds: int

    @property
    def key(self) -> tuple[str, str, str, int, str]:
        """What tells this mutant from all others."""
        return self.area, self.file, self.source, self.line, self.after


class Results:
    """The verdicts so far, kept in a file of one JSON object a line if there is one."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        lines = path.read_bytes().splitlines() if path and path.exists() else []
        known = (msgspec.json.decode(line, type=Verdict) for line in lines)
        self._known = {verdict.key: verdict for verdict in known}

    def find(self, area: str, file: str, source: str, mutant: Mutant) -> Verdict | None:
        """Return the verdict of an earlier run."""
        return self._known.get((area, file, source, mutant.line, mutant.after))

    def add(self, verdict: Verdict) -> None:
        """Keep a verdict."""
        if self._path:
            with self._path.open("ab") as stream:
                stream.write(msgspec.json.encode(verdict) + b"\n")


def judge(folder: Path, area: str, tests: list[str], file: str, mutant: Mutant) -> Verdict:
    """Run the tests on one mutant."""
    target = folder / file
    original = target.read_bytes()
    began = time.monotonic()
    target.write_text(mutant.text, encoding="utf-8")
    try:
        survives = passes(folder, tests)
    finally:
        target.write_bytes(original)
    return Verdict(
        area=area,
        file=file,
        source=hashlib.sha256(original).hexdigest()[:16],
        line=mutant.line,
        before=mutant.before,
        after=mutant.after,
        killed=not survives,
        seconds=round(time.monotonic() - began),
    )


def report(verdict: Verdict, reason: str) -> None:
    """Print what became of a mutant."""
    if verdict.killed:
        print(f"killed    {verdict.file}:{verdict.line}  {verdict.seconds} s", flush=True)
    else:
        print(f"survives  {verdict.file}:{verdict.line}")
        print(f"          - {verdict.before}\n          + {verdict.after}")
        print(f"          {reason or 'no reason is written down'}", flush=True)


def main() -> int:
    """Run the campaign; return how many mutants survive without a reason."""
    parser = argparse.ArgumentParser(description="Change one line at a time and run its tests.")
    parser.add_argument("--seed", type=int, default=1, help="draws other mutants")
    parser.add_argument("--area", action="append", help="only this area of areas.toml")
    parser.add_argument("--results", type=Path, help="file of verdicts; those in it are not rerun")
    options = parser.parse_args()
    areas = tomllib.loads((HERE / "areas.toml").read_text(encoding="utf-8"))
    accepted = tomllib.loads((HERE / "accepted.toml").read_text(encoding="utf-8"))
    reasons = {(one["file"], one["after"]): one["reason"] for one in accepted.get("mutant", [])}
    results = Results(options.results)
    survivors = total = 0
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "copy"
        folder.mkdir()
        copy(folder)
        for name in options.area or areas:
            tests, files = areas[name]["tests"], areas[name]["files"]
            if not passes(folder, tests):
                print(f"{name}: its tests fail without any change; left out.", flush=True)
                survivors += 1
                continue
            found = [
                (file, one)
                for file in files
                for one in mutants((folder / file).read_text(encoding="utf-8"))
            ]
            drawn = random.Random(options.seed).sample(found, min(areas[name]["count"], len(found)))
            killed = 0
            for file, one in sorted(drawn, key=lambda pair: (pair[0], pair[1].line)):
                source = hashlib.sha256((folder / file).read_bytes()).hexdigest()[:16]
                verdict = results.find(name, file, source, one)
                if verdict is None:
                    verdict = judge(folder, name, tests, file, one)
                    results.add(verdict)
                reason = reasons.get((file, one.after), "")
                report(verdict, reason)
                killed += verdict.killed
                survivors += not (verdict.killed or reason)
            total += len(drawn)
            print(f"{name}: {killed} of {len(drawn)} killed ({len(found)} possible)", flush=True)
    print(f"{total} mutants, {survivors} survive without a reason")
    return survivors


def warm_up() -> None:
    """Load the libraries once, and nothing of ours: each fork loads the changed code anew."""
    for name in ("pytest", "hypothesis", "apsw", "numpy", "phonenumbers", "pydantic", "rich"):
        importlib.import_module(name)


if __name__ == "__main__":
    warm_up()
    sys.exit(min(main(), 1))
