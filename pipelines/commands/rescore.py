"""``marsad rescore``: match and score stored posts again."""

import click

from pipelines.commands._shared.authors import known_authors
from pipelines.commands._shared.context import chosen_watchlist, configured, open_existing
from pipelines.commands._shared.options import (
    QUERY_SETTINGS,
    QueryCommand,
    query_node,
    store_option,
    watchlist_option,
)
from pipelines.commands._shared.output import count, nothing_found, notify
from pipelines.commands._shared.scoring import finish_pending
from pipelines.commands._shared.study import record_study
from pipelines.embedded import requeue
from pipelines.stages import rematch


@click.command(cls=QueryCommand, context_settings=QUERY_SETTINGS)
@click.argument("query", nargs=-1)
@store_option
@watchlist_option
def command(query: tuple[str, ...], store: str | None, watchlist: str | None) -> None:
    """Score stored posts again with the model in force; all of them without a QUERY.

    With a watchlist (by option or configured) they are matched again first. Handles that it
    names anew stay masked in stored texts: importing the files again brings them back.

    Stopped half-way, the same command goes on; what is not yet done keeps its old scores.

    \b
    Examples:
      marsad rescore
      marsad rescore --watchlist morocco-2016
      marsad rescore 'entity:inwi'
    """
    node = query_node(query)
    chosen = watchlist or configured().watchlist
    case = chosen_watchlist(chosen)
    opened = open_existing(store)
    try:
        with opened.writer("rescore"):
            if not query:
                record_study(opened, watchlist, case)
            posts = (hit.post for hit in opened.scan(known_authors(node, opened)))
            # `none` by default means "leave what was found": only asking for it forgets it.
            keep = case is None and watchlist is None
            scored = requeue(opened, posts, list if keep else lambda batch: rematch(batch, case))
            if not scored:
                nothing_found("No post matches.")
            finish_pending(opened)
    finally:
        opened.close()
    notify(f"{count(scored, 'post')} scored again.")
