"""Progress of long work, on standard error: a bar for people, a line now and then for logs."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator

from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from pipelines.console import console
from pipelines.terminal import printable

#: ``report(done, total, posts)``: work done of all work in any unit (total 0: not known).
Report = Callable[[float, float, int], None]

_LOG_SECONDS = 10.0
#: Environment variable by which a program that runs a command asks for progress as JSON lines.
JSON_PROGRESS = "MARSAD_JSON_PROGRESS"
_JSON_SECONDS = 0.2


@contextlib.contextmanager
def progress(title: str, *, shown: bool = True) -> Iterator[Report]:
    """Show how a piece of work goes on; nothing at all with ``shown=False``."""
    if not shown:
        yield lambda done, total, posts: None
    elif os.environ.get(JSON_PROGRESS):
        yield _json(title)
    elif sys.stderr.isatty():
        with _bar(title) as report:
            yield report
    else:
        yield _log(title)


@contextlib.contextmanager
def _bar(title: str) -> Iterator[Report]:
    columns: tuple[ProgressColumn, ...] = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[posts]:,} posts"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console(stderr=True)) as bar:
        task = bar.add_task(title, total=None, posts=0)

        def report(done: float, total: float, posts: int) -> None:
            bar.update(task, completed=done, total=total or None, posts=posts)

        yield report


def _json(title: str) -> Report:
    last = 0.0

    def report(done: float, total: float, posts: int) -> None:
        nonlocal last
        if time.monotonic() - last < _JSON_SECONDS and done < total:
            return
        last = time.monotonic()
        line = {"title": title, "done": done, "total": total, "posts": posts}
        print(json.dumps({"progress": line}), file=sys.stderr, flush=True)

    return report


def _log(title: str) -> Report:
    last = time.monotonic()

    def report(done: float, total: float, posts: int) -> None:
        nonlocal last
        if time.monotonic() - last < _LOG_SECONDS:
            return
        last = time.monotonic()
        share = f"{done / total:4.0%}, " if total else ""
        print(printable(f"{title}: {share}{posts:,} posts"), file=sys.stderr, flush=True)

    return report
