"""``marsad delete``: delete posts, or all posts of an author, for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ingest.privacy import Protector, is_pseudonym
from ingest.records import Tombstone
from pipelines.aside import Aside, beside
from pipelines.commands.common import (
    brokers_option,
    chosen_brokers,
    configured,
    count,
    nothing_found,
    open_existing,
    protector,
    say,
    store_option,
)
from pipelines.deadletters import DeadLetters, plain_names
from pipelines.stages import bury, utc_now
from pipelines.stores.base import CollectedTombstone, Store

if TYPE_CHECKING:
    from pipelines.kafka.connection import Brokers


@click.command()
@click.argument("ids", nargs=-1, metavar="ID…")
@store_option
@brokers_option
@click.option(
    "--author",
    "authors",
    multiple=True,
    metavar="NAME",
    help="Delete all posts of an account: its name, or the pseudonym in the data.",
)
@click.option(
    "--platform",
    "platforms",
    multiple=True,
    metavar="NAME",
    help="With --author: where the account is (default: every platform in the store).",
)
def command(
    ids: tuple[str, ...],
    store: str | None,
    brokers: str | None,
    authors: tuple[str, ...],
    platforms: tuple[str, ...],
) -> None:
    """Delete posts for good: a tombstone stays, so that no later import brings them back.

    The text is removed everywhere: tables, full-text index, journal, what is kept aside.
    An id that was never seen gets a tombstone too. Earlier exports are yours to delete.
    With --brokers the texts leave the topics as well, within a day (docs/kafka.md).

    \b
    Examples:
      marsad delete twitter:690000000000000001
      marsad delete --author some_name --platform twitter
      marsad delete --author u_abcdefghijklmnop
    """
    if not ids and not authors:
        raise click.UsageError("name posts by their ids, or an account with --author NAME")
    for post_id in ids:
        if ":" not in post_id:
            raise click.UsageError(
                f"{post_id!r} is no id of a post: they read platform:number, as in `marsad search`"
            )
    where = chosen_brokers(brokers)
    opened = open_existing(store)
    try:
        aside = _kept_aside(opened)
        places = platforms or tuple(opened.status().platforms)
        if authors and not places:
            nothing_found("The store is empty; name the account's --platform.")
        graves = _graves(protector(None), ids, authors, places)
        if where:
            aside += _leave_topics(where, opened, graves)
        # On the topics they are records as others: who reads them into the store counts them.
        deletion = opened.delete(graves, counted=not where)
        aside -= _kept_aside(opened)
        answers = Aside(beside(store or configured().store), configured().dead_days)
        aside += answers.forget({name for grave in graves for name in plain_names(grave)})
    finally:
        opened.close()
    say(
        f"{count(deletion.posts, 'post')} deleted, {count(aside, 'record')} kept aside removed, "
        f"{count(deletion.tombstones, 'tombstone')} written."
    )
    if not deletion.clean:
        say(
            "Another process still reads the old state, or the disk is full: the texts can't be "
            "found any more, and the next command that writes removes their last bytes."
        )


def _leave_topics(where: Brokers, store: Store, graves: list[CollectedTombstone]) -> int:
    """Put deletions on the topics, and erase what they name there and from what is kept aside.

    What of an author is still on its way is refused by the store, as by every one that is filled
    from these topics later, and erased by the worker that brings it. Returns how many records
    kept aside went.
    """
    from pipelines.kafka.connection import explained
    from pipelines.kafka.index import bury, erase, written_by
    from pipelines.kafka.intake import dead_path

    ids = {name for g in graves if g.tombstone.id for name in (g.tombstone.id, *g.aliases)}
    with explained(where):
        producer = where.producer()
        try:
            bury(where, producer, graves)
            erase(where, producer, [*ids, *written_by(store, graves)])
        finally:
            producer.give_up()
    names = {name for grave in graves for name in plain_names(grave)}
    with DeadLetters(dead_path(where), days=configured().dead_days) as letters:
        return letters.forget(names)


def _kept_aside(store: Store) -> int:
    with store.dead_letters() as letters:
        return sum(letters.reasons().values())


def _graves(
    protect: Protector, ids: tuple[str, ...], authors: tuple[str, ...], platforms: tuple[str, ...]
) -> list[CollectedTombstone]:
    now = utc_now()
    named = [
        Tombstone(platform=post_id.partition(":")[0], id=post_id, deleted_at=now) for post_id in ids
    ]
    for author in authors:
        # A pseudonym belongs to one platform already.
        where = platforms[:1] if is_pseudonym(author) else platforms
        named += [Tombstone(platform=platform, author=author, deleted_at=now) for platform in where]
    return [bury(protect, tombstone) for tombstone in named]
