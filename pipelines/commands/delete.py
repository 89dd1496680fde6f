"""``marsad delete``: delete posts, or all posts of an author, for good."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from ingest.mapping.ids import platform_name
from ingest.privacy.protector import Protector, is_pseudonym
from ingest.records import Post
from pipelines import results
from pipelines.commands._shared.context import (
    chosen_brokers,
    configured,
    on_server,
    open_existing,
    protector,
    require_own_keys,
)
from pipelines.commands._shared.deletions import check, check_platforms, ids_listed, whereabouts
from pipelines.commands._shared.deletions import deletions as made_graves
from pipelines.commands._shared.options import brokers_option, store_option
from pipelines.commands._shared.output import count, nothing_found, notify
from pipelines.dead_letters.queue import DeadLetters
from pipelines.dead_letters.search import searched_names
from pipelines.progress import progress
from pipelines.records import Collected, CollectedTombstone, Deletion
from pipelines.stores.protocols import Store

if TYPE_CHECKING:
    from pipelines.kafka.connection import Brokers

#: Posts of a list that are deleted in one step.
_LISTED = 1_000
#: Why the last bytes of a text are still on the disk: of a server, and of a file.
_LEFT_ON_SERVER = (
    "The texts can't be found any more. Elasticsearch keeps the bytes of deleted documents for "
    "half a minute or more: an index worker removes the last of them, or the next command that "
    "writes after that time."
)
_LEFT_IN_FILE = (
    "The texts can't be found any more, but another process still reads the old state of the file, "
    "or the disk is full: the next command that writes removes their last bytes."
)


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
    help="With --author: where the account is (default: every platform there is anything of).",
)
@click.option(
    "--from",
    "many",
    type=click.File("r", encoding="utf-8"),
    callback=lambda _context, _option, file: ids_listed(file) if file else (),
    metavar="FILE",
    help="Delete the posts whose ids stand in a file, one a line (`-`: standard input).",
)
@click.option("--dry-run", is_flag=True, help="Show what would be deleted, and delete nothing.")
@click.option("--yes", is_flag=True, help="Delete an account's posts without asking.")
def command(
    ids: tuple[str, ...],
    store: str | None,
    brokers: str | None,
    authors: tuple[str, ...],
    platforms: tuple[str, ...],
    many: tuple[str, ...],
    yes: bool,
    dry_run: bool,
) -> None:
    """Delete posts for good: a tombstone stays, so that no later import brings them back.

    Deleting an account shows how many posts it has, and asks.
    The text is removed everywhere: tables, full-text index, write-ahead log, dead letters.
    An id that was never seen gets a tombstone too. Earlier exports are yours to delete.
    With --brokers the texts leave the topics as well, within a day (docs/kafka.md).
    Stopped within a long list, the same command goes on.

    \b
    Examples:
      marsad delete twitter:690000000000000001
      marsad delete --author some_name --platform twitter
      marsad delete --author u_abcdefghijklmnop
      marsad delete --from deleted-ids.txt
    """
    check((*ids, *many), authors, platforms)
    where = chosen_brokers(brokers)
    opened = open_existing(store)
    try:
        if not all(map(is_pseudonym, authors)):  # without the keys a name would find nobody
            require_own_keys(opened)
        removed = _count_dead_letters(opened)
        places = tuple(dict.fromkeys(map(platform_name, platforms)))
        if where is None:  # what stands on topics can't be asked for
            named = {name.partition(":")[0] for name in (*ids, *many)}
            check_platforms(opened, {*places, *named})
        if authors and not places:
            places = whereabouts(opened, configured(), topics=where is not None)
            if not places:
                nothing_found("The store is empty; name the account's --platform.")
        protect = protector(None)
        deletions = made_graves(protect, ids, authors, places)
        if authors or dry_run:
            _show(opened, [*deletions, *made_graves(protect, many, (), ())])
        if dry_run:
            return
        if authors and not yes:
            _ask()
        if many:
            clean = _delete_listed(opened, protect, many, where)
            if not deletions:
                _tell_left(store, clean=clean)
                return
        names = {name for deletion in deletions for name in searched_names(deletion)}
        # Looked at first: an index worker that is quicker carries it out as well as we do.
        due = _due(opened, deletions) if where else Deletion(0, 0)
        if where:
            removed += _leave_topics(where, opened, deletions, names)
        # On the topics they are records as others: who reads them into the store counts them.
        deletion = opened.delete(deletions, counted=not where)
        removed -= _count_dead_letters(opened)
    finally:
        opened.close()
    _tell_deleted(
        results.Deleted(
            posts=max(deletion.posts, due.posts),
            dead_letters=removed,
            tombstones=max(deletion.tombstones, due.tombstones),
            clean=deletion.clean,
        )
    )
    found = max(deletion.posts, due.posts)
    _explain(deletions, by_author=bool(authors and not ids and not found))
    _tell_left(store, clean=deletion.clean)


def _tell_deleted(done: results.Deleted) -> None:
    """Tell people, and the program that runs this command, what was deleted."""
    results.report(done)
    notify(
        f"{count(done.posts, 'post')} deleted, "
        f"{count(done.dead_letters, 'dead letter')} removed, "
        f"{count(done.tombstones, 'tombstone')} written."
    )


def _tell_left(store: str | None, *, clean: bool) -> None:
    """Tell why bytes of deleted texts are left, if any are."""
    if not clean:
        notify(_LEFT_ON_SERVER if on_server(store) else _LEFT_IN_FILE)


def _explain(deletions: Sequence[CollectedTombstone], *, by_author: bool) -> None:
    """Tell what a deletion by an account's name reached, and what it did not find."""
    if by_author:
        notify(
            "No post of this account was found: see how the data write the name, or delete by the "
            "author's pseudonym. What comes of it later is refused."
        )
    if there := sorted({g.tombstone.platform for g in deletions if _by_name(g)}):
        # On another of them the name may be a stranger's.
        notify(f"Accounts of that name were deleted on {', '.join(there)}.")


def _delete_listed(
    store: Store,
    protect: Protector,
    ids: Sequence[str],
    where: Brokers | None,
) -> bool:
    """Delete the posts of a list, batch by batch; say whether no byte of their texts is left.

    What was done before an interruption is not done twice, but for topics, which can't be asked.
    """
    tombstones = posts = 0
    clean = True
    with progress("Deleting") as report:
        for start in range(0, len(ids), _LISTED):
            deletions = made_graves(protect, ids[start : start + _LISTED], (), ())
            names = {name for one in deletions for name in searched_names(one)}
            if where:
                due = _due(store, deletions)
                _leave_topics(where, store, deletions, names)
                found = store.delete(deletions, counted=False)
                posts += max(found.posts, due.posts)
                tombstones += max(found.tombstones, due.tombstones)
                clean = found.clean  # of all that was removed so far
            elif deletions := _left(store, deletions):
                found = store.delete(deletions)
                posts, tombstones = posts + found.posts, tombstones + found.tombstones
                clean = found.clean
            report(min(start + _LISTED, len(ids)), len(ids), posts)
    notify(
        f"The list: {count(len(ids), 'id')}, {count(tombstones, 'tombstone')} written, "
        f"{count(posts, 'post')} deleted."
    )
    return clean


def _left(store: Store, deletions: Sequence[CollectedTombstone]) -> list[CollectedTombstone]:
    """Return the deletions of posts that no tombstone names yet.

    All of them where something is left that those with a tombstone remove: on a server the
    command may have been killed between the tombstones and the posts.
    """
    posts = [Collected(Post(id=one.tombstone.id, platform="", text="")) for one in deletions]
    known = set(store.deleted_ids(posts))
    there = [one for one in deletions if one.tombstone.id in known]
    if there and store.reached(there):
        return list(deletions)
    return [one for one in deletions if one.tombstone.id not in known]


def _show(store: Store, deletions: Sequence[CollectedTombstone]) -> None:
    """Tell how many stored posts a deletion names, and where."""
    posts = store.reached(deletions)
    by_platform = Counter(name.partition(":")[0] for name in posts)
    places = ", ".join(f"{n:,} of {name}" for name, n in sorted(by_platform.items()))
    notify(f"This deletes {count(len(posts), 'post')} for good{f' ({places})' if places else ''}.")


def _ask() -> None:
    """Ask whether to go on. Raises :class:`click.UsageError` where nobody can answer."""
    if not sys.stdin.isatty():
        raise click.UsageError(
            "deleting an account's posts asks first: say --yes, or --dry-run to see what it hits"
        )
    click.confirm("Delete them, and refuse what comes of this account later?", abort=True, err=True)


def _by_name(deletion: CollectedTombstone) -> bool:
    return bool(deletion.tombstone.author) and not is_pseudonym(deletion.raw_name)


def _due(store: Store, deletions: Sequence[CollectedTombstone]) -> Deletion:
    """Return what a deletion has to do in a store: posts to remove, tombstones to write."""
    posts = store.reached(deletions)
    named = [
        Collected(Post(id=g.tombstone.id, platform="", text="", author=g.tombstone.author))
        for g in deletions
    ]
    return Deletion(len(posts), len(deletions) - len(store.deleted_ids(named)))


def _ids(deletions: Sequence[CollectedTombstone]) -> list[str]:
    return [name for g in deletions if g.tombstone.id for name in (g.tombstone.id, *g.aliases)]


def _leave_topics(
    where: Brokers, store: Store, deletions: list[CollectedTombstone], names: set[str]
) -> int:
    """Put deletions on the topics, and erase what they name there and from dead letters.

    ``names`` are those by which dead letters may know them.
    What of an author is still on its way is refused by the store, as by every one that is filled
    from these topics later, and erased by the worker that brings it. Returns how many records
    kept as a dead letter went.
    """
    from pipelines.kafka.connection import explained
    from pipelines.kafka.index import collected_tombstone, erase
    from pipelines.kafka.sink import dead_path

    with explained(where):
        producer = where.producer()
        try:
            collected_tombstone(where, producer, deletions)
            erase(where, producer, [*_ids(deletions), *store.write_tombstones(deletions)])
        finally:
            producer.give_up()
    with DeadLetters(dead_path(where), days=configured().dead_days) as dead_letters:
        return dead_letters.forget(names)


def _count_dead_letters(store: Store) -> int:
    with store.dead_letters() as dead_letters:
        return sum(dead_letters.reasons(kind=None).values())
