"""What a post is found by in the full-text index: its words, and terms for what filters ask.

One line of terms for each post, in this order, so that phrases are found where words follow one
another: the tokens of the text; ``=a``, which every post has; the tokens' cross-script keys; the
terms of filters; further forms of words, each marked with ``~``, so that they are not taken for
a spelling of the text, and further keys. Terms of filters begin with ``=`` and hold numbers for
names (:mod:`.names`). No token of a text begins with ``=``, ``~`` or ``_``, and every key begins
with ``_`` unless it stands for itself (emoji, placeholders).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date

from ingest.records import Post
from pipelines.records import Document
from pipelines.stores.sqlite_file import Connection

#: A term that every post has.
EVERY = "=a"
#: A term that no post has.
NONE = "=0"
#: A term of posts that only the fast model has read.
PROVISIONAL = "=v"
#: Marks a form of a word that is not its spelling in the text.
FORM = "~"

LABELS: dict[str, int] = {"": 0, "negative": 1, "neutral": 2, "positive": 3}

#: Above this number of posts it is faster to rewrite the index than to remove word by word.
MANY = 200
#: Rows of ``meta``: that :func:`compact` has something to do, and how far an index is made.
_LOOSE, REACHED = "loose words", "reindexed"


def ordinal(day: str) -> int:
    """Return the number of a calendar day, 0 for an unknown one."""
    return date.fromisoformat(day).toordinal() if day else 0


def named(post: Post) -> Iterable[str]:
    """Return the names that a post's terms and rows hold by number."""
    entities = (*post.entities, *(target.entity for target in post.targets))
    return (post.platform, post.language, post.source, post.model, *entities)


def line(document: Document, refs: Mapping[str, int]) -> str:
    """Return the terms of a document, joined by one space."""
    post = document.post
    label = post.sentiment.label if post.sentiment else ""
    terms = [
        EVERY,
        document.keys,
        f"=d{ordinal(document.day)}",
        f"=l{refs[post.language]}",
        f"=s{LABELS[label]}",
        f"=p{refs[post.platform]}",
        f"=o{refs[post.source]}",
    ]
    attitudes = {target.entity: LABELS[target.label] for target in post.targets}
    for entity in dict.fromkeys((*attitudes, *post.entities)):
        terms += [f"=e{refs[entity]}", f"=t{refs[entity]}.{attitudes.get(entity, 0)}"]
    terms += [f"=f{flag}" for flag in post.flags]
    if post.scored:
        terms.append(PROVISIONAL)
    variants = document.variants.split()
    terms += [form if form[0] == "_" else FORM + form for form in variants]
    return f"{document.tokens} {' '.join(terms)}"


def add(connection: Connection, lines: Iterable[tuple[int, str]]) -> None:
    """Make posts findable by their terms, inside the open transaction."""
    given = sorted(lines)
    for table, last in _tables(connection):
        connection.executemany(
            f"INSERT INTO {table} (rowid, terms) VALUES (?, ?)",
            given if last is None else [one for one in given if one[0] <= last],
        )


def add_anew(connection: Connection, lines: Iterable[tuple[int, str]]) -> None:
    """Add posts' terms to the index that is being made, inside the open transaction."""
    connection.executemany("INSERT INTO new_words (rowid, terms) VALUES (?, ?)", sorted(lines))


def remove(connection: Connection, lines: Iterable[tuple[int, str]]) -> None:
    """Remove posts' terms, inside the open transaction.

    These have to be the terms that were added. A few are removed from the index at once; the
    remains of many are, by :func:`compact`.
    """
    given = sorted(lines)
    if not given:
        return
    many = len(given) > MANY
    if many:
        connection.execute("INSERT OR REPLACE INTO meta (name, value) VALUES (?, '1')", (_LOOSE,))
    for table, last in _tables(connection):
        if many:
            connection.execute(f"INSERT INTO {table} ({table}, rank) VALUES ('secure-delete', 0)")
        connection.executemany(
            f"INSERT INTO {table} ({table}, rowid, terms) VALUES ('delete', ?, ?)",
            given if last is None else [one for one in given if one[0] <= last],
        )
        if many:
            connection.execute(f"INSERT INTO {table} ({table}, rank) VALUES ('secure-delete', 1)")


def _tables(connection: Connection) -> list[tuple[str, int | None]]:
    """Return the indexes, and the last number that each has if it is being made."""
    rows = connection.execute("SELECT value FROM meta WHERE name = ?", (REACHED,)).fetchall()
    if not rows:
        return [("words", None)]
    return [("words", None), ("new_words", int(rows[0][0].split()[1]))]


def compact(connection: Connection) -> None:
    """Rewrite the index without what :func:`remove` left of many posts, if there is any."""
    if connection.execute("SELECT 1 FROM meta WHERE name = ?", (_LOOSE,)).fetchall():
        for table, _ in _tables(connection):
            connection.execute(f"INSERT INTO {table} ({table}) VALUES ('optimize')")
        connection.execute("DELETE FROM meta WHERE name = ?", (_LOOSE,))


def json_list(values: Iterable[object]) -> str:
    """Return values as the one value of ``IN (SELECT value FROM json_each(?))``."""
    return json.dumps(list(values), ensure_ascii=False)
