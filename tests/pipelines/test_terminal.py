"""No text from outside steers the terminal it is printed to, whoever prints it."""

from __future__ import annotations

import ast
import io
import logging
import sys
from pathlib import Path

import pytest

from pipelines.console import console
from pipelines.kafka import log
from pipelines.progress import progress
from pipelines.terminal import LogFormatter, printable

ROOT = Path(__file__).parents[2]
ODD = "a\x1b]0;title[red]b\x9b5m"
#: What prints by itself, and what that is.
PRINTERS = {
    "pipelines/cli.py": "errors, with controls as signs",
    "pipelines/commands/_shared/output.py": "the functions that all others call",
    "pipelines/commands/pages.py": "CSV",
    "pipelines/commands/search.py": "data in lines whose controls are signs",
    "pipelines/commands/trends.py": "CSV",
    "pipelines/commands/users.py": "a token that was just made",
    "pipelines/metrics/probe.py": "what a worker says of itself",
    "pipelines/progress.py": "lines with controls as signs, and JSON",
    "pipelines/results.py": "JSON",
    "pipelines/train_targets.py": "JSON",
}


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("screen", [Screen(), io.StringIO()], ids=["terminal", "log"])
def test_progress__shows_the_name_of_a_file_with_controls_as_signs(
    monkeypatch: pytest.MonkeyPatch, screen: io.StringIO
) -> None:
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr("pipelines.progress._LOG_SECONDS", 0.0)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")
    with progress(ODD) as report:
        report(1, 2, 1)
    shown = screen.getvalue()
    assert "\x1b]0" not in shown
    assert "\x9b" not in shown
    assert "a␛]0;title[red]b" in shown


def test_a_console__shows_controls_as_signs(capsys: pytest.CaptureFixture[str]) -> None:
    console(soft_wrap=True).print(ODD)
    assert capsys.readouterr().out == printable(ODD) + "\n"


def test_a_log_line__shows_controls_as_signs() -> None:
    root = logging.getLogger()
    before = root.handlers[:]
    root.handlers.clear()
    try:
        log.quiet()
        (handler,) = root.handlers
        assert isinstance(handler.formatter, LogFormatter)
        record = logging.LogRecord("m", logging.WARNING, "", 0, "server says %s", (ODD,), None)
        assert handler.format(record).endswith(f"server says {printable(ODD)}")
    finally:
        root.handlers[:] = before


def test_printing__goes_by_functions_that_show_controls_as_signs() -> None:
    printing, consoles = set(), set()
    for path in sorted((ROOT / "pipelines").rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {"print", "click.echo"}:
                printing.add(name)
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Console":
                consoles.add(name)
    assert consoles == set()
    assert printing == PRINTERS.keys()
