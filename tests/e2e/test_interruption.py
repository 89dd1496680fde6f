"""Killed at any moment, out of room, two at once: the ledger and the posts stay right."""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import CASE, COMMAND, ROOT, Marsad, balanced
from tests.pipelines import stored_posts

# The installed command with smaller batches: more moments to be killed in.
SMALL_BATCHES = (
    "import sys, pipelines.embedded as runner; runner.BATCH = 32;"
    "from pipelines.cli import main; main(sys.argv[1:])"
)
# It stops itself, as at Ctrl-Z, as soon as its first posts can be found.
HALF_WAY = """
import os, signal, sys, pipelines.embedded as runner
from pipelines.cli import main
from pipelines.stores.sqlite import SqliteStore

index = SqliteStore.index

def stopping(store, documents):
    SqliteStore.index = index
    index(store, documents)
    os.kill(os.getpid(), signal.SIGSTOP)

SqliteStore.index = stopping
runner.BATCH = 32
main(sys.argv[1:])
"""
# It stops itself as soon as it has read the first post that it writes; it counts them before.
EXPORT_HALF_WAY = """
import os, signal, sys
from pipelines.cli import main
from pipelines.stores.sqlite import SqliteStore

scan = SqliteStore.scan
scans = []

def stopping(store, query):
    scans.append(query)
    hits = scan(store, query)
    yield next(hits)
    if len(scans) == 2:
        os.kill(os.getpid(), signal.SIGSTOP)
    yield from hits

SqliteStore.scan = stopping
main(sys.argv[1:])
"""
#: In the long form (`MARSAD_TEST_FAULTS=1`) more; read before tests hide the variable.
KILLS = 20 if os.environ.get("MARSAD_TEST_FAULTS") else 5
SEED = int(os.environ.get("MARSAD_TEST_SEED", "1"))


def archive(folder: Path) -> Path:
    """Write a file of posts with duplicates, an edit and records that can't be used."""
    lines = (CASE / "sample.ndjson").read_text(encoding="utf-8").splitlines()[:400]
    watched = [line for line in lines if "inwi" in json.loads(line)["labels"]["targets"]]
    first = json.loads(watched[0])
    edit = first | {"text": "edited: whatsapp", "edited_at": "2016-12-01T00:00:00Z"}
    extra = [*watched[5:7], json.dumps(edit), '{"id": "half', '{"id": "1"}', "42"]
    random.Random(7).shuffle(lines)
    path = folder / "posts.ndjson"
    path.write_text("\n".join([*lines, *extra]) + "\n", encoding="utf-8")
    return path


def start(folder: Path, file: Path, script: str = SMALL_BATCHES) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [
            sys.executable,
            "-c",
            script,
            "ingest",
            "archive",
            str(file),
            "--watchlist",
            "morocco-2016",
            "--store",
            str(folder / "marsad.db"),
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def half_way(folder: Path, file: Path) -> subprocess.Popen[bytes]:
    """Start an import and wait until it stands in the middle; SIGCONT lets it go on."""
    process = start(folder, file, HALF_WAY)
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status), process.stderr and process.stderr.read()
    return process


def state(marsad: Marsad) -> tuple[dict[str, int], list[dict[str, Any]]]:
    posts = marsad.rows("search", "--json", "--limit", "5000")
    for post in posts:
        post.pop("collected_at")
        for scores in (post, post["sentiment"], *post["targets"]):
            for name, value in scores.items():
                if isinstance(value, float):
                    # Batches differ after a kill; probabilities may by less than 0.001.
                    scores[name] = pytest.approx(value, abs=1e-3)
    return marsad.ledger(), sorted(posts, key=lambda post: str(post["id"]))


def test_killed_at_random_moments_an_import_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    file = archive(tmp_path)
    whole = tmp_path / "whole"
    whole.mkdir()
    began = time.monotonic()
    assert start(whole, file).wait() == 0
    seconds = time.monotonic() - began
    expected = state(Marsad(whole))
    assert expected[0]["dead"] == 3
    assert expected[0]["duplicate"] == 2
    assert balanced(expected[0])

    # One store takes several kills before it may end, so that resuming is resumed as well.
    moments = random.Random(SEED)
    killed = 0
    folders = (tmp_path / f"killed-{number}" for number in itertools.count())
    folder = next(folders)
    folder.mkdir()
    while killed < KILLS:
        process = start(folder, file)
        try:
            process.wait(moments.uniform(0.3, seconds))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            killed += 1
            continue
        assert process.returncode == 0, process.stderr and process.stderr.read()
        assert state(Marsad(folder)) == expected
        folder = next(folders)
        folder.mkdir()
    assert start(folder, file).wait() == 0
    assert state(Marsad(folder)) == expected


def test_searching_works_while_an_import_runs_and_a_second_import_is_refused(
    marsad: Marsad,
) -> None:
    file = archive(marsad.folder)
    process = half_way(marsad.folder, file)
    try:
        assert 0 < marsad.ledger()["received"] < 400
        assert marsad.rows("search", "--json")
        refused = marsad("ingest", "archive", file, "--store", "marsad.db", code=1)
        assert str(process.pid) in refused.stderr
        assert "Traceback" not in refused.stderr
    finally:
        process.send_signal(signal.SIGCONT)
    while process.poll() is None:
        assert marsad.rows("search", "--json")
    assert process.returncode == 0
    assert balanced(marsad.ledger())


@pytest.fixture
def small_disk(tmp_path: Path) -> Any:
    """A file system of 2 MB, where the machine lets us mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1500k", "tmpfs", str(place)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("mounting a small disk needs root: " + mounted.stderr.decode().strip())
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_ends_clearly_and_the_same_command_goes_on(
    marsad: Marsad, small_disk: Path
) -> None:
    file = archive(marsad.folder)
    expected_folder = marsad.folder / "expected"
    expected_folder.mkdir()
    assert start(expected_folder, file).wait() == 0
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"\0" * 900_000)

    process = start(small_disk, file)
    assert process.wait() == 1
    assert process.stderr
    message = process.stderr.read().decode()
    assert "room" in message
    assert "Traceback" not in message

    ballast.unlink()
    subprocess.run(["mount", "-o", "remount,size=60m", str(small_disk)], check=True)
    assert start(small_disk, file).wait() == 0
    assert state(Marsad(small_disk)) == state(Marsad(expected_folder))


def test_an_export_holds_nothing_that_was_deleted_while_it_ran(marsad: Marsad) -> None:
    posts = [stored_posts.post(n, f"mot zqx{n} texte") for n in range(60)]
    stored_posts.fill(marsad.folder / "marsad.db", posts)
    command = ["export", "--to", "out", "--format", "ndjson"]
    process = subprocess.Popen(
        [sys.executable, "-c", EXPORT_HALF_WAY, *command],
        cwd=marsad.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
    )
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status), process.stderr and process.stderr.read()
    # so many that the file is rewritten at once
    marsad.write("ids.txt", "".join(f"{one.id}\n" for one in posts[::3]))
    told = marsad("delete", "--from", "ids.txt").stderr
    assert "20 posts deleted" in told
    assert "another process still reads the old state of the file" in told
    process.send_signal(signal.SIGCONT)
    assert process.stderr
    said = process.stderr.read().decode()
    assert process.wait() == 0, said
    assert "were deleted while the export ran" in said
    assert "The export begins anew" in said
    written = (marsad.folder / "out" / "posts.ndjson").read_text(encoding="utf-8").splitlines()
    assert {json.loads(line)["id"] for line in written} == {
        one.id for n, one in enumerate(posts) if n % 3
    }
    marsad("delete", "twitter:404")  # the next command that writes
    files = b"".join(one.read_bytes() for one in marsad.folder.glob("marsad.db*"))
    assert [n for n in range(0, 60, 3) if f"zqx{n} ".encode() in files] == []
    assert json.loads(marsad("status", "--json").stdout)["unpurged"] == 0


def test_a_damaged_store_is_told(marsad: Marsad) -> None:
    (marsad.folder / "marsad.db").write_bytes(b"not a database at all" * 100)
    failed = marsad("status", code=1)
    assert "marsad.db" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_ctrl_c_ends_with_a_word_and_the_next_run_goes_on(marsad: Marsad) -> None:
    file = archive(marsad.folder)
    process = half_way(marsad.folder, file)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGCONT)
    assert process.wait() == 130
    assert process.stderr
    said = process.stderr.read()
    assert b"Stopped. The same command goes on" in said
    assert b"Traceback" not in said
    assert marsad.ledger()["received"] < 400
    assert start(marsad.folder, file).wait() == 0
    assert balanced(marsad.ledger())
    assert marsad.ledger()["pending"] == 0


def test_the_command_is_installed() -> None:
    assert shutil.which(str(COMMAND))
