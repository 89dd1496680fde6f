"""The command ``marsad``. Each subcommand is one module of :mod:`pipelines.commands`."""

from __future__ import annotations

import difflib
import importlib
import io
import logging
import os
import sys
from collections.abc import Sequence
from typing import TextIO

import click

from nlp.errors import MarsadError
from pipelines.errors import QueryError
from pipelines.terminal import LogFormatter, printable

#: Subcommands in the order of the help, with their one line. They are imported when asked for,
#: so that `marsad search` does not wait for what only `marsad score` needs.
COMMANDS = {
    "ingest": "Read posts from a source into the store.",
    "score": "Score NDJSON from standard input: language, sentiment, entities, targets.",
    "search": "Find posts.",
    "top": "Count hashtags, links, authors, entities.",
    "trends": "Show sentiment over time.",
    "export": "Write a study subset to a folder.",
    "label": "Label posts by hand: sample, import, report.",
    "delete": "Delete posts, or all posts of an author, for good.",
    "backup": "Copy the store to one file.",
    "restore": "Put a backup in the place of a store.",
    "evaluate": "Measure the model on labelled posts.",
    "rescore": "Match and score stored posts again.",
    "reindex": "Index stored posts again, as this version does.",
    "sources": "List the platforms that can be read, and check what works now.",
    "pages": "Follow the likes of pages, and report how many they lost.",
    "serve": "Show the store in a browser.",
    "users": "Manage the accounts of the web page.",
    "status": "Show the ledger, the inputs and the gaps of a store.",
    "dead": "List, show or retry dead letters: records that could not be used.",
    "topics": "Create or check the Kafka topics between the stages.",
    "worker": "Run one stage of many machines: collect, score or index.",
    "keys": "List, rotate or destroy the keys of pseudonyms.",
    "watchlist": "List, show or check watchlists.",
}


#: What other programs call a thing, and how it is asked for here.
OTHERWISE = {
    "chart": "trends --chart FILE",
    "compare": "trends QUERY --compare QUERY",
    "count": "trends, or top",
    "download": "export --to DIR",
    "facets": "search --facets --json",
    "find": "search",
    "import": "ingest archive FILE",
    "load": "ingest archive FILE",
    "plot": "trends --chart FILE",
    "remove": "delete",
    "report": "label report, or pages report",
    "save": "export --to DIR",
    "verify": "export verify DIR",
    "web": "serve",
}


class Failed(click.ClickException):
    """A failure that was explained: shown without a traceback, exit code 1."""


class WrongQuery(Failed):
    """A query that can't be read is wrong usage, like a wrong option."""

    exit_code = 2


class LazyGroup(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all subcommands."""
        return list(COMMANDS)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the subcommand; suggest one where the name is not known."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], COMMANDS, 1, 0.7)
            known = OTHERWISE.get(args[0], near[0] if near else "")
            meant = f" Did you mean {known}?" if known else ""
            ctx.fail(f"There is no command {args[0]!r}.{meant} See marsad --help.")
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a subcommand."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"pipelines.commands.{cmd_name}")
        command = module.command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the subcommands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> object:
        """Run the subcommand; turn explained errors into a message and an exit code."""
        from pipelines import secret_files

        try:
            secret_files.read()
            return super().invoke(ctx)
        except QueryError as error:
            raise WrongQuery(str(error)) from error
        except MarsadError as error:
            raise Failed(str(error)) from error
        except BrokenPipeError:
            # The reader of our output left (`| head`): not our failure, and nothing more to say.
            # Caught here, since click would make it exit code 1.
            _discard(sys.stdout, sys.stderr)
            raise click.exceptions.Exit(0) from None


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 failed, 2 wrong usage, 3 nothing found. "
    "Settings: marsad.toml or MARSAD_STORE, MARSAD_WATCHLIST, … (see docs/settings.md).",
)
@click.version_option(package_name="marsad", prog_name="marsad")
def group() -> None:
    """Follow a protest on social media: collect posts, score, search, chart, export."""


def _tell_program(error: click.ClickException) -> None:
    """Tell a program that runs the command why it failed."""
    from pipelines.results import Failure, report

    cause = error.__cause__ or error
    report(Failure(error=type(cause).__name__, message=error.format_message()))


def _discard(*streams: TextIO) -> None:
    """Send what is still buffered, and what comes, nowhere, where nobody reads it any more."""
    for stream in streams:
        try:
            stream.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and leave with its exit code."""
    os.umask(0o077)  # whatever is written holds what people wrote: it is for its owner alone
    # Output may hold any text, whatever the terminal's locale says.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    if logging.lastResort is not None:  # what is logged where nobody set anything up
        logging.lastResort.setFormatter(LogFormatter())
    try:
        code = group.main(arguments, prog_name="marsad", standalone_mode=False)
    except click.exceptions.Exit as stop:
        code = stop.exit_code
    except click.Abort:
        click.echo("Stopped. The same command goes on where it was.", err=True)
        code = 130
    except click.ClickException as error:
        _tell_program(error)
        words = io.StringIO()
        error.show(words)
        click.echo(printable(words.getvalue()), err=True, nl=False)  # it may quote a post
        code = error.exit_code
    sys.exit(code if isinstance(code, int) else 0)
