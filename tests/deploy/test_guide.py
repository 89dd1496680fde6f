"""The guide for operators names commands, variables and files that exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from pipelines import settings
from tests.deploy import reading
from tests.deploy.reading import DEPLOY, ROOT

GUIDE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
#: Variables of the compose file, which Marsad does not read itself.
COMPOSE = set(re.findall(r"\$\{(\w+)", reading.COMPOSE.read_text(encoding="utf-8")))


def commands() -> list[str]:
    """Command lines of `marsad` in the guide that are whole, without their shell around."""
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL))
    lines = re.findall(r"^(?:\w+=\S+ )?(marsad [^#\n]*)", blocks, re.MULTILINE)
    lines += re.findall(r"run --rm (?:--volume \S+ )?(marsad \w[^#\n]*)", blocks)
    lines += re.findall(r"`(marsad [^`]+)`", GUIDE)
    return sorted({line.strip() for line in lines if "…" not in line})


@pytest.mark.parametrize("line", commands())
def test_every_command_in_it_is_one(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("FILE", "LIST"):  # what stands for a file of the reader's is there
        (tmp_path / name).write_text("twitter:1\n", encoding="utf-8")
    reading.accept(shlex.split(line)[1:])


def test_it_has_commands_at_all() -> None:
    assert len(commands()) > 8


def test_every_variable_in_it_is_read_by_somebody() -> None:
    for variable in set(re.findall(r"\bMARSAD_[A-Z_]+[A-Z]\b", GUIDE)):
        assert reading.known(variable) or variable in COMPOSE, variable


def test_variables_of_the_compose_file_are_explained() -> None:
    ports = {name for name in COMPOSE if name.endswith("_PORT")}
    for variable in COMPOSE - ports:
        assert variable in GUIDE, variable


def loaded(folder: Path, text: str) -> settings.Settings:
    (folder / "marsad.toml").write_text(text, encoding="utf-8")
    return settings.load({}, folder)


def test_the_sources_that_the_example_has_commented_out_are_valid(tmp_path: Path) -> None:
    text = (DEPLOY / "marsad.toml").read_text(encoding="utf-8")
    plain = re.sub(r"^# (\[\[|\w+ = )", r"\1", text, flags=re.MULTILINE)
    found = loaded(tmp_path, plain)
    assert [one.source for one in found.sources] == ["bluesky", "rss"]


def test_its_settings_for_tls_and_sasl_are_valid(tmp_path: Path) -> None:
    (block,) = re.findall(r"```toml\n(brokers.*?)```", GUIDE, re.DOTALL)
    found = loaded(tmp_path, block)
    assert found.kafka.tls
    assert found.kafka.sasl == "SCRAM-SHA-512"
