"""``marsad backup``: a copy of a store in one file."""

from __future__ import annotations

from pathlib import Path

import click

from ingest.privacy.keyring import Keyring
from pipelines.commands._shared.context import configured, on_server
from pipelines.commands._shared.options import store_option
from pipelines.commands._shared.output import count, notify
from pipelines.errors import StoreError


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@store_option
def command(file: Path, store: str | None) -> None:
    """Copy the store to FILE: one state of it, while others read and write.

    The copy holds posts, labels, the ledger, positions and tombstones. It does not hold the keys
    of pseudonyms, which belong elsewhere (marsad keys list), nor dead letters, which are raw.

    \b
    Examples:
      marsad backup study-2016-03-01.backup
      marsad backup /media/key/study.backup --store study.db
    """
    place = file_of(store, "its snapshots are the server's: docs/operations.md says how")
    from pipelines.stores.sqlite.backup import back_up

    if place.exists():
        notify(f"Copying {place} ({place.stat().st_size / 1e6:,.0f} MB).")
    found = back_up(place, file)
    notify(
        f"{file}: {count(found.posts, 'post')}, {count(found.tombstones, 'tombstone')}. The keys "
        f"of its pseudonyms are not in it: keep a copy of {Keyring().path} in another safe place, "
        "or no name can be found or deleted in it again."
    )


def file_of(store: str | None, instead: str) -> Path:
    """Return the file of a store. Raises ``StoreError`` for one on a server."""
    if on_server(store):
        raise StoreError(f"{store or configured().store} is a store on a server: {instead}.")
    return Path(store or configured().store)
