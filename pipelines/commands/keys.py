"""``marsad keys``: the keys that pseudonyms are made with."""

import click

from ingest.errors import KeyringError
from ingest.privacy.keyring import Keyring
from pipelines.commands._shared.output import nothing_found, notify, tell


@click.group()
def command() -> None:
    """List, rotate or destroy the keys that pseudonyms are made with.

    The keys are in MARSAD_KEYS, else in your configuration folder: never beside the data.
    """


@command.command("list")
def list_keys() -> None:
    """List the keys, newest first; the newest makes new pseudonyms. Secrets are not shown."""
    keyring = Keyring()
    keys = keyring.all()
    if not keys:
        nothing_found(f"No key in {keyring.path} yet; the first `marsad ingest` makes one.")
    for number, key in enumerate(keys):
        state = "in use" if number == 0 else "kept for recognition"
        tell(f"{key.id}  {key.created:%Y-%m-%d %H:%M} UTC  {state}")


@command.command()
def rotate() -> None:
    """Make a new key for all new pseudonyms.

    Older keys stay, so that posts and authors seen before are still recognised (and deletions
    of theirs still found), until you destroy them.
    """
    keyring = Keyring()
    key = keyring.rotate()
    notify(f"{key.id} is in use now; {len(keyring.all()) - 1} older kept in {keyring.path}.")


@command.command()
@click.argument("key_ids", nargs=-1, metavar="KEY…")
@click.option("--all", "everything", is_flag=True, help="Destroy every key.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def destroy(key_ids: tuple[str, ...], everything: bool, yes: bool) -> None:
    """Destroy keys for good: nobody can link their pseudonyms to names again.

    A post whose id carries its account, read once more, is then a new post to Marsad, and a
    deletion of it, or of its author, does not find what was stored under the destroyed key:
    delete first. Copies of the keyring in your backups are yours to destroy.

    \b
    Examples:
      marsad keys destroy k1a2b3c4d
      marsad keys destroy --all
    """
    keyring = Keyring()
    ids = [key.id for key in keyring.all()] if everything else list(key_ids)
    if not ids:
        if everything:
            raise KeyringError(f"no key in {keyring.path}")
        raise click.UsageError("name the keys to destroy (see `marsad keys list`), or --all")
    keyring.check(ids)
    if not yes and not _confirmed(f"Destroy {', '.join(ids)} in {keyring.path} for good?"):
        notify("Nothing was destroyed.")
        raise click.exceptions.Exit(1)
    destroyed = keyring.destroy(ids)
    notify(f"Destroyed {', '.join(key.id for key in destroyed)}.")


def _confirmed(question: str) -> bool:
    try:
        return click.confirm(question, err=True)
    except click.Abort as nobody:  # is there to answer
        raise click.UsageError(
            "not confirmed, nothing was destroyed; --yes does not ask"
        ) from nobody
