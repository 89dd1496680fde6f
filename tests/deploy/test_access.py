"""Secrets and accounts: random, for one reader, with no more rights than the code needs."""

from __future__ import annotations

import base64
import json
import os
import re
import stat
import subprocess
from pathlib import Path

import pytest

from tests.deploy.reading import DEPLOY, ROOT, compose, services
from tests.platform_server import Platform, in_json, platform

SECRETS = DEPLOY / "secrets.sh"
SETUP = DEPLOY / "access" / "setup.sh"
ROLES = {
    path.stem.removeprefix("role-"): json.loads(path.read_text(encoding="utf-8"))
    for path in (DEPLOY / "access").glob("role-*.json")
}


def read(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}


def make(folder: Path) -> str:
    done = subprocess.run(["sh", str(SECRETS), str(folder)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_secret_of_the_compose_file_is_made_and_differs(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    make(folder)
    found = read(folder)
    assert set(found) == set(compose()["secrets"])
    assert len(set(found.values())) == len(found)
    assert all(len(value) == 40 and value.isalnum() for value in found.values())


def test_only_their_owner_can_read_them(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    make(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for name in read(folder):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600, name


def test_what_is_there_stays(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    make(folder)
    before = read(folder)
    (folder / "grafana_password").unlink()
    said = make(folder)
    after = read(folder)
    assert before["grafana_password"] != after["grafana_password"]
    assert before.items() - after.items() == {("grafana_password", before["grafana_password"])}
    assert "grafana_password: made" in said


def test_without_a_folder_it_says_what_is_missing() -> None:
    done = subprocess.run(["sh", str(SECRETS)], capture_output=True, text=True)
    assert done.returncode != 0
    assert "names no folder" in done.stderr


def accounts(server: Platform, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", str(SETUP)],
        capture_output=True,
        text=True,
        env={**os.environ, "ELASTICSEARCH_URL": server.url, "SECRETS": str(folder)},
    )


PATHS = (
    "/_security/role/marsad_admin",
    "/_security/role/marsad_read",
    "/_security/role/marsad_write",
    "/_security/user/kibana_system/_password",
    "/_security/user/marsad_write",
    "/_security/user/marsad_admin",
    "/_security/user/marsad_read",
)


def test_roles_come_before_the_accounts_that_have_them(tmp_path: Path) -> None:
    make(tmp_path / "secrets")
    with platform() as server:
        for path in PATHS:
            server.on(path, in_json({}))
        done = accounts(server, tmp_path / "secrets")
        assert done.returncode == 0, done.stderr
        assert [asked.path for asked in server.asked] == list(PATHS)
        password = (tmp_path / "secrets" / "elastic_password").read_text()
        wanted = "Basic " + base64.b64encode(f"elastic:{password}".encode()).decode()
        for asked in server.asked:
            assert asked.headers["Authorization"] == wanted


def test_a_server_that_refuses_ends_it_and_is_quoted(tmp_path: Path) -> None:
    make(tmp_path / "secrets")
    with platform() as server:
        server.on(PATHS[0], in_json({"error": "no such privilege"}, status=400))
        done = accounts(server, tmp_path / "secrets")
    assert done.returncode != 0
    assert "no such privilege" in done.stdout
    assert len(server.asked) == 1


def test_no_password_is_printed(tmp_path: Path) -> None:
    make(tmp_path / "secrets")
    with platform() as server:
        for path in PATHS:
            server.on(path, in_json({}))
        done = accounts(server, tmp_path / "secrets")
    for secret in read(tmp_path / "secrets").values():
        assert secret not in done.stdout + done.stderr


def test_roles_reach_the_indices_of_the_store_alone() -> None:
    prefix = services()["index"]["environment"]["MARSAD_STORE"].rpartition("/")[2]
    for name, role in ROLES.items():
        for one in role["indices"]:
            assert one["names"] == [f"{prefix}-*"]
            given = set(one["privileges"])
            assert not {"all", "delete_index"} & given
            assert "manage" not in given or name == "admin"
        assert not {"all", "manage", "manage_security"} & set(role["cluster"])


def test_who_reads_can_not_write() -> None:
    (indices,) = ROLES["read"]["indices"]
    assert set(indices["privileges"]) == {"read", "view_index_metadata"}
    assert ROLES["read"]["cluster"] == ["monitor"]


@pytest.mark.parametrize("name", ["read", "write", "admin"])
def test_the_rights_are_those_that_the_guide_lists(name: str) -> None:
    guide = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    (row,) = re.findall(rf"^\| \[`role-{name}\.json`\].*$", guide, re.MULTILINE)
    _, _, _, of_indices, of_cluster, _ = row.split("|")
    (indices,) = ROLES[name]["indices"]
    assert set(re.findall(r"`(\w+)`", of_indices)) == set(indices["privileges"])
    assert set(re.findall(r"`(\w+)`", of_cluster)) == set(ROLES[name]["cluster"])
    other = (ROOT / "docs" / "elasticsearch.md").read_text(encoding="utf-8")
    assert "manage_index_templates" not in other, "told in one place"
