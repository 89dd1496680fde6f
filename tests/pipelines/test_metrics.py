"""What a process tells a monitoring system, read as Prometheus reads it: over a socket."""

from __future__ import annotations

import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pipelines import metrics
from pipelines.commands._shared.monitoring import instrumented
from pipelines.errors import SettingsError
from pipelines.metrics import probe
from pipelines.metrics.exporter import Exporter
from pipelines.metrics.health import Health
from pipelines.metrics.instruments import Instruments
from pipelines.stores.elasticsearch.server import Server
from pipelines.stores.sqlite import SqliteStore
from tests.platform_server import in_json, platform
from tests.servers import free_port

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def exporter() -> Iterator[Exporter]:
    """Of a process that did nothing before, whatever this one did for tests of other modules."""
    made = Instruments()
    with pytest.MonkeyPatch.context() as anew:
        anew.setattr(metrics, "_made", lambda: made)
        anew.setattr(metrics, "_health", Health())
        anew.setattr(metrics, "_lags", {})
        serving = metrics.serve(0)
        yield serving
        serving.close()


def ask(exporter: Exporter, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{exporter.port}{path}", timeout=30) as got:
            return got.status, got.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def samples(exporter: Exporter) -> dict[tuple[str, frozenset[str]], float]:
    """Every sample by its name and the values of its labels."""
    return {
        (sample.name, frozenset(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(ask(exporter, "/metrics")[1])
        for sample in family.samples
    }


def test_outcomes_and_reasons_are_counted(exporter: Exporter) -> None:
    before = samples(exporter)
    metrics.records("score", "passed", 3)
    metrics.records("score", "passed", 0)
    metrics.dead("score", "too-large", 2)
    after = samples(exporter)

    def grown(name: str, *labels: str) -> float:
        place = (name, frozenset(labels))
        return after[place] - before.get(place, 0)

    assert grown("marsad_records_total", "score", "passed") == 3
    assert grown("marsad_records_total", "score", "dead") == 2
    assert grown("marsad_dead_letters_total", "score", "too-large") == 2


def test_a_batch_that_failed_is_not_a_batch(exporter: Exporter) -> None:
    place = ("marsad_batch_seconds_count", frozenset({"index"}))
    with metrics.batch("index"):
        pass
    counted = samples(exporter)
    with pytest.raises(ZeroDivisionError), metrics.batch("index"):
        _ = 1 // 0
    after = samples(exporter)
    assert counted[place] >= 1
    assert after[place] == counted[place]
    assert after["marsad_last_batch_timestamp_seconds", frozenset({"index"})] > 1e9


def test_a_partition_that_moved_to_another_worker_is_told_no_more(exporter: Exporter) -> None:
    name = "marsad_consumer_lag_records"
    metrics.lag("score", {("posts", 0): 7, ("posts", 1): 2})
    metrics.lag("index", {("scored", 0): 1})
    metrics.lag("score", {("posts", 1): 5})
    lags = {labels: value for (found, labels), value in samples(exporter).items() if found == name}
    assert lags == {
        frozenset({"score", "posts", "1"}): 5,
        frozenset({"index", "scored", "0"}): 1,
    }
    metrics.lag("score", {})
    metrics.lag("index", {})
    assert not [found for found, _ in samples(exporter) if found == name]


def test_a_source_tells_of_its_state(exporter: Exporter) -> None:
    moment = datetime(2026, 3, 1, 12, tzinfo=UTC)
    metrics.source_up("journal", True)
    metrics.source_heartbeat("journal", moment)
    metrics.source_posts("journal", 4)
    metrics.source_gap("journal", "rate-limit")
    metrics.source_silent("journal", False)
    told = {
        name: (labels, value)
        for (name, labels), value in samples(exporter).items()
        if "journal" in labels
    }
    assert told["marsad_source_up"] == ({"journal"}, 1)
    assert told["marsad_source_last_heartbeat_timestamp_seconds"][1] == moment.timestamp()
    assert told["marsad_source_posts_total"] == ({"journal"}, 4)
    assert told["marsad_source_gaps_total"] == ({"journal", "rate-limit"}, 1)
    assert told["marsad_source_silent"] == ({"journal"}, 0)


def test_no_sentence_and_no_name_of_an_account_becomes_a_label(exporter: Exporter) -> None:
    metrics.source_gap("@some_person", "HTTP 429 from https://example.org/@some_person")
    metrics.dead("collect", "cannot parse: secret words")
    _, text = ask(exporter, "/metrics")
    assert "some_person" not in text
    assert "secret" not in text
    assert 'marsad_source_gaps_total{cause="other",source="other"}' in text


def test_a_label_has_room_for_so_many_values_and_no_more() -> None:
    made = Instruments()
    seen = {made.sources(f"source-{number}") for number in range(1000)}
    assert len(seen) == 201
    assert "other" in seen
    assert made.sources("source-0") == "source-0"


def test_versions_are_told(exporter: Exporter) -> None:
    metrics.build("model-of-a-test")
    _, text = ask(exporter, "/metrics")
    assert re.search(
        r'marsad_build_info\{model="model-of-a-test",version="\d+\.\d+.*"\} 1\.0', text
    )


def test_ready_is_who_has_all_that_it_named() -> None:
    health = Health()
    assert health.ready() == (False, "not started")
    health.condition("assigned", True)
    health.condition("store", False)
    assert health.ready() == (False, "missing: store")
    health.condition("store", True)
    assert health.ready() == (True, "there: assigned, store")


def test_alive_is_whose_loop_turned_lately() -> None:
    stuck = Health(stale=-1.0)
    stuck.turn()
    assert stuck.alive()[0] is False
    fine = Health()
    assert fine.alive()[0] is True


def test_probes_are_answered_by_status() -> None:
    registry = Instruments().registry
    serving = Exporter(0, "127.0.0.1", registry, Health(stale=-1.0))
    try:
        assert ask(serving, "/healthz")[0] == 503
        assert ask(serving, "/readyz") == (503, "not started\n")
        assert ask(serving, "/other")[0] == 404
    finally:
        serving.close()


def test_a_process_that_turns_and_has_what_it_needs_is_alive_and_ready(exporter: Exporter) -> None:
    metrics.turn()
    metrics.ready("assigned", True)
    assert ask(exporter, "/healthz")[0] == 200
    assert ask(exporter, "/readyz")[0] == 200
    metrics.ready("assigned", False)
    assert ask(exporter, "/readyz") == (503, "missing: assigned\n")


def test_a_taken_port_is_told_in_one_sentence(exporter: Exporter) -> None:
    with pytest.raises(SettingsError, match=f"port {exporter.port}"):
        metrics.serve(exporter.port)


def test_every_metric_is_documented_and_every_documented_one_exists() -> None:
    text = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `(marsad_\w+)` \|", text, re.MULTILINE))
    made = {
        {"counter": f"{family.name}_total", "info": f"{family.name}_info"}.get(
            family.type, family.name
        )
        for family in Instruments().registry.collect()
        if family.name.startswith("marsad_")
    }
    assert documented == made


def test_importing_the_calls_loads_no_client_library() -> None:
    code = "import sys, pipelines.metrics; sys.exit('prometheus_client' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_the_probe_for_containers_answers_by_its_exit_code(
    exporter: Exporter, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    metrics.turn()
    metrics.ready("assigned", True)
    monkeypatch.setenv("MARSAD_METRICS_PORT", str(exporter.port))
    assert probe.main([]) == 0
    metrics.ready("assigned", False)
    assert probe.main(["/readyz"]) == 1
    assert "missing: assigned" in capsys.readouterr().err


def test_the_probe_says_no_where_nobody_answers_though_somebody_should(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("MARSAD_METRICS_PORT", raising=False)
    assert probe.main([]) == 0
    assert "MARSAD_METRICS_PORT is not set" in capsys.readouterr().err
    monkeypatch.setenv("MARSAD_METRICS_PORT", str(free_port()))
    assert probe.main([]) == 1
    assert "No answer" in capsys.readouterr().err


def test_a_request_that_the_store_refused_is_counted_by_its_cause(exporter: Exporter) -> None:
    place = ("marsad_store_retries_total", frozenset({"429"}))
    before = samples(exporter).get(place, 0)
    with platform() as busy:
        product = {"X-Elastic-Product": "Elasticsearch"}
        busy.on(
            "/", in_json({}, 429, **product), in_json({}, 429, **product), in_json({}, **product)
        )
        server = Server(busy.url)
        server.do(lambda es: es.info())
        server.close()
    assert samples(exporter)[place] == before + 2


def test_one_process_that_does_all_tells_of_every_stage(exporter: Exporter, tmp_path: Path) -> None:
    scored = ("marsad_records_total", frozenset({"score", "passed"}))
    indexed = ("marsad_records_total", frozenset({"index", "indexed"}))
    before = samples(exporter)
    waiting = [64, 3, 0]
    with SqliteStore(tmp_path / "marsad.db") as store:
        drain = instrumented(store, lambda: waiting.pop(0))
        assert [drain(), drain(), drain()] == [64, 3, 0]
    after = samples(exporter)
    assert after[scored] - before.get(scored, 0) == 67
    assert after[indexed] - before.get(indexed, 0) == 67
    assert after["marsad_pending_posts", frozenset()] == 0


def test_a_stage_begins_at_zero_and_counts_from_there(exporter: Exporter) -> None:
    metrics.begin("index")
    told = samples(exporter)
    for outcome in get_args(metrics.Outcome):
        assert ("marsad_records_total", frozenset({"index", outcome})) in told
    assert told["marsad_worker_paused", frozenset({"index"})] == 0
