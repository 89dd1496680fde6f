"""The manifests for Kubernetes: valid, without rights, and named as the code names things."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import kubernetes_validate
import pytest
import yaml

from pipelines import settings
from pipelines.kafka import topics
from tests.deploy import reading
from tests.deploy.reading import BASE, KEDA, PROJECT, ROOT, containers, manifests, pods

#: The oldest and the newest version that the schemas are at hand of and that clusters run.
VERSIONS = ("1.32", "1.37")
GUIDE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")


def named(kind: str) -> dict[str, dict[str, Any]]:
    return {one["metadata"]["name"]: one for one in manifests() if one["kind"] == kind}


@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_is_valid_by_the_schemas_of_kubernetes(version: str) -> None:
    assert len(manifests()) > 10
    for one in manifests():
        kubernetes_validate.validate(one, version, strict=True)


@pytest.mark.parametrize("folder", [BASE, KEDA], ids=["base", "keda"])
def test_every_file_belongs_to_its_kustomization(folder: Any) -> None:
    listing = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
    files = {path.name for path in folder.glob("*.yaml")} - {"kustomization.yaml"}
    assert {name for name in listing["resources"] if name.endswith(".yaml")} == files


def test_the_image_is_the_one_that_the_kustomization_pins() -> None:
    listing = yaml.safe_load((BASE / "kustomization.yaml").read_text(encoding="utf-8"))
    (image,) = listing["images"]
    assert image["newTag"] == PROJECT["version"]
    assert {one["image"] for _, one in containers()} == {image["name"]}


def test_no_pod_runs_as_root_or_talks_to_the_cluster() -> None:
    for name, pod in pods():
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["runAsUser"] == 1000, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert pod["automountServiceAccountToken"] is False, name


def test_no_container_can_gain_rights_or_write_to_its_image() -> None:
    for name, one in containers():
        assert one["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, name
        assert set(one["resources"]["requests"]) == {"cpu", "memory"}, name
        assert "memory" in one["resources"]["limits"], name


def test_commands_and_variables_exist() -> None:
    for name, one in containers():
        if "args" in one:
            reading.accept(one["args"])
        for variable in one.get("env", ()):
            known = reading.known(variable["name"]) or f"$({variable['name']})" in one["args"]
            assert known, (name, variable["name"])
    for variable in named("ConfigMap")["marsad-environment"]["data"]:
        assert reading.known(variable), variable


def test_workers_answer_probes_where_they_are_asked() -> None:
    port = int(named("ConfigMap")["marsad-environment"]["data"]["MARSAD_METRICS_PORT"])
    for stage in ("collect", "score", "index"):
        (worker,) = [one for name, one in containers() if name == f"{stage}/{stage}"]
        assert {"name": "metrics", "containerPort": port} in worker["ports"]
        assert worker["startupProbe"]["httpGet"]["path"] == "/healthz"
        assert worker["livenessProbe"]["httpGet"]["path"] == "/healthz"
        assert worker["readinessProbe"]["httpGet"]["path"] == "/readyz"


def test_settings_of_the_example_are_valid(tmp_path: Any) -> None:
    text = named("ConfigMap")["marsad-settings"]["data"]["marsad.toml"]
    (tmp_path / "marsad.toml").write_text(text, encoding="utf-8")
    assert settings.load({}, tmp_path).timezone == ""
    environment = named("ConfigMap")["marsad-environment"]["data"]
    known = {name: value for name, value in environment.items() if name != "MARSAD_CONFIG"}
    assert settings.load(known, tmp_path).kafka.tls is True


def references(found: Any, kind: str) -> Iterator[str]:
    """The names of ConfigMaps or Secrets that an object refers to."""
    keys = {"ConfigMap": ("configMap", "configMapRef"), "Secret": ("secret", "secretRef")}[kind]
    if isinstance(found, dict):
        for key, value in found.items():
            if key in keys and isinstance(value, dict):
                yield value.get("name") or value["secretName"]
            else:
                yield from references(value, kind)
    elif isinstance(found, list):
        for one in found:
            yield from references(one, kind)


def test_what_pods_refer_to_is_there_or_the_guide_makes_it() -> None:
    for name in set(references(manifests(), "ConfigMap")):
        made = f"create configmap {name} " in GUIDE
        assert name in named("ConfigMap") or made, name
    secrets = set(references(manifests(), "Secret"))
    secrets |= {
        one["name"] for auth in manifests(KEDA) for one in auth["spec"].get("secretTargetRef", ())
    }
    assert len(secrets) > 4
    for name in secrets:
        assert f"create secret generic {name} " in GUIDE, name


def test_no_secret_stands_in_a_manifest() -> None:
    assert not named("Secret")
    for name in named("ConfigMap")["marsad-environment"]["data"]:
        assert not re.search(r"(PASSWORD|TOKEN|API_KEY)$", name)


def test_selectors_find_their_pods() -> None:
    labels = [
        template["metadata"]["labels"]
        for one in manifests()
        if (template := one.get("spec", {}).get("template"))
    ]
    for one in manifests():
        spec = one.get("spec", {})
        selector = spec.get("podSelector", spec.get("selector"))
        if selector is None:
            continue
        wanted = selector.get("matchLabels", selector)
        assert any(wanted.items() <= found.items() for found in labels), one["metadata"]["name"]


def test_commands_run_on_the_node_of_the_volume_that_they_share() -> None:
    pod = dict(pods())["tools"]
    (claim,) = [
        volume["persistentVolumeClaim"]["claimName"]
        for volume in pod["volumes"]
        if "persistentVolumeClaim" in volume
    ]
    (rule,) = pod["affinity"]["podAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    owner = rule["labelSelector"]["matchLabels"]["statefulset.kubernetes.io/pod-name"]
    (template,) = named("StatefulSet")["collect"]["spec"]["volumeClaimTemplates"]
    assert claim == f"{template['metadata']['name']}-{owner}"


def test_what_scales_looks_at_groups_and_topics_that_exist() -> None:
    prefix = settings.KafkaSettings().prefix
    scaled = [one for one in manifests(KEDA) if one["kind"] == "ScaledObject"]
    assert {one["metadata"]["name"] for one in scaled} == {"score", "index"}
    for one in scaled:
        target = one["spec"]["scaleTargetRef"]
        assert target["name"] in named(target["kind"])
        (trigger,) = one["spec"]["triggers"]
        looked = trigger["metadata"]
        assert looked["consumerGroup"] == prefix + one["metadata"]["name"]
        topic = topics.definitions()[looked["topic"].removeprefix(prefix)]
        assert one["spec"]["maxReplicaCount"] <= topic.partitions
        environment = named("ConfigMap")["marsad-environment"]["data"]
        assert looked["bootstrapServersFromEnv"] in environment
