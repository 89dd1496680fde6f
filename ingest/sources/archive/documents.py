"""What a JSON document holds: one post, a list of posts, or a large object with such a list."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from ingest.mapping.fields import ALIASES, plain
from ingest.mapping.objects import Bad, parse_object
from ingest.sources.archive import registry
from ingest.sources.archive.compression import Memory
from ingest.sources.archive.json_stream import Elements

#: Fields of one large object in which archives keep their posts, the likeliest first.
CONTAINERS = [
    *("posts", "statuses", "tweets", "messages", "data", "items", "results", "records"),
    *("entries", "comments", "rows", "documents", "videos", "feed", "orderedItems", "hits"),
    *("children", "threads", "descendants", "list"),
]
#: Fields of one large object whose own object has nothing but such a list and remarks about it.
WRAPPERS = frozenset(
    {"data", "items", "result", "results", "response", "payload", "records", "posts", "tweets"}
    | {"hits"}
)
#: Names of fields that hold the text of a post.
TEXTS = frozenset(plain(alias) for alias in ALIASES["text"].split() if "." not in alias)
#: Fields around a list of records that say what the records are part of.
AROUND = ("type", "id")
#: A list of objects inside of a list, and an object that was written as a text.
_NESTED = re.compile(rb'(?:\[\s*)+\{\s*"|"\s*\{\s*\\+"')
_WRITTEN = re.compile(rb'\s*"\s*\{\s*\\+"')
_TOKEN = re.compile(rb'"[^"\\\n]*+(?:\\[^\n][^"\\\n]*+)*+"|[{}\[\]]')
#: How Twitter's own archives begin: JavaScript that assigns a list.
SCRIPT = re.compile(rb"window\.YTD\.(\w+)\.part\d+\s*=\s*(?=\[)")
#: A page of Twitter's second API, which may be longer than the head.
_PAGE = re.compile(
    rb'\A\s*\{\s*"data"\s*:[^\0]{0,20000}?"(?:edit_history_tweet_ids|author_id)"\s*:'
)


def is_array(body: bytes, sample: list[bytes], objects: int, codec: str) -> bool:
    """Say whether this is one list, whole or broken, and not lines that hold lists."""
    inside = body[1:].lstrip()[:1]
    if inside in {b"", b"]"}:
        return objects == 0
    first = next(iter(Elements(Memory(body[1:]), 1, 1, array=True)))
    listed = sum(
        line.strip()[-1:] == b"," and is_object(line.strip(b" \t\r,["), codec) for line in sample
    )
    if first.problem:
        # The head may end inside a very long first value.
        return inside == b"{" and objects == 0 and len(sample) < 2
    if _NESTED.match(first.raw):
        return True
    return is_object(first.raw, codec) and objects <= listed + 1


def is_text_line(line: bytes) -> bool:
    """Say whether a line is JSON that was written as a text: ``"{\\"id\\": 1}"``."""
    return _WRITTEN.match(line) is not None


def is_object(line: bytes, codec: str) -> bool:
    """Say whether a line is a JSON object by itself."""
    if b"{" not in line[:256]:
        return False
    try:
        parse_object(line, codec)
    except Bad as bad:
        return bad.reason == "too-many-columns"
    return True


def is_record(value: bytes, codec: str) -> bool:
    """Say whether an object is by itself what a known tool writes, lists and all."""
    if _PAGE.search(value):
        return True
    try:
        return registry.of_record(parse_object(value, codec)) is not None
    except Bad:
        return False


def first_value(body: bytes, codec: str) -> int:
    """Return where the first value ends, at most where the head does; 0 if it is not valid."""
    text = body.decode(codec, "replace")
    try:
        _, end = json.JSONDecoder(parse_int=str).raw_decode(text)
    except json.JSONDecodeError as error:
        # Cut by the end of the head: all before is valid. A string that is cut begins on the
        # last line.
        unfinished = error.msg.startswith("Unterminated") and "\n" not in text[error.pos :]
        return len(body) if unfinished or error.pos >= len(text.rstrip()) else 0
    except RecursionError:
        return 0
    return len(text[:end].encode(codec, "replace"))


class Container(NamedTuple):
    """A list of posts in one large object: its field, where it begins, how many objects are open.

    A field of an inner object has a dot (``data.items``).
    """

    field: str
    start: int
    depth: int


def container(body: bytes) -> Container | None:
    """Return the list of objects in one large object that holds its posts.

    It stands in the object itself, or under usual names in one that only wraps it.
    """
    keys: list[str | None] = []  # of what is open; none for what is no field of a wrapper
    last: re.Match[bytes] | None = None
    outer: dict[str, Container] = {}
    inner: dict[str, Container] = {}
    for token in _TOKEN.finditer(body):
        sign = token[0][:1]
        if sign in b"}]":
            if len(keys) < 2:
                break
            keys.pop()
            continue
        named = last is not None and body[last.end() : token.start()].strip() == b":"
        key = last[0][1:-1].decode("utf-8", "replace") if last is not None and named else None
        if sign == b'"':
            if key is not None and keys[-1] is not None and plain(key) in TEXTS:
                if len(keys) == 1:
                    return None  # a post by itself
                keys[-1] = None
            last = token
            continue
        if sign == b"[" and key is not None and keys and None not in keys:
            inside = body[token.end() : token.end() + 200].lstrip()[:1]
            if inside == b"{" or (inside == b"]" and key in CONTAINERS):
                path = ".".join([*(name for name in keys if name), key])
                lists = outer if len(keys) == 1 else inner
                if lists is outer or key in CONTAINERS:
                    lists.setdefault(key, Container(path, token.end(), len(keys)))
        keys.append("" if not keys else key if sign == b"{" and key in WRAPPERS else None)
    found = [lists[name] for lists in (outer, inner) for name in CONTAINERS if name in lists]
    return next(iter([*found, *outer.values()]), None)
