"""``marsad restore``: put a backup in the place of a store."""

from __future__ import annotations

from pathlib import Path

import click

from ingest.privacy.keyring import Keyring
from pipelines.commands._shared.context import protector, require_own_keys
from pipelines.commands._shared.options import store_option
from pipelines.commands._shared.output import count, notify
from pipelines.commands.backup import file_of
from pipelines.errors import StoreVersion


@click.command()
@click.argument("backup", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@store_option
@click.option("--replace", is_flag=True, help="Replace a store that is there.")
@click.option(
    "--deleted-in",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="STORE",
    help="Another store, or a later backup, whose deletions hold too.",
)
def command(backup: Path, store: str | None, replace: bool, deleted_in: tuple[Path, ...]) -> None:
    """Put BACKUP in the place of the store, without what was deleted since.

    The tombstones of the store that is replaced are merged into the copy, and what they name is
    removed from it. Where no store is replaced, nobody knows of later deletions: name what does
    with --deleted-in, or repeat them with marsad delete --from.

    \b
    Examples:
      marsad restore study-2016-03-01.backup
      marsad restore study-2016-03-01.backup --store study.db --replace
    """
    place = file_of(store, "restore it from a snapshot of the server (docs/operations.md)")
    from pipelines.stores.sqlite import SqliteStore
    from pipelines.stores.sqlite.backup import look, put_back

    there = place.exists()
    if there and not replace:
        raise click.UsageError(
            f"{place} is there already: --replace puts the backup in its place, with its deletions"
        )
    before = look(backup)
    foreign = before.keys and before.keys.isdisjoint(Keyring().check_values())
    found, removed = put_back(
        backup, place, deleted_in=deleted_in, protector=None if foreign else protector(None)
    )
    notify(
        f"{place}: {count(found.posts, 'post')}, {count(found.tombstones, 'tombstone')}; "
        f"deleted since and left out: {count(removed, 'post')} of the backup."
    )
    if not (there or deleted_in):
        made = before.made or "at an unknown time"
        notify(
            f"What was deleted after the backup was made ({made}) is in it again: no store was "
            "replaced whose deletions could be merged. Delete it once more (marsad delete --from "
            "LIST), or restore with --deleted-in."
        )
    with SqliteStore(place, reindexing=True) as opened:
        require_own_keys(opened)
    try:
        SqliteStore(place, readonly=True).close()
    except StoreVersion as error:  # a backup of an older Marsad
        notify(str(error))
