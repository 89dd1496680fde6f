"""The image: pinned, without root, with the versions that are tested."""

from __future__ import annotations

import json
import re

from tests.deploy.reading import DEPLOY, PROJECT, ROOT

DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
LINES = [line for line in DOCKERFILE.replace("\\\n", " ").splitlines() if not line.startswith("#")]


def instructions(name: str) -> list[str]:
    return [line.partition(" ")[2].strip() for line in LINES if line.startswith(f"{name} ")]


def test_the_base_is_pinned_and_one_for_both_stages() -> None:
    (argument, *_) = instructions("ARG")
    assert re.fullmatch(r"PYTHON_IMAGE=[\w./]+/python:\d+\.\d+\.\d+-slim-\w+", argument)
    assert [line.split()[0] for line in instructions("FROM")] == ["${PYTHON_IMAGE}"] * 2


def test_its_python_is_one_that_the_project_supports() -> None:
    found = re.search(r"python:(\d+\.\d+)\.", DOCKERFILE)
    assert found
    assert f"Programming Language :: Python :: {found[1]}" in PROJECT["classifiers"]


def test_dependencies_are_those_of_the_constraints() -> None:
    assert "--constraint constraints.txt" in DOCKERFILE
    assert "grep '^torch==' constraints.txt" in DOCKERFILE
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert len(re.findall(r"^torch==\S+$", constraints, re.MULTILINE)) == 1


def test_it_ends_as_a_user_without_rights() -> None:
    assert instructions("USER")[-1] == "1000:1000"


def test_it_is_the_command_and_looks_after_itself() -> None:
    assert json.loads(instructions("ENTRYPOINT")[0]) == ["marsad"]
    assert json.loads(instructions("CMD")[0]) == ["--help"]
    (check,) = instructions("HEALTHCHECK")
    assert "pipelines.metrics.probe" in check


def test_nothing_in_it_reports_to_its_maker() -> None:
    final = DOCKERFILE.split("FROM ${PYTHON_IMAGE}\n")[-1]
    assert "ORT_DISABLE_TELEMETRY=1" in final
    assert "HF_HUB_OFFLINE=1" in final


def test_no_build_tool_is_in_the_final_image() -> None:
    final = DOCKERFILE.split("FROM ${PYTHON_IMAGE}\n")[-1]
    assert "pip install" not in final
    assert "apt-get" not in final
    assert "uninstall --yes pip setuptools wheel" in final


def test_everything_it_is_made_of_passes_the_ignore_file_and_nothing_else() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    kept = {line[1:] for line in lines if line.startswith("!")}
    assert "*" in lines
    assert {"pyproject.toml", "constraints.txt", "ingest", "nlp", "pipelines"} <= kept
    included = re.findall(
        r'^"(deploy/\w+)" = ', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert included
    assert set(included) <= kept
    assert all((ROOT / name).exists() for name in kept)


def test_the_tag_in_its_first_lines_is_this_version() -> None:
    assert f"--tag marsad:{PROJECT['version']} " in DOCKERFILE
