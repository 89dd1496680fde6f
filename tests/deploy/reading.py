"""What deploy/ says, read once for all tests of it."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import click
import yaml

from pipelines.cli import group
from pipelines.settings import _ENVIRONMENT

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE = DEPLOY / "compose.yaml"
BASE = DEPLOY / "kubernetes" / "base"
KEDA = DEPLOY / "kubernetes" / "keda"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

_VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")


@cache
def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    return found


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = compose()["services"]
    return found


def filled(text: str) -> str:
    """A compose value with the defaults of its variables."""
    return _VARIABLE.sub(lambda m: m[3] if m[2] == "-" else "", text).replace("$$", "$")


@cache
def manifests(folder: Path = BASE) -> list[dict[str, Any]]:
    """The objects that a kustomization names, as written."""
    listing = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = []
    for name in listing["resources"]:
        if (folder / name).is_file():
            found += yaml.safe_load_all((folder / name).read_text(encoding="utf-8"))
    return found


def pods() -> Iterator[tuple[str, dict[str, Any]]]:
    """The pods of all workloads, by the workload's name."""
    for one in manifests():
        if template := one.get("spec", {}).get("template"):
            yield one["metadata"]["name"], template["spec"]


def containers() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, pod in pods():
        for one in (*pod.get("initContainers", ()), *pod["containers"]):
            yield f"{name}/{one['name']}", one


@cache
def variables() -> frozenset[str]:
    """Every environment variable of Marsad that its code names."""
    named = set(_ENVIRONMENT) | {"MARSAD_CONFIG"}
    for package in ("ingest", "nlp", "pipelines"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    named |= set(re.findall(r"\bMARSAD_[A-Z][A-Z_]*[A-Z]\b", node.value))
    return frozenset(named)


#: Read by libraries: ONNX Runtime sends nothing to its maker.
OF_LIBRARIES = frozenset({"ORT_DISABLE_TELEMETRY"})


def known(variable: str) -> bool:
    """Whether Marsad or a library reads a variable: itself, or the file of a secret."""
    return variable in variables() | OF_LIBRARIES or (
        variable.endswith(("KEY_FILE", "TOKEN_FILE", "BEARER_FILE", "PASSWORD_FILE"))
        and variable.removesuffix("_FILE") in variables()
    )


def accept(arguments: Sequence[str]) -> None:
    """Parse a command line as ``marsad`` does; raises ``click.UsageError`` if it would refuse."""
    command: click.Command = group
    context, rest, name = None, list(arguments), "marsad"
    while True:
        context = command.make_context(name, rest, parent=context)
        if not isinstance(command, click.Group):
            return
        rest = [*context._protected_args, *context.args]
        if not rest:
            return
        found, inner, rest = command.resolve_command(context, rest)
        assert inner is not None
        command, name = inner, found or ""
