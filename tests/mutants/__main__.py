"""``make mutants``: change one line at a time and say which changes no test notices.

In a copy of the code, so that the working tree stays as it is. Each mutant is run in a fork of
this process, which has loaded the libraries already. Which mutants are drawn depends on the seed
and on the files; survivors with a reason stand in ``accepted.toml``.
"""

from __future__ import annotations

import argparse
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

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
#: Folders that a copy has; what is large there is linked.
_COPIED = ("ingest", "nlp", "pipelines", "tests", "deploy")
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


def main() -> int:
    """Run the campaign; return how many mutants survive without a reason."""
    from tests.mutants.changes import mutants

    parser = argparse.ArgumentParser(description="Change one line at a time and run its tests.")
    parser.add_argument("--seed", type=int, default=1, help="draws other mutants")
    parser.add_argument("--area", action="append", help="only this area of areas.toml")
    options = parser.parse_args()
    areas = tomllib.loads((HERE / "areas.toml").read_text(encoding="utf-8"))
    accepted = tomllib.loads((HERE / "accepted.toml").read_text(encoding="utf-8"))
    reasons = {(one["file"], one["after"]): one["reason"] for one in accepted.get("mutant", [])}
    survivors = total = 0
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "copy"
        folder.mkdir()
        copy(folder)
        for name in options.area or areas:
            area = areas[name]
            if not passes(folder, area["tests"]):
                print(f"{name}: its tests fail without any change; left out.", flush=True)
                survivors += 1
                continue
            found = [
                (file, one)
                for file in area["files"]
                for one in mutants((ROOT / file).read_text(encoding="utf-8"))
            ]
            drawn = random.Random(options.seed).sample(found, min(area["count"], len(found)))
            killed = 0
            for file, one in sorted(drawn, key=lambda pair: (pair[0], pair[1].line)):
                original = (folder / file).read_text(encoding="utf-8")
                (folder / file).write_text(one.text, encoding="utf-8")
                began = time.monotonic()
                survives = passes(folder, area["tests"])
                (folder / file).write_text(original, encoding="utf-8")
                killed += not survives
                if survives:
                    reason = reasons.get((file, one.after), "")
                    survivors += not reason
                    print(f"survives  {file}:{one.line}")
                    print(f"          - {one.before}\n          + {one.after}")
                    print(f"          {reason or 'no reason is written down'}")
                else:
                    print(f"killed    {file}:{one.line}  {time.monotonic() - began:.0f} s")
                sys.stdout.flush()
            total += len(drawn)
            print(f"{name}: {killed} of {len(drawn)} killed ({len(found)} possible)", flush=True)
    print(f"{total} mutants, {survivors} survive without a reason")
    return survivors


def warm_up() -> None:
    """Load libraries once, and nothing of ours: each fork loads that anew."""


if __name__ == "__main__":
    warm_up()
    sys.exit(min(main(), 1))
