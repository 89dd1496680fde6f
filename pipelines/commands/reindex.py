"""``marsad reindex``: make stored posts searchable anew, without scoring them."""

import click

from pipelines.commands._shared.context import open_existing
from pipelines.commands._shared.options import store_option
from pipelines.commands._shared.output import count, notify
from pipelines.progress import progress
from pipelines.settings import zone


@click.command()
@store_option
def command(store: str | None) -> None:
    """Analyse and index all stored posts anew, as this version of Marsad does.

    Needed when Marsad says so: after an upgrade that changed how words are analysed or how the
    index is built, and where newer time zone data count days otherwise. Scores, entities and the
    ledger stay as they are. Others search, and workers go on, meanwhile. Stopped half-way, the
    same command goes on.

    \b
    Examples:
      marsad reindex
      marsad reindex --store https://search.example.org:9200/study
    """
    opened = open_existing(store, reindexing=True)
    try:
        status = opened.status()
        with progress("Indexing") as report:
            done = 0

            def after_batch(posts: int) -> None:
                nonlocal done
                done += posts
                report(done, max(status.posts, done), done)

            days = zone(opened.timezone())
            number = opened.reindex(days, after_batch)
    finally:
        opened.close()
    notify(f"{count(number, 'post')} indexed again.")
