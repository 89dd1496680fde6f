"""``marsad users``: the accounts of the web page."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import click

from pipelines.commands._shared.context import configured
from pipelines.commands._shared.output import nothing_found, notify, tell
from pipelines.web.security.accounts import SHORTEST, Accounts, accounts_path
from pipelines.web.security.roles import ROLES, Role

_ROLE = click.Choice(ROLES)


@click.group()
def command() -> None:
    """Manage the accounts of the web page (`marsad serve`).

    A reader searches and reads; a coder labels posts too; an exporter also takes posts away; an
    administrator also uploads, deletes and retries. Once there is an account, the page asks for a
    login, on this machine too.

    \b
    Examples:
      marsad users add sara --role administrator
      marsad users list
      marsad users token sara notebook
      marsad users audit
    """


@command.command()
@click.argument("name")
@click.option("--role", type=_ROLE, default="reader", show_default=True)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def add(name: str, role: Role, password_stdin: bool) -> None:
    """Add an account; asks for its password."""
    with _accounts() as accounts:
        accounts.add(name, role, _password(password_stdin))
    notify(f"Added: {name}, {role}. A running page that had no accounts must be started again.")


@command.command("list")
def list_users() -> None:
    """List accounts with their roles and the names of their API tokens."""
    with _accounts() as accounts:
        found = [(user, accounts.tokens(user.name)) for user in accounts.users()]
    if not found:
        nothing_found("There are no accounts: the page answers this machine alone.")
    for user, tokens in found:
        tell(f"{user.name}\t{user.role}\t{', '.join(tokens)}".rstrip())


@command.command()
@click.argument("name")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def password(name: str, password_stdin: bool) -> None:
    """Change a password; ends the sessions of the account."""
    with _accounts() as accounts:
        accounts.change_password(name, _password(password_stdin))
    notify(f"Changed: the password of {name}.")


@command.command("role")
@click.argument("name")
@click.argument("new_role", type=_ROLE, metavar="ROLE")
def change_role(name: str, new_role: Role) -> None:
    """Give an account another role, at once."""
    with _accounts() as accounts:
        accounts.change_role(name, new_role)
    notify(f"Changed: {name} is {new_role} now.")


@command.command()
@click.argument("name")
def remove(name: str) -> None:
    """Remove an account with its sessions and tokens, at once."""
    with _accounts() as accounts:
        accounts.remove(name)
    notify(f"Removed: {name}.")


@command.command()
@click.argument("name")
@click.argument("token")
@click.option("--revoke", is_flag=True, help="Make the token useless instead.")
def token(name: str, token: str, revoke: bool) -> None:
    """Make an API token called TOKEN for an account, and show it this once."""
    with _accounts() as accounts:
        if revoke:
            accounts.revoke(name, token)
            notify(f"Revoked: the token {token} of {name}.")
            return
        secret = accounts.new_token(name, token)
    click.echo(secret)
    notify("Keep it: it is not shown again. Send it as `Authorization: Bearer …`.")


@command.command()
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True)
def audit(limit: int) -> None:
    """Show the newest lines of the audit log: exports, deletions, author look-ups, logins."""
    with _accounts() as accounts:
        entries = accounts.audit(limit)
    if not entries:
        nothing_found("The audit log is empty.")
    for entry in entries:
        at = datetime.fromtimestamp(entry.at, UTC)
        tell(f"{at:%Y-%m-%d %H:%M:%S} UTC\t{entry.who}\t{entry.action}\t{entry.detail}")


@contextmanager
def _accounts() -> Iterator[Accounts]:
    accounts = Accounts(accounts_path(configured().web_accounts))
    try:
        yield accounts
    finally:
        accounts.close()


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise click.UsageError("no terminal to ask for the password on: use --password-stdin")
    first = getpass.getpass(f"Password ({SHORTEST} characters or more): ")
    if getpass.getpass("Once more: ") != first:
        raise click.UsageError("the two passwords differ: nothing was changed")
    return first
