"""Tables of tweets that other tools write, each known by its columns.

Columns are those of twarc-csv (DocNow/twarc-csv, ``dataframe_converter.py``), gazouilloire and
minet (medialab/twitwi, ``TWEET_FIELDS``), TAGS (Hawksey's sheet, version 6), rtweet 0.7
(``save_as_csv``), twint (``storage/write_meta.py``), Hydrator and twarc 1 (``json2csv.py``),
Social Feed Manager (the same), academictwitteR (``bind_tweets(output_format = "tidy")``), NodeXL's
edges, tweets of the first API laid flat (rtweet 1, ``pandas.json_normalize``), and Twitter's own
``tweets.csv`` of archives until 2019.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ingest.mapping.missing import is_missing
from ingest.mapping.tool import (
    Around,
    Fields,
    Mapped,
    Record,
    Tool,
    account,
    dig,
    filled,
    first,
    take,
    utc,
    word,
)
from ingest.sources.x.tweets import address, repost, reposted_name, restored, time_of

_SLASHED = re.compile(r"(\d{1,2})/(\d{1,2})/")
_YES = frozenset({"true", "yes", "1", "t"})


def _cell(row: Record, *names: str) -> str:
    """Return the first of several columns that holds something."""
    for name in names:
        value = word(row.get(name))
        if value and not is_missing(value):
            return value
    return ""


def _number(row: Record, *names: str) -> str:
    """Return an id; rtweet writes ``x`` before it, so that no spreadsheet rounds it."""
    value = _cell(row, *names)
    plain = value.removeprefix("x") if value[:1] == "x" and value[1:].isdecimal() else value
    return "" if plain in {"0", "-1"} else plain


def _tweet(row: Record, fields: Fields) -> Mapped:
    """Return the fields of a row: a retweet has the original's counters, so it has none."""
    fields["platform"] = "twitter"
    fields["url"] = address(fields.get("id"))
    return filled(repost(fields) if fields.get("repost_of_id") else fields)


def _knows(*columns: str) -> Callable[[Record], bool]:
    wanted = frozenset(columns)
    return lambda header: header.keys() >= wanted


def map_twarc(row: Record, around: Around) -> Mapped:
    """Return the fields of a row of twarc-csv, whose retweets have the original's whole text."""
    original = _number(row, "referenced_tweets.retweeted.id")
    text: object = row.get("text")
    if original and not reposted_name(text):
        text = restored(text, _cell(row, "retweeted_username"), text)
    return _tweet(
        row,
        {
            "id": _number(row, "id"),
            "text": text,
            "created_at": _cell(row, "created_at"),
            "collected_at": _cell(row, "__twarc.retrieved_at"),
            "author": _cell(row, "author.username", "author_id", "author.id"),
            "reply_to_id": _number(row, "referenced_tweets.replied_to.id"),
            "repost_of_id": original,
            "hashtags": _cell(row, "entities.hashtags") or None,
            "likes": _cell(row, "public_metrics.like_count"),
            "reposts": _cell(row, "public_metrics.retweet_count"),
            "replies": _cell(row, "public_metrics.reply_count"),
            "quotes": _cell(row, "public_metrics.quote_count"),
            "views": _cell(row, "public_metrics.impression_count"),
        },
    )


def map_minet(row: Record, around: Around) -> Mapped:
    """Return the fields of a row of gazouilloire or minet; ``local_time`` is of another zone."""
    return _tweet(
        row,
        {
            "id": _number(row, "id"),
            "text": row.get("text"),
            "created_at": _cell(row, "timestamp_utc"),
            "collected_at": utc(_cell(row, "collection_time")),
            "author": _cell(row, "user_screen_name", "user_id"),
            "reply_to_id": _number(row, "to_tweetid"),
            "repost_of_id": _number(row, "retweeted_id"),
            "hashtags": _cell(row, "hashtags") or None,
            "likes": _cell(row, "like_count"),
            "reposts": _cell(row, "retweet_count"),
            "replies": _cell(row, "reply_count"),
            "views": _cell(row, "impression_count"),
        },
    )


def map_own(row: Record, around: Around) -> Mapped:
    """Return the fields of an own tweet; the table does not say whose it is."""
    return _tweet(
        row,
        {
            "id": _number(row, "tweet_id"),
            "text": row.get("text"),
            "created_at": _cell(row, "timestamp"),
            "reply_to_id": _number(row, "in_reply_to_status_id"),
            "repost_of_id": _number(row, "retweeted_status_id"),
        },
    )


def map_tags(row: Record, around: Around) -> Mapped:
    """Return the fields of a row of TAGS; its column ``time`` is of the sheet's zone."""
    fields: Fields = {
        "id": _number(row, "id_str"),
        "text": row.get("text"),
        "created_at": _cell(row, "created_at", "time"),
        "author": _cell(row, "from_user", "from_user_id_str"),
        "reply_to_id": _number(row, "in_reply_to_status_id_str"),
    }
    if name := reposted_name(fields["text"]):
        fields["repost_of"] = account(name)
    return _tweet(row, fields)


def map_rtweet(row: Record, around: Around) -> Mapped:
    """Return the fields of a row of rtweet, whose times are UTC."""
    original = _number(row, "retweet_status_id")
    text = row.get("text")
    if original and not reposted_name(text):
        text = restored(
            text, _cell(row, "retweet_screen_name"), first(_cell(row, "retweet_text"), text)
        )
    return _tweet(
        row,
        {
            "id": _number(row, "status_id"),
            "text": text,
            "created_at": utc(_cell(row, "created_at")),
            "author": _cell(row, "screen_name") or _number(row, "user_id"),
            "reply_to_id": _number(row, "reply_to_status_id"),
            "repost_of_id": original,
            "hashtags": _cell(row, "hashtags") or None,
            "likes": _cell(row, "favorite_count"),
            "reposts": _cell(row, "retweet_count"),
            "replies": _cell(row, "reply_count"),
            "quotes": _cell(row, "quote_count"),
        },
    )


def map_twint(row: Record, around: Around) -> Mapped:
    """Return the fields of a row of twint, which names whom a tweet answers, not which tweet."""
    created = _cell(row, "created_at")
    if created.isdecimal() is False and len(_cell(row, "date")) == 10 and _cell(row, "time"):
        zone = _cell(row, "timezone")
        created = f"{_cell(row, 'date')} {_cell(row, 'time')} {zone}".strip()
    fields: Fields = {
        "id": _number(row, "id"),
        "text": row.get("tweet"),
        "created_at": created,
        "author": _cell(row, "username", "user_id"),
        "reply_to": take(row, "reply_to"),
        "hashtags": _cell(row, "hashtags") or None,
        "likes": _cell(row, "likes_count"),
        "reposts": _cell(row, "retweets_count"),
        "replies": _cell(row, "replies_count"),
    }
    if _cell(row, "retweet").casefold() in _YES:
        fields["repost_of_id"] = _number(row, "retweet_id")
    return _tweet(row, fields)


def map_json2csv(row: Record, around: Around) -> Mapped:
    """Return the fields of a row of Hydrator, twarc 1 or Social Feed Manager."""
    kind = _cell(row, "tweet_type")
    original = _number(row, "retweet_id") or (
        _number(row, "retweet_or_quote_id") if kind == "retweet" else ""
    )
    return _tweet(
        row,
        {
            "id": _number(row, "id"),
            "text": row.get("text"),
            "created_at": _cell(row, "created_at", "parsed_created_at"),
            "author": _cell(row, "user_screen_name", "user_id"),
            "reply_to_id": _number(row, "in_reply_to_status_id"),
            "repost_of_id": original,
            "hashtags": _cell(row, "hashtags") or None,
            "likes": _cell(row, "favorite_count"),
            "reposts": _cell(row, "retweet_count"),
        },
    )


def map_v1(row: Record, around: Around) -> Mapped:
    """Return the fields of a tweet of the first API, laid flat by pandas, rtweet 1 or a crawler."""
    original = _number(row, "retweeted_status.id_str", "retweeted_status_id_str")
    created = _cell(row, "created_at")
    text = _cell(row, "extended_tweet.full_text", "full_text") or row.get("text")
    if original and (whole := _cell(row, "retweeted_status.full_text", "retweeted_status.text")):
        text = restored(text, _cell(row, "retweeted_status.user.screen_name"), whole)
    return _tweet(
        row,
        {
            "id": _number(row, "id_str"),
            "text": text,
            "created_at": utc(created) if created[:1].isdecimal() else created,
            "author": _cell(
                row,
                "user.screen_name",
                "user_screen_name",
                "screen_name",
                "username",
                "user_id_str",
            ),
            "reply_to_id": _number(row, "in_reply_to_status_id_str", "in_reply_to_status_id"),
            "repost_of_id": original,
            "hashtags": _cell(row, "hashtags") or None,
            "likes": _cell(row, "favorite_count"),
            "reposts": _cell(row, "retweet_count"),
            "replies": _cell(row, "reply_count"),
            "quotes": _cell(row, "quote_count"),
        },
    )


def map_academic(row: Record, around: Around) -> Mapped:
    """Return the fields of a row of academictwitteR's tidy table."""
    kind = _cell(row, "sourcetweet_type")
    original = _number(row, "sourcetweet_id") if kind == "retweeted" else ""
    text = row.get("text")
    if original and (whole := _cell(row, "sourcetweet_text")):
        text = restored(text, reposted_name(text), whole)
    return _tweet(
        row,
        {
            "id": _number(row, "tweet_id"),
            "text": text,
            "created_at": _cell(row, "created_at"),
            "author": _cell(row, "user_username", "author_id"),
            "reply_to_id": _number(row, "sourcetweet_id") if kind == "replied_to" else "",
            "repost_of_id": original,
            "likes": _cell(row, "like_count"),
            "reposts": _cell(row, "retweet_count"),
            "replies": _cell(row, "reply_count"),
            "quotes": _cell(row, "quote_count"),
        },
    )


def map_nodexl(row: Record, around: Around) -> Mapped:
    """Return the fields of an edge of NodeXL: one for each account that a tweet names.

    Its dates have the order of the user's country, which the id tells: it holds the moment.
    """
    native = _number(row, "Imported ID")
    created = _ordered(_cell(row, "Tweet Date (UTC)"), native)
    fields: Fields = {
        "id": native,
        "text": row.get("Tweet"),
        "created_at": utc(created),
        "author": _cell(row, "Vertex 1"),
        "reply_to_id": _number(row, "In-Reply-To Tweet ID"),
        "hashtags": _cell(row, "Hashtags in Tweet") or None,
    }
    if name := reposted_name(fields["text"]):
        fields["repost_of"] = account(name)
    return _tweet(row, fields)


def _ordered(date: str, native: str) -> str:
    """Return a date whose month comes first with the day first, if the tweet's id says so."""
    found = _SLASHED.match(date)
    if found is None or not native.isdecimal() or not 14 < len(native) < 20:
        return date
    moment = time_of(int(native))
    if (int(found[1]), int(found[2])) == (moment.month, moment.day):
        return f"{found[2]}/{found[1]}/{date[found.end() :]}"
    return date


def knows_twint(record: Record) -> bool:
    """Tell whether a record is a line of twint's JSON."""
    return record.keys() >= {"id", "conversation_id", "tweet", "username", "retweets_count"}


def map_twint_line(record: Record, around: Around) -> Mapped:
    """Return the fields of a line of twint's JSON, which has the columns of its table."""
    if not knows_twint(record):
        return None
    lists = {name: value for name, value in record.items() if isinstance(value, list)}
    mapped = map_twint({**record, **dict.fromkeys(lists)}, around)
    if isinstance(mapped, dict):
        answered = lists.get("reply_to") or [None]
        if name := word(dig(answered, 0, "screen_name")):
            mapped["reply_to"] = account(name)
        mapped["hashtags"] = lists.get("hashtags", [])
    return mapped


_TABLES: dict[str, tuple[str, Callable[[Record, Around], Mapped]]] = {
    "twarc-csv": ("id text created_at referenced_tweets.retweeted.id", map_twarc),
    "minet": ("id timestamp_utc local_time user_screen_name text", map_minet),
    "twitter-own-csv": ("tweet_id timestamp text retweeted_status_id", map_own),
    "tags": ("id_str from_user text created_at status_url", map_tags),
    "rtweet": ("status_id screen_name text is_retweet created_at", map_rtweet),
    "twint": ("id conversation_id tweet username created_at", map_twint),
    "academictwitter": ("tweet_id user_username text sourcetweet_type", map_academic),
    "nodexl": ("Vertex 1|Vertex 2|Tweet|Imported ID", map_nodexl),
    "twitter-v1-csv": ("id_str created_at favorite_count retweet_count", map_v1),
    "json2csv": ("id tweet_url user_screen_name text created_at", map_json2csv),
}
TOOLS = tuple(
    Tool(
        name=name,
        version=1,
        knows=_knows(*columns.split("|" if "|" in columns else None)),
        map_item=mapper,
        table=True,
    )
    for name, (columns, mapper) in _TABLES.items()
)
TWINT_LINES = Tool(name="twint-json", version=1, knows=knows_twint, map_item=map_twint_line)
