"""`make run-cluster`: the same job on a cluster, the same results, and nothing left running."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster import until
from tests.conftest import ROOT
from tests.faults.load import FAULTS
from tests.run_cluster import PATIENCE, same_as_run
from tests.servers import SCRIPTS, Elastic, Kafka

OUT = ROOT / "out" / "cluster"


def start(tmp_path: Path, **more: str) -> subprocess.Popen[bytes]:
    keys = {"MARSAD_KEYS": str(tmp_path / "keyring.json")}
    with (tmp_path / "log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.run_cluster"],
            cwd=ROOT,
            env={**os.environ, **keys, **more},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def said(tmp_path: Path) -> str:
    return (tmp_path / "log").read_text(encoding="utf-8", errors="replace")


def test_the_cluster_holds_what_one_process_makes_of_the_sample(
    real_kafka: Kafka, real_elasticsearch: Elastic, tmp_path: Path
) -> None:
    store = f"{real_elasticsearch.url}/anything"
    process = start(tmp_path, MARSAD_BROKERS=real_kafka.brokers, MARSAD_STORE=store)
    assert process.wait() == 0, said(tmp_path)
    assert "all posts: the same 609 posts" in said(tmp_path)
    assert "the study subset: the same" in said(tmp_path)
    assert (OUT / "trends.svg").exists()
    lines = (OUT / "study" / "posts.ndjson").read_text(encoding="utf-8").splitlines()
    assert all(json.loads(line)["sentiment"]["label"] == "negative" for line in lines)
    # Servers of somebody else's are left as they were.
    names = [name for name in real_elasticsearch.ask("GET", "_alias") if "sample" in name]
    assert names == []


def test_another_export_than_that_of_make_run_fails_and_other_keys_are_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    post = {
        "id": "forum:1",
        "author": "u_abcdefghijklmnop",
        "text": "no calls",
        "day": "2016-02-27",
    }
    assert same_as_run([post], [post])
    assert "the same 1 posts, texts" in capsys.readouterr().out
    assert same_as_run([post], [post | {"author": "u_ponmlkjihgfedcba"}])
    assert "with other keys" in capsys.readouterr().out
    assert not same_as_run([post], [post | {"day": "2016-02-28"}])
    assert "NOT the same" in capsys.readouterr().out


def test_what_is_installed_for_a_cluster_is_told_and_trains_nothing() -> None:
    command = ["make", "--dry-run", "--always-make", "run-cluster"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    installs = [number for number, line in enumerate(told.splitlines()) if "pip install" in line]
    assert len(installs) == 2
    assert all("echo" in told.splitlines()[number - 1] for number in installs)
    assert ",train]" not in told


SCRIPT = ROOT / "deploy" / "find-servers.sh"


def found(folder: Path, docker: str = "", **environment: str) -> str:
    """What is said of servers on a machine with such a Docker, nothing if there are some."""
    tools = folder / "bin"
    tools.mkdir(exist_ok=True)
    if docker:
        (tools / "docker").write_text(f"#!/bin/sh\n{docker}\n")
        (tools / "docker").chmod(0o755)
    if not (tools / "cat").exists():
        (tools / "cat").symlink_to(shutil.which("cat") or "cat")
    done = subprocess.run(
        ["/bin/sh", str(SCRIPT)],
        cwd=tools,
        env={"PATH": str(tools), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, bool(done.stderr)) in {(0, False), (1, True)}
    return done.stderr


def test_servers__that_are_missing_are_told_before_anything_is_installed(tmp_path: Path) -> None:
    assert "Docker is not installed" in found(tmp_path)
    assert "MARSAD_BROKERS=" in found(tmp_path)
    assert "without its compose plugin" in found(tmp_path, "exit 1")
    assert "does not answer" in found(tmp_path, 'test "$1" = compose')
    assert "no folder nowhere" in found(tmp_path, "exit 0", MARSAD_SERVERS="nowhere")
    assert found(tmp_path, "exit 0") == ""
    assert found(tmp_path, "exit 1", MARSAD_SERVERS=".") == ""
    given = {"MARSAD_BROKERS": "a:9092", "MARSAD_STORE": "http://b:9200/c"}
    assert found(tmp_path, "exit 1", **given) == ""
    assert found(tmp_path, "exit 1", **given | {"MARSAD_STORE": "c.db"})
    command = ["make", "--dry-run", "--always-make", "run-cluster"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    assert told.index("find-servers.sh") < told.index("pip install")


if FAULTS:

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_interrupted_it_stops_what_it_started(tmp_path: Path, number: signal.Signals) -> None:
        if not SCRIPTS.is_dir():
            pytest.skip("needs servers that can be started: set MARSAD_SERVERS")
        process = start(tmp_path)
        try:
            until(lambda: "worker index" in said(tmp_path), "workers are started", PATIENCE)
            process.send_signal(number)
            assert process.wait() == 130, said(tmp_path)
            left = subprocess.run(
                ["pgrep", "--session", str(process.pid)], capture_output=True, check=False
            )
            assert left.stdout == b""
        finally:
            # a test that failed must not leave servers behind
            if process.poll() is None:
                process.terminate()
                process.wait()
