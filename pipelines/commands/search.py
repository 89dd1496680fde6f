"""``marsad search``: find posts."""

import click
import msgspec
from rich.console import Console
from rich.text import Text

from ingest.records import Post, encode
from pipelines.commands.common import (
    QUERY_SETTINGS,
    Filters,
    filter_options,
    known_authors,
    nothing_found,
    open_store,
    query_node,
    say,
    store_option,
    write_line,
)
from pipelines.query import Node, highlight
from pipelines.stores.base import Hit

_COLOURS = {"negative": "red", "neutral": "yellow", "positive": "green"}


@click.command(context_settings=QUERY_SETTINGS)
@click.argument("query", nargs=-1)
@store_option
@filter_options
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    help="Posts to show at most, newest first.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def command(
    query: tuple[str, ...],
    store: str | None,
    filters: Filters,
    limit: int,
    as_json: bool,
) -> None:
    """Find posts. A plain word finds its spellings in every script; no QUERY finds everything.

    \b
    Examples:
      marsad search whatsapp                       (واتساب, watsap, … too)
      marsad search '"#OpeUnlike"' --since 2016-02-26 --until 2016-03-01
      marsad search 'inwi -promo sentiment:negative lang:ary-Latn'
      marsad search --entity anrt --json --limit 1000 > anrt.ndjson
    """
    node = query_node(query, filters)
    opened = open_store(store)
    try:
        page = opened.search(known_authors(node, opened), limit)
    finally:
        opened.close()
    if page.pending:
        say(f"{page.pending:,} posts wait to be scored and can't be found yet.")
    if not page.hits:
        nothing_found("No post matches.")
    if as_json:
        for hit in page.hits:
            write_line(_json(hit, node))
        return
    console = Console(highlight=False, soft_wrap=True)
    for hit in page.hits:
        console.print(_for_people(hit, node, coloured=console.is_terminal and not console.no_color))
    shown = len(page.hits)
    say(
        ("1 post matches" if page.total == 1 else f"{page.total:,} posts match")
        + (f"; the newest {shown:,} are shown." if page.total > shown else ".")
    )


def _json(hit: Hit, node: Node) -> bytes:
    post = msgspec.json.decode(encode(hit.post))
    spans = highlight(node, hit.post.text)
    return msgspec.json.encode({**post, "day": hit.day, "highlights": spans})


def _for_people(hit: Hit, node: Node, *, coloured: bool) -> Text:
    post = hit.post
    label = post.sentiment.label if post.sentiment else "unscored"
    text = Text()
    text.append(f"{_date(post)}  {post.platform}  {post.language}  ", style="dim")
    text.append(label, style=_COLOURS.get(label, "dim"))
    text.append(f"  {_attitudes(post)}\n", style="dim")
    at = 0
    for start, end in highlight(node, post.text):
        text.append(post.text[at:start])
        # Where colours are lost, in a file or a pipe, signs show what was found.
        found = post.text[start:end]
        text.append(found if coloured else f"**{found}**", style="bold reverse")
        at = end
    text.append(post.text[at:])
    text.append(f"\n{post.id}\n", style="dim")
    return text


def _date(post: Post) -> str:
    return f"{post.created_at:%Y-%m-%d %H:%M}" if post.created_at else "date unknown"


def _attitudes(post: Post) -> str:
    signs = {"negative": "−", "neutral": "·", "positive": "+"}
    return " ".join(f"{target.entity}{signs[target.label]}" for target in post.targets)
