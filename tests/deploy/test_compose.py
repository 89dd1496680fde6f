"""The compose file: valid, pinned, reachable from this machine alone, without a default password.

It can't be started here. What was checked by hand, and with what, is in docs/operations.md.
"""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import pytest
import yaml

from pipelines import settings
from pipelines.kafka import topics
from pipelines.stores.elasticsearch.server import MAJOR
from tests.deploy import reading
from tests.deploy.reading import COMPOSE, DEPLOY, PROJECT, compose, filled, services

WORKERS = ("collect", "score", "index")
OURS = ("topics", "marsad", "pages", "web", *WORKERS)


#: The servers of `make run-cluster`, where Docker is.
SAMPLE = DEPLOY / "sample-servers.yaml"


def each() -> list[Any]:
    return [pytest.param(name, service, id=name) for name, service in services().items()]


def test_both_files_are_valid_by_the_schema_of_compose() -> None:
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run([*check, str(COMPOSE), str(SAMPLE)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("name", "service"), each())
def test_every_image_is_pinned_and_can_be_replaced(name: str, service: dict[str, Any]) -> None:
    assert re.fullmatch(r"\$\{[A-Z]+_IMAGE:-[^}]+\}", service["image"]), name
    assert re.fullmatch(r"[a-z0-9./-]+:v?\d+\.\d+\.\d+", filled(service["image"])), name


def test_the_versions_are_those_that_are_tested() -> None:
    image = {
        name: filled(service["image"]).partition(":")[2] for name, service in services().items()
    }
    assert image["elasticsearch"] == image["kibana"] == image["access"]
    assert image["elasticsearch"].startswith(f"{MAJOR}.")
    assert {image[name] for name in OURS} == {PROJECT["version"]}


def test_the_servers_of_the_sample_are_the_same_and_reachable_from_here_alone() -> None:
    for name, service in yaml.safe_load(SAMPLE.read_text(encoding="utf-8"))["services"].items():
        assert service["image"] == filled(services()[name]["image"])
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])


@pytest.mark.parametrize(("name", "service"), each())
def test_no_container_runs_as_root_or_can_become_root(name: str, service: dict[str, Any]) -> None:
    assert re.fullmatch(r"[1-9]\d*:\d+", service["user"]), name
    assert service["cap_drop"] == ["ALL"], name
    assert "no-new-privileges:true" in service["security_opt"], name


@pytest.mark.parametrize("name", OURS)
def test_our_containers_can_write_to_their_volume_and_tmp_alone(name: str) -> None:
    assert services()[name]["read_only"] is True


@pytest.mark.parametrize(("name", "service"), each())
def test_every_container_has_limits_and_what_stays_up_is_looked_after(
    name: str, service: dict[str, Any]
) -> None:
    limits = service["deploy"]["resources"]["limits"]
    assert set(limits) == {"cpus", "memory"}, name
    once = service["restart"] == "no"
    assert once or service["healthcheck"]["test"], name
    assert service["logging"]["options"]["max-size"], name


@pytest.mark.parametrize(("name", "service"), each())
def test_what_has_a_port_has_it_on_this_machine_alone(name: str, service: dict[str, Any]) -> None:
    for port in service.get("ports", ()):
        assert filled(port).startswith("127.0.0.1:"), (name, port)


def test_kafka_which_asks_for_no_password_is_on_a_network_that_leads_nowhere() -> None:
    assert compose()["networks"]["inside"]["internal"] is True
    assert services()["kafka"]["networks"] == ["inside"]
    assert "ports" not in services()["kafka"]


def test_only_what_needs_it_reaches_beyond() -> None:
    beyond = {name for name, service in services().items() if "outside" in service["networks"]}
    with_port = {name for name, service in services().items() if service.get("ports")}
    assert beyond == with_port | {"collect", "pages"}


def test_only_services_that_ask_platforms_have_their_tokens() -> None:
    tokens = {name for name, service in services().items() if "env_file" in service}
    assert tokens == {"collect", "pages"}
    for name in tokens:
        assert any(":/run/platforms:ro" in volume for volume in services()[name]["volumes"])


def test_every_secret_is_a_file_that_has_to_be_named() -> None:
    for name, secret in compose()["secrets"].items():
        assert re.fullmatch(rf"\$\{{MARSAD_SECRETS:\?[^}}]+\}}/{name}", secret["file"]), name
    first = next(iter(compose()["secrets"].values()))["file"]
    assert "deploy/secrets.sh" in first, "the sentence says what to do"


@pytest.mark.parametrize(("name", "service"), each())
def test_no_password_stands_in_the_file(name: str, service: dict[str, Any]) -> None:
    for variable, value in service.get("environment", {}).items():
        if re.search(r"PASSWORD|SECRET|TOKEN|(?<!MARSAD_)KEY", variable):
            assert variable.endswith("_FILE"), (name, variable)
            assert value.startswith("/run/secrets/"), (name, variable)
            assert value.removeprefix("/run/secrets/") in service["secrets"], (name, variable)
    for secret in service.get("secrets", ()):
        assert secret in compose()["secrets"], name


@pytest.mark.parametrize("name", OURS)
def test_our_containers_run_commands_and_read_variables_that_exist(name: str) -> None:
    service = services()[name]
    reading.accept(service["command"])
    for variable in service["environment"]:
        assert reading.known(variable), variable


def test_the_keys_of_pseudonyms_are_where_they_are_needed_alone() -> None:
    holders = {
        name
        for name, service in services().items()
        if any(str(volume).startswith("keys:") for volume in service.get("volumes", ()))
    }
    assert holders == {"collect", "marsad"}


def test_one_command_finds_all_dead_letters() -> None:
    volume = "aside:/var/lib/marsad"
    for name in ("collect", "index", "marsad"):
        assert volume in services()[name]["volumes"], name


@pytest.mark.parametrize("name", WORKERS)
def test_every_worker_tells_its_state_and_is_asked_for_it(name: str) -> None:
    service = services()[name]
    assert service["environment"]["MARSAD_METRICS_PORT"] == "9464"
    assert "pipelines.metrics.probe" in service["healthcheck"]["test"]
    # What it does when it is told to end takes longer than the usual ten seconds.
    assert service["stop_grace_period"] == "90s"


def test_settings_of_the_example_are_valid() -> None:
    found = settings.load({"MARSAD_CONFIG": "marsad.toml"}, DEPLOY)
    assert found.watchlist == "none"


def test_topics_are_there_before_the_workers_and_no_broker_makes_others() -> None:
    for name in WORKERS:
        assert services()[name]["depends_on"]["topics"] == {
            "condition": "service_completed_successfully"
        }
    assert services()["kafka"]["environment"]["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    assert topics.definitions()
