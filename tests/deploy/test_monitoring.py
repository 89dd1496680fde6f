"""Dashboard, alerts and Kibana's objects name nothing that does not exist."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any, get_args

import promql_parser
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from ingest.records import Post
from pipelines import metrics
from tests.deploy.reading import DEPLOY, ROOT, services

BOARD = json.loads((DEPLOY / "grafana" / "marsad.json").read_text(encoding="utf-8"))
RULES = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text(encoding="utf-8"))
SAVED = [
    json.loads(line)
    for line in (DEPLOY / "kibana" / "marsad.ndjson").read_text(encoding="utf-8").splitlines()
]
MAPPING = json.loads((DEPLOY / "elasticsearch" / "posts.json").read_text(encoding="utf-8"))
FIELDS = MAPPING["template"]["mappings"]["properties"]
#: What Prometheus adds to every series, or makes itself.
ADDED = {"job", "instance", "worker"}
MADE = {"up": set[str](), "ALERTS": {"alertname", "alertstate"}}


@cache
def emitted() -> dict[str, set[str]]:
    """Every series that a process can emit, with its labels, read from the real exporter."""
    metrics.begin("collect")
    metrics.build("a model")
    with metrics.batch("index"):
        pass
    metrics.dead("index", "store-refused")
    metrics.lag("score", {("marsad.posts", 0): 1})
    metrics.paused("score", False)
    metrics.pending(1)
    metrics.store_retry("429")
    metrics.source_up("press", True)
    metrics.source_heartbeat("press", datetime.now(UTC))
    metrics.source_posts("press", 1)
    metrics.source_gap("press", "rate-limit")
    metrics.source_silent("press", False)
    exporter = metrics.serve(0)
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{exporter.port}/metrics") as answer:
            text = answer.read().decode()
    finally:
        exporter.close()
        metrics.lag("score", {})
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def queries() -> Iterator[tuple[str, str]]:
    for panel in BOARD["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]
    for group in RULES["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"]


def parsed(query: str) -> Any:
    """A query with the dashboard's variables filled in."""
    plain = query.replace("$__rate_interval", "5m").replace("$stage", ".*").replace("$source", ".*")
    return promql_parser.parse(plain)


def selectors(node: Any) -> Iterator[Any]:
    if isinstance(node, promql_parser.VectorSelector):
        yield node
    for name in ("expr", "lhs", "rhs", "param", "vector_selector"):
        if (inner := getattr(node, name, None)) is not None:
            yield from selectors(inner)
    for inner in getattr(node, "args", None) or ():
        yield from selectors(inner)


def grouped(node: Any) -> Iterator[str]:
    """Labels that aggregations and matchings name."""
    if (modifier := getattr(node, "modifier", None)) is not None:
        yield from getattr(modifier, "labels", None) or ()
        if (matching := getattr(modifier, "matching", None)) is not None:
            yield from matching.labels
    for name in ("expr", "lhs", "rhs"):
        if (inner := getattr(node, name, None)) is not None:
            yield from grouped(inner)
    for inner in getattr(node, "args", None) or ():
        yield from grouped(inner)


@pytest.mark.parametrize(("place", "query"), list(queries()))
def test_every_query_names_series_and_labels_that_are_emitted(place: str, query: str) -> None:
    tree = parsed(query)
    found = list(selectors(tree))
    assert found, place
    there = set(ADDED)
    for one in found:
        labels = MADE[one.name] if one.name in MADE else emitted()[one.name]
        there |= labels
        for matcher in one.matchers.matchers:
            assert matcher.name in labels | ADDED, (place, one.name, matcher.name)
    assert set(grouped(tree)) <= there, place


def test_stages_and_outcomes_in_queries_are_real_ones() -> None:
    real = {"stage": set(get_args(metrics.Stage)), "outcome": set(get_args(metrics.Outcome))}
    checked = 0
    for place, query in queries():
        for name, value in re.findall(r'\b(stage|outcome)=~?"([^"$]+)"', query):
            assert set(value.split("|")) <= real[name], place
            checked += 1
    assert checked > 5


def test_every_metric_of_ours_is_shown_or_watched() -> None:
    named = {one.name for _, query in queries() for one in selectors(parsed(query))}
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in emitted()}
    shown = {re.sub(r"_(bucket|sum|count)$", "", name) for name in named}
    assert {name for name in families if name.startswith("marsad_")} <= shown


def test_variables_of_the_dashboard_come_from_real_series() -> None:
    for variable in BOARD["templating"]["list"]:
        if variable["type"] == "query":
            found = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["definition"])
            assert found, variable
            assert found[2] in emitted()[found[1]], variable


def test_panels_have_names_and_do_not_overlap() -> None:
    ids = [panel["id"] for panel in BOARD["panels"]]
    assert len(ids) == len(set(ids))
    cells: set[tuple[int, int]] = set()
    for panel in BOARD["panels"]:
        place = panel["gridPos"]
        own = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not own & cells, panel["title"]
        assert max(x for x, _ in own) < 24, panel["title"]
        cells |= own
        assert panel["type"] == "row" or panel["description"], panel["title"]


def test_every_alert_says_what_it_means_and_leads_to_what_to_do() -> None:
    guide = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    anchors = {
        re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^#+ (.+)$", guide, re.MULTILINE)
    }
    for group in RULES["groups"]:
        for rule in group["rules"]:
            notes = rule["annotations"]
            assert notes["summary"], rule["alert"]
            assert notes["description"], rule["alert"]
            page, _, anchor = notes["runbook"].partition("#")
            assert page == "docs/operations.md"
            assert anchor in anchors, (rule["alert"], anchor)
            assert rule["labels"]["severity"] in {"warning", "critical"}


def test_every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not() -> None:
    cases = (DEPLOY / "prometheus" / "alerts.test.yml").read_text(encoding="utf-8")
    for group in RULES["groups"]:
        for rule in group["rules"]:
            name = rule["alert"]
            assert f"alertname: {name}, exp_alerts: []" in cases, name
            assert f'alertname="{name}"' in cases, name


def test_the_alerts_fire_when_they_should() -> None:
    if shutil.which("promtool") is None:
        pytest.skip("needs promtool, which is part of Prometheus")
    done = subprocess.run(
        ["promtool", "test", "rules", "alerts.test.yml"],
        cwd=DEPLOY / "prometheus",
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_asks_the_workers_of_the_compose_file() -> None:
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text(encoding="utf-8"))
    (job,) = [one for one in config["scrape_configs"] if one["job_name"] == "marsad"]
    (found,) = job["dns_sd_configs"]
    for name in found["names"]:
        assert services()[name]["environment"]["MARSAD_METRICS_PORT"] == str(found["port"])


def test_objects_of_kibana_refer_to_each_other() -> None:
    there = {(one["type"], one["id"]) for one in SAVED}
    assert len(there) == len(SAVED)
    for one in SAVED:
        for reference in one["references"]:
            assert (reference["type"], reference["id"]) in there, one["id"]
    (dashboard,) = [one for one in SAVED if one["type"] == "dashboard"]
    panels = json.loads(dashboard["attributes"]["panelsJSON"])
    named = {reference["name"] for reference in dashboard["references"]}
    assert {f"{panel['panelIndex']}:{panel['panelRefName']}" for panel in panels} == named


def fields_of(one: dict[str, Any]) -> Iterator[str]:
    """The fields that a saved object reads."""
    attributes = one["attributes"]
    layers = attributes.get("state", {}).get("datasourceStates", {}).get("formBased", {})
    for layer in layers.get("layers", {}).values():
        yield from (column["sourceField"] for column in layer["columns"].values())
    yield from attributes.get("columns", ())
    yield from (field for field, _ in attributes.get("sort", ()))
    if one["type"] == "index-pattern":
        yield attributes["timeFieldName"]
        yield from json.loads(attributes["fieldFormatMap"])
        yield from json.loads(attributes["fieldAttrs"])


def test_every_field_that_kibana_shows_is_in_the_mapping() -> None:
    read = {field for one in SAVED for field in fields_of(one)} - {"___records___"}
    assert len(read) > 8
    for field in read:
        first, _, rest = field.partition(".")
        assert first in FIELDS, field
        # The post itself is stored unindexed; Kibana shows its fields as they are.
        assert not rest or rest in Post.__struct_fields__, field


def test_kibana_counts_and_groups_by_fields_that_can_be() -> None:
    able = {"terms": {"keyword"}, "average": {"double", "long"}, "date_histogram": {"date"}}
    checked = 0
    for one in SAVED:
        if one["type"] != "lens":
            continue
        for layer in one["attributes"]["state"]["datasourceStates"]["formBased"]["layers"].values():
            assert list(layer["columns"]) == layer["columnOrder"]
            for column in layer["columns"].values():
                if column["operationType"] in able:
                    kind = FIELDS[column["sourceField"]]["type"]
                    assert kind in able[column["operationType"]], (one["id"], column["label"])
                    checked += 1
    assert checked > 8


def test_kibana_looks_at_the_store_that_the_compose_file_fills() -> None:
    store = services()["index"]["environment"]["MARSAD_STORE"]
    (view,) = [one for one in SAVED if one["type"] == "index-pattern"]
    assert view["attributes"]["title"] == f"{store.rpartition('/')[2]}-posts"
