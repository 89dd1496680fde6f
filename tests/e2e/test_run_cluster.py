"""`make run-cluster`: the same job on a cluster, the same results, and nothing left running."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster import until
from tests.conftest import ROOT
from tests.faults.load import FAULTS
from tests.run_cluster import same_as_run
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


if FAULTS:

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_interrupted_it_stops_what_it_started(tmp_path: Path, number: signal.Signals) -> None:
        if not SCRIPTS.is_dir():
            pytest.skip("needs servers that can be started: set MARSAD_SERVERS")
        process = start(tmp_path)
        until(lambda: "worker index" in said(tmp_path), "workers are started")
        process.send_signal(number)
        assert process.wait() == 130, said(tmp_path)
        left = subprocess.run(
            ["pgrep", "--session", str(process.pid)], capture_output=True, check=False
        )
        assert left.stdout == b""
