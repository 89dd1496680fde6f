"""Posts' content as it is stored: JSON, compressed, without what the scores say.

A body is written once and never moved: rows are appended, and a deleted one is overwritten with
zeros of the same length, which SQLite does in place. So no other page keeps a copy of its text.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Sequence

import msgspec
import zstandard

from ingest.records import Post, decode_post
from pipelines.stores.sqlite_file import Connection

_ENCODER = msgspec.json.Encoder()

#: What posts have in common, for the compressor: the names of their fields. It can't change
#: without a step of the schema that rewrites all bodies.
_COMMON = (
    b'"fictional","date-unknown","date-implausible","zone-assumed","id-suspect","reply_to":"'
    b'"repost_of":"","hashtags":["","flags":["views":,"replies":,"reposts":,"shares":'
    b'"mentions":[["","platform",0,8],["","operator",12,16],["","topic",20,27]]'
    b"https://www.facebook.com/https://www.youtube.com/watch?v=https://t.me/"
    b"https://twitter.com/i/web/status/ de la le les est pas "
    b"\xd8\xa7\xd9\x84 \xd9\x85\xd9\x86 \xd9\x81\xd9\x8a "
    b'{"id":"facebook:youtube:telegram:twitter:7","platform":"twitter","text":"","version":14'
    b',"created_at":"2016-01-01T00:00:00Z","collected_at":"2026-01-01T00:00:00.000Z"'
    b',"author":"u_","url":"https://","counts":{"likes":0,"source":"archive:","digest":"'
    b'","watchlist":"","entities":["",""]}'
)
_DICTIONARY = zstandard.ZstdCompressionDict(_COMMON, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
_FORMAT = zstandard.FORMAT_ZSTD1_MAGICLESS


class _Zstd(threading.local):
    """A compressor and a decompressor for each thread: one must not be used by two at once.

    python-zstandard's documentation, "Thread Safety"; two threads on one give damaged data.
    """

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(
            dict_data=_DICTIONARY,
            compression_params=zstandard.ZstdCompressionParameters.from_level(
                1,
                format=_FORMAT,
                write_dict_id=False,
                write_checksum=False,
                write_content_size=True,
            ),
        )
        self.decompressor = zstandard.ZstdDecompressor(dict_data=_DICTIONARY, format=_FORMAT)


_ZSTD = _Zstd()


def content(post: Post) -> Post:
    """Return a post without what the scores say."""
    return msgspec.structs.replace(
        post, language="", language_confidence=0.0, sentiment=None, targets=(), model="", scored=""
    )


def encode(post: Post) -> bytes:
    """Return a post's content as it is stored."""
    return _ZSTD.compressor.compress(_ENCODER.encode(content(post)))


def decode(body: bytes) -> Post:
    """Return the post of a body, without scores."""
    return decode_post(_ZSTD.decompressor.decompress(body))


def append(connection: Connection, posts: Sequence[Post]) -> list[int]:
    """Store posts' contents, inside the open transaction; return their rows in ``bodies``."""
    if not posts:
        return []
    last = connection.execute("SELECT ifnull(max(seq), 0) FROM bodies").fetchall()[0][0]
    rows = range(last + 1, last + 1 + len(posts))
    connection.executemany(
        "INSERT INTO bodies (seq, post) VALUES (?, ?)",
        zip(rows, map(encode, posts), strict=True),
    )
    return list(rows)


def read(connection: Connection, rows: Iterable[int]) -> dict[int, Post]:
    """Return the posts of these rows."""
    found = connection.execute(
        "SELECT seq, post FROM bodies WHERE seq IN (SELECT value FROM json_each(?))",
        (json.dumps(list(rows)),),
    )
    return {seq: decode(body) for seq, body in found}


def erase(connection: Connection, rows: Iterable[int]) -> None:
    """Overwrite bodies with zeros, in place, inside the open transaction."""
    given = [(row,) for row in rows]
    connection.executemany("UPDATE bodies SET post = zeroblob(length(post)) WHERE seq = ?", given)
    connection.executemany("INSERT OR IGNORE INTO erased_bodies (seq) VALUES (?)", given)
