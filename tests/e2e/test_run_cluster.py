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
    assert "all posts: the same 611 posts" in said(tmp_path)
    assert "the study subset: the same" in said(tmp_path)
    assert (OUT / "trends.svg").exists()
    lines = (OUT / "study" / "posts.ndjson").read_text(encoding="utf-8").splitlines()
    assert all(json.loads(line)["sentiment"]["label"] == "negative" for line in lines)
    # Servers of somebody else's are left as they were.
    names = [name for name in real_elasticsearch.ask("GET", "_alias") if "sample" in name]
    assert names == []


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
