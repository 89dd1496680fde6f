"""What commands load when they start: each package costs its time at every call."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.cli import COMMANDS
from pipelines.stores.sqlite import SqliteStore
from tests.conformance.corpus import fill
from tests.conftest import COMMAND

ROOT = Path(__file__).parents[2]
SCRIPT = """
import sys
from pipelines.cli import main
try:
    main(sys.argv[1:])
except SystemExit as stop:
    assert not stop.code, stop.code
packages = {name.partition(".")[0] for name in sys.modules} - set(sys.stdlib_module_names)
print(*sorted(name for name in packages if not name.startswith("_")), file=sys.stderr)
"""
#: Our own rooms, the command line, records, the store's engine, its compression, time zones,
#: the places of settings, settings themselves (pydantic), and tables for the terminal.
LOADED = {
    "annotated_types", "apsw", "click", "ingest", "msgspec", "nlp", "pipelines", "platformdirs",
    "pydantic", "pydantic_core", "rich", "typing_inspection",
    "typing_extensions", "tzdata", "zstandard",
}  # fmt: skip


@pytest.mark.parametrize(
    "command", [["search", "honte", "--json"], ["status", "--json"], ["trends", "--json"]]
)
def test_start__loads_only_the_packages_that_a_question_needs(
    tmp_path: Path, command: list[str]
) -> None:
    path = tmp_path / "a.db"
    with SqliteStore(path, timezone="UTC") as store:
        fill(store)
    process = subprocess.run(
        [sys.executable, "-c", SCRIPT, *command, "--store", str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr
    loaded = set(process.stderr.splitlines()[-1].split())
    assert "pipelines" in loaded
    assert loaded <= LOADED, loaded - LOADED


@pytest.mark.parametrize("command", COMMANDS)
def test_start__of_a_command_needs_no_import_of_another(tmp_path: Path, command: str) -> None:
    done = subprocess.run(
        [str(COMMAND), command, "--help"], cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Usage: marsad {command} ")
