"""What a deletion names: posts by their ids, and accounts on the platforms where they may be."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence

import click

from ingest.mapping.ids import PLATFORMS, platform_name
from ingest.privacy.masking import handle_name
from ingest.privacy.protector import Protector, is_pseudonym
from ingest.records import Tombstone
from ingest.sources.registry import ENTRIES
from pipelines.query import FIELDS
from pipelines.records import CollectedTombstone
from pipelines.settings import Settings
from pipelines.stages import collected_tombstone, utc_now
from pipelines.stores.protocols import Store

#: Platforms that files alone bring.
_OF_FORMATS = ("archive", "reddit", "vk", "threads", "rss", "weibo")
#: What stands behind an id in a list to tell people of it.
_COMMENT = re.compile(r"(?:^|(?<=\s)|(?<=\ufeff))#.*", re.DOTALL)
#: No id holds a tab, and no number a comma.
_COLUMNS = re.compile(r"\t|:\d+\s*\"?[,;]")
#: Waiting posts whose platforms are looked at: more than this wait on topics only.
_WAITING = 10_000


def check(ids: Sequence[str], authors: Sequence[str], platforms: Sequence[str]) -> None:
    """See that every name says something: an empty one would mean posts of strangers.

    Raises :class:`click.UsageError`.
    """
    if not ids and not authors:
        raise click.UsageError("name posts by their ids, or an account with --author NAME")
    for post_id in ids:
        platform, _, native = post_id.partition(":")
        if not platform.strip() or not native.strip():
            raise click.UsageError(
                f"{post_id!r} is no id of a post: they read platform:number, as in `marsad search`"
            )
        if platform == "author":
            raise click.UsageError(
                f"{post_id!r} is a search, no id of a post. For all posts of an account: "
                f"--author {native}"
            )
        if platform in FIELDS and platform not in known_platforms():
            raise click.UsageError(
                f"{post_id!r} is a search, no id of a post: see the ids with "
                f"`marsad search --json {post_id}`"
            )
    for author in authors:
        if not handle_name(author.strip()).strip():
            raise click.UsageError(f"--author {author!r} names nobody: name the account")
    if platforms and not authors:
        raise click.UsageError(
            "--platform belongs to --author; the id of a post names its platform itself"
        )
    if not all(map(platform_name, platforms)):
        raise click.UsageError("--platform is empty: name the platform that the account is on")


def ids_listed(lines: Iterable[str]) -> tuple[str, ...]:
    """Return the ids of a list, each once: one a line; empty lines and ``#`` comments are none.

    Raises :class:`click.UsageError` for a list without any, for one that is no UTF-8, and for a
    line with more columns: as the id of no post it would delete nothing without a word.
    """
    try:
        bare = [_COMMENT.sub("", line).strip('\ufeff \t\r\n"') for line in lines]
        found = tuple(dict.fromkeys(filter(None, bare)))
    except UnicodeDecodeError:
        raise click.UsageError("the list is no UTF-8 text: save it again as UTF-8") from None
    if not found:
        raise click.UsageError("the list holds no id: one a line, as in twitter:690000000000000001")
    for number, line in enumerate(bare, start=1):
        if _COLUMNS.search(line):
            raise click.UsageError(
                f"line {number} of the list holds more than an id ({line!r}): keep the ids alone"
            )
    return found


def known_platforms() -> frozenset[str]:
    """Return the platforms whose posts sources and formats give, and ``archive``."""
    return frozenset({*PLATFORMS, *(entry.name for entry in ENTRIES), *_OF_FORMATS})


def check_platforms(store: Store, names: Iterable[str]) -> None:
    """See that each platform is one, or has posts in the store.

    Raises :class:`click.UsageError`.
    """
    unknown = [name for name in names if name not in known_platforms()]
    if not unknown:
        return
    there = {*store.status().platforms, *(post.platform for post in store.pending(_WAITING))}
    for name in unknown:
        if name not in there:
            near = difflib.get_close_matches(name, sorted(there | known_platforms()), 1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise click.UsageError(
                f"no platform is called {name!r}, and the store has no posts of it.{hint}"
            )


def whereabouts(store: Store, settings: Settings, *, topics: bool) -> tuple[str, ...]:
    """Return the platforms where an account may be whose platform nobody named.

    Those of stored posts, of posts that wait to be scored, and of configured sources. What
    stands on ``topics`` can't be asked for by platform, so there it is every one that is known.
    Where there is any, files that name no platform may bring the account later.
    """
    found = {*store.status().platforms, *(post.platform for post in store.pending(_WAITING))}
    found |= {one.source for one in settings.sources}
    if topics:
        found |= {*PLATFORMS, *(entry.name for entry in ENTRIES)}
    if found:
        found.add("archive")
    return tuple(sorted(found))


def deletions(
    protect: Protector, ids: Sequence[str], authors: Sequence[str], platforms: Sequence[str]
) -> list[CollectedTombstone]:
    """Return the deletions of posts and of accounts, each of these on all the platforms."""
    now = utc_now()
    named = [
        Tombstone(platform=post_id.partition(":")[0], id=post_id, deleted_at=now) for post_id in ids
    ]
    for author in map(str.strip, authors):
        # A pseudonym belongs to one platform already.
        where = platforms[:1] if is_pseudonym(author) else platforms
        named += [Tombstone(platform=platform, author=author, deleted_at=now) for platform in where]
    return [collected_tombstone(protect, tombstone) for tombstone in named]
