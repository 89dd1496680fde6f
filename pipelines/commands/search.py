"""``marsad search``: find posts."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import click
import msgspec
from rich.text import Text

from ingest.records import Post, encode
from pipelines.commands._shared.authors import known_authors
from pipelines.commands._shared.context import open_store
from pipelines.commands._shared.no_match import tell_uncounted, why_nothing
from pipelines.commands._shared.options import (
    QUERY_SETTINGS,
    Filters,
    QueryCommand,
    filter_options,
    query_node,
    store_option,
)
from pipelines.commands._shared.output import count, nothing_found, notify, waiting, write_line
from pipelines.console import console
from pipelines.query import Node, highlight
from pipelines.query.highlight import Marks, marks, otherwise
from pipelines.records import Hit
from pipelines.searching import SORTS, Sort
from pipelines.searching import facets as facets_of
from pipelines.searching import search as find
from pipelines.settings import zone
from pipelines.terminal import printable

_COLOURS = {"negative": "red", "neutral": "yellow", "positive": "green"}


@click.command(cls=QueryCommand, context_settings=QUERY_SETTINGS)
@click.argument("query", nargs=-1)
@store_option
@filter_options
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    help="Posts to show at most.",
)
@click.option(
    "--sort",
    type=click.Choice(SORTS),
    default="newest",
    show_default=True,
    help="Order; relevance puts exact spellings first.",
)
@click.option(
    "--facets",
    is_flag=True,
    help="With --json: a last line with counts by language, sentiment, platform, entity, day.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def command(
    query: tuple[str, ...],
    store: str | None,
    filters: Filters,
    limit: int,
    sort: Sort,
    facets: bool,
    as_json: bool,
) -> None:
    """Find posts. A plain word finds its spellings in every script; no QUERY finds everything.

    Times are those of the store's time zone. After an entity stands the attitude to it: `−`
    negative, `·` neutral, `+` positive.

    \b
    Examples:
      marsad search whatsapp                       (واتساب, watsap, … too)
      marsad search '"#OpeUnlike"' --since 2016-02-26 --until 2016-03-01
      marsad search 'inwi -promo sentiment:negative lang:arabizi'
      marsad search 'appel OR مكالمات' --sort relevance
      marsad search --entity anrt --json --limit 1000 > anrt.ndjson
    """
    node = query_node(query, filters)
    opened = open_store(store)
    try:
        asked = known_authors(node, opened)
        page = find(opened, asked, limit, sort=sort)
        counted = facets_of(opened, asked) if facets and as_json else None
        days = zone(opened.timezone())
        reason = "" if page.hits else why_nothing(node, opened)
        tell_uncounted(asked, opened)
    finally:
        opened.close()
    if page.pending:
        notify(waiting(page.pending, "can't be found yet"))
    if not page.hits:
        nothing_found(reason)
    if as_json:
        for hit in page.hits:
            write_line(_json(hit, node))
        if counted is not None:
            write_line(msgspec.json.encode({"facets": counted, "total": page.total}))
        return
    out = console(soft_wrap=True)
    coloured = out.is_terminal and not out.no_color
    made = [
        marks(node, hit.post.text, [(one.start, one.end) for one in hit.post.mentions])
        for hit in page.hits
    ]
    for hit, found in zip(page.hits, made, strict=True):
        text = _for_people(hit, found, days, coloured=coloured)
        if out.color_system is None:  # as it is: rich takes ten times as long to say the same
            click.echo(text.plain)
        else:
            out.print(text)
    shown = len(page.hits)
    first = {"newest": "the newest", "oldest": "the oldest", "relevance": "the most relevant"}
    which = first.get(sort, f"those with most {sort},")
    newest = f"{which} one is" if shown == 1 else f"{which} {shown:,} are"
    notify(
        ("1 post matches" if page.total == 1 else f"{page.total:,} posts match")
        + (f"; {newest} shown" if page.total > shown else "")
        + f". Times are those of {days.key}."
    )
    for word, number in otherwise(made).items():
        notify(
            f"{word} stands in {number:,} of {count(shown, 'post')} in other spellings only, which "
            f"may be other words; ={word} finds this spelling alone."
        )


def _json(hit: Hit, node: Node) -> bytes:
    post = msgspec.json.decode(encode(hit.post))
    spans = highlight(node, hit.post.text)
    return msgspec.json.encode({**post, "day": hit.day, "highlights": spans})


def _for_people(hit: Hit, found: Marks, days: ZoneInfo, *, coloured: bool) -> Text:
    post = hit.post
    words = printable(post.text)
    label = post.sentiment.label if post.sentiment else "unscored"
    text = Text()
    text.append(f"{_date(post, days)}  {post.platform}  {post.language}  ", style="dim")
    text.append(label, style=_COLOURS.get(label, "dim"))
    if post.scored:
        text.append(f" ({post.scored})", style="dim")
    text.append(f"  {_attitudes(post)}\n", style="dim")
    at = 0
    for start, end in found.found:
        text.append(words[at:start])
        as_asked = any(begin < end and start < stop for begin, stop in found.exact)
        # Where colours are lost, in a file or a pipe, signs show what was found.
        sign = "" if coloured else "**" if as_asked else "*"
        style = "bold reverse" if as_asked else "bold underline"
        text.append(f"{sign}{words[start:end]}{sign}", style=style)
        at = end
    text.append(words[at:])
    text.append(f"\n{printable(post.id)}\n", style="dim")
    return text


def _date(post: Post, days: ZoneInfo) -> str:
    if post.created_at is None:
        return "date unknown"
    try:
        return f"{post.created_at.astimezone(days):%Y-%m-%d %H:%M}"
    except OverflowError:  # an implausible date at either end of the calendar
        return f"{post.created_at:%Y-%m-%d %H:%M} UTC"


def _attitudes(post: Post) -> str:
    signs = {"negative": "−", "neutral": "·", "positive": "+"}
    return " ".join(f"{target.entity}{signs[target.label]}" for target in post.targets)
