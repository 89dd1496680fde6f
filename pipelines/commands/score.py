"""``marsad score``: score NDJSON from standard input."""

import json
import os
import sys
from pathlib import Path
from typing import IO

import click

from pipelines.commands._shared.context import chosen_watchlist, open_existing
from pipelines.commands._shared.options import store_option, watchlist_option
from pipelines.commands._shared.output import count, notify
from pipelines.progress import progress
from pipelines.query import parse
from pipelines.scoring import BadLine, read_lines, score_lines
from pipelines.stages import Finder


@click.command()
@watchlist_option
@click.option(
    "--batch-size",
    type=click.IntRange(1, 65536),
    default=512,
    show_default=True,
    help="Posts scored at once; results do not depend on it.",
)
@click.option(
    "--dead",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    metavar="FILE",
    help="Add lines that can't be scored there, as NDJSON with "
    "`line`, `reason`, `raw`, instead of telling them on standard error.",
)
@click.option("--progress", "shown", is_flag=True, help="Show progress on standard error.")
@click.option(
    "--pending", is_flag=True, help="Score stored posts that wait, instead of standard input."
)
@click.option("--query", metavar="QUERY", help="With --pending: those that match alone.")
@click.option(
    "--limit", type=click.IntRange(1), metavar="N", help="With --pending: N posts at most."
)
@store_option
def command(
    watchlist: str | None,
    batch_size: int,
    dead: Path | None,
    shown: bool,
    pending: bool,
    query: str | None,
    limit: int | None,
    store: str | None,
) -> None:
    """Read NDJSON with `id` and `text` from standard input, write the same objects to standard
    output, in order, with `language`, `language_confidence`, `sentiment`, `entities`, `targets`
    and `model`. Every other field passes through as it came; nothing is filtered.

    A line that is no such object, or longer than 10 MB, is told on standard error and left out;
    the exit code is then 1.

    With --pending, posts of a store that wait are scored, the newest first: those that an import
    left with provisional scores. Interrupted, the same command goes on.

    \b
    Examples:
      marsad score --pending --query 'whatsapp since:2016-02-01'
      marsad score < posts.ndjson > scored.ndjson
      zstdcat posts.ndjson.zst | marsad score --watchlist morocco-2016 --progress | zstd > out.zst
    """
    from pipelines.commands._shared.scoring import make_scorer

    if pending:
        _score_pending(store, query, limit)
        return
    for name, given in (("--query", query), ("--limit", limit), ("--store", store)):
        if given is not None:
            raise click.UsageError(f"{name} goes with --pending")
    finder = Finder(chosen_watchlist(watchlist))
    scorer = make_scorer()
    bad = good = 0
    output = sys.stdout.buffer
    with progress("Scoring", shown=shown) as report, _open(dead) as deletions:
        for result in score_lines(read_lines(sys.stdin.buffer), scorer, finder, batch_size):
            if isinstance(result, BadLine):
                bad += 1
                _keep(result, deletions)
            else:
                good += 1
                output.write(result + b"\n")
            if (good + bad) % batch_size == 0:
                # What is done is out: a reader at the other end of a pipe does not wait.
                output.flush()
                report(0, 0, good + bad)
    output.flush()
    if bad:
        where = f"; they are in {dead}" if dead else ""
        notify(f"{good:,} of {good + bad:,} lines scored, {bad:,} could not be{where}.")
        raise click.exceptions.Exit(1)


def _score_pending(store: str | None, query: str | None, limit: int | None) -> None:
    """Score what waits in a store."""
    from pipelines.commands._shared.authors import known_authors
    from pipelines.commands._shared.scoring import finish_pending

    opened = open_existing(store)
    try:
        node = known_authors(parse(query), opened) if query else None
        with opened.writer("score --pending"):
            done = finish_pending(opened, query=node, most=limit)
        left = opened.ledger().pending
    finally:
        opened.close()
    notify(f"{count(done, 'post')} scored; {count(left, 'record')} still waiting.")


def _open(path: Path | None) -> IO[bytes]:
    if path is None:
        return Path("/dev/null").open("wb")
    # What could not be read may name people: the owner's alone, like all dead letters.
    path.touch(mode=0o600)
    path.chmod(0o600)
    if os.path.sameopenfile(sys.stdin.fileno(), os.open(path, os.O_RDONLY)):
        raise click.UsageError(f"--dead {path} is the file that is being read; name another")
    return path.open("ab")


def _keep(result: BadLine, deletions: IO[bytes]) -> None:
    if deletions.name == "/dev/null":
        notify(f"line {result.line}: {result.reason}")
        return
    raw = result.raw.decode("utf-8", "surrogateescape")
    row = {"line": result.line, "reason": result.reason, "raw": raw}
    deletions.write(json.dumps(row).encode() + b"\n")
