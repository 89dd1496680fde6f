"""Tweets as Twitter's second API gave them: twarc 2, its pages and its flattened lines, 4CAT.

Only the tweets under ``data`` are posts; what ``includes`` holds are accounts and the tweets
that are repeated, quoted or answered, which complete them.
"""

from __future__ import annotations

from ingest.mapping.tool import Around, Fields, Mapped, Record, Tool, dig, filled, first, word
from ingest.sources.x.tweets import address, repost, restored, time_of

_MARKS = ("public_metrics", "referenced_tweets", "edit_history_tweet_ids", "conversation_id")
_PAGE = ("includes", "meta", "__twarc")
_INCLUDED = frozenset({"users", "tweets", "media", "places", "polls", "errors"})
_PAGE_KEYS = frozenset({"data", "includes", "meta", "errors", "__twarc", "matching_rules"})


def knows(record: Record) -> bool:
    """Tell whether a record is one tweet, or a page of tweets."""
    if "edit_history_tweet_ids" in record and "author_id" not in record:
        return "id" in record and "text" in record  # the fields that the API gives by itself
    if _completing(record):
        return True
    if "author_id" in record:
        return "id" in record and "text" in record and any(mark in record for mark in _MARKS)
    return any(mark in record for mark in _PAGE) and any(
        "text" in tweet and "id" in tweet for tweet in _on_page(record)
    )


def _completing(record: Record) -> bool:
    """Say whether a record holds what completes the tweets of another file.

    academictwitteR writes ``includes`` into ``users_….json``, beside ``data_….json``.
    """
    tweets = record.get("tweets")
    return (
        isinstance(record.get("users"), list)
        and record.keys() <= _INCLUDED
        and isinstance(tweets, list)
        and any(isinstance(tweet, dict) and "author_id" in tweet for tweet in tweets)
    )


def _on_page(record: Record) -> list[Record]:
    """Return what a page holds; a stream's page holds one tweet, not in a list."""
    data = record.get("data")
    return [entry for entry in (data if isinstance(data, list) else [data]) if type(entry) is dict]


def split(page: Record) -> list[Record] | None:
    """Return the tweets of a page, each with what it needs of ``includes``.

    A page of errors alone (tweets that are gone or protected) holds none.
    """
    if _completing(page):
        return []
    if not page.keys() <= _PAGE_KEYS:
        return None
    users = _by_id(page, "users")
    others = _by_id(page, "tweets")
    found = []
    for tweet in _on_page(page):
        whole = {**tweet, "__twarc": page.get("__twarc")}
        if "author" not in tweet and (user := users.get(str(tweet.get("author_id")))):
            whole["author"] = _name(user)
        if isinstance(references := tweet.get("referenced_tweets"), list):
            whole["referenced_tweets"] = [
                _completed(reference, others, users)
                for reference in references
                if isinstance(reference, dict)
            ]
        found.append(whole)
    return found


def _by_id(page: Record, kind: str) -> dict[str, Record]:
    included = dig(page, "includes", kind)
    return {
        entry["id"]: entry
        for entry in (included if isinstance(included, list) else [])
        if isinstance(entry, dict) and isinstance(entry.get("id"), str)
    }


def _completed(reference: Record, others: dict[str, Record], users: dict[str, Record]) -> Record:
    native = reference.get("id")
    other = others.get(native) if isinstance(native, str) else None
    if reference.get("type") != "retweeted" or other is None:
        return reference
    author = users.get(str(other.get("author_id")))
    return {**reference, **other, **({"author": _name(author)} if author else {})}


def _name(user: Record) -> Record:
    return {"id": user.get("id"), "username": user.get("username")}


def map_item(record: Record, around: Around) -> Mapped:
    """Return the fields of one tweet."""
    own = ("author_id", "__twarc", "edit_history_tweet_ids")
    return fields_of(record) if any(name in record for name in own) else None


def fields_of(tweet: Record) -> Fields:
    """Return the fields of one tweet; its author's id where the handle is not in the file."""
    native = tweet.get("id")
    metrics = tweet.get("public_metrics")
    fields: Fields = {
        "platform": "twitter",
        "id": native,
        "text": _text(tweet),
        "created_at": tweet.get("created_at"),
        "collected_at": dig(tweet, "__twarc", "retrieved_at"),
        "author": first(_handle(tweet), tweet.get("author_id")),
        "url": address(native),
        "hashtags": _hashtags(tweet),
        "likes": dig(metrics, "like_count"),
        "reposts": dig(metrics, "retweet_count"),
        "replies": dig(metrics, "reply_count"),
        "quotes": dig(metrics, "quote_count"),
        "views": dig(metrics, "impression_count"),
    }
    versions = _versions(tweet)
    if len(versions) > 1:
        # X gives each version of a post an id of its own; here they are one post.
        fields["id"] = versions[0]
        fields["created_at"] = time_of(int(versions[0])).isoformat()
        fields["edited_at"] = time_of(int(word(native))).isoformat()
    references = tweet.get("referenced_tweets")
    for reference in references if isinstance(references, list) else ():
        kind = dig(reference, "type")
        if kind == "replied_to":
            fields["reply_to_id"] = dig(reference, "id")
        elif kind == "retweeted":
            fields["repost_of_id"] = dig(reference, "id")
            fields["text"] = restored(fields["text"], _handle(reference), _text(reference))
            fields["hashtags"] = first(_hashtags(reference), fields["hashtags"])
            fields = repost(fields)
    return filled(fields)


def _versions(tweet: Record) -> list[str]:
    """Return the ids of a post's versions, the oldest first; nothing if they can't be trusted."""
    known = tweet.get("edit_history_tweet_ids")
    ids = [word(entry) for entry in known] if isinstance(known, list) else []
    whole = all(entry.isdecimal() and len(entry) < 20 for entry in ids)
    return ids if whole and word(tweet.get("id")) in ids else []


def _text(tweet: Record) -> object:
    return first(dig(tweet, "note_tweet", "text"), tweet.get("text"))


def _hashtags(tweet: Record) -> object:
    return first(
        dig(tweet, "note_tweet", "entities", "hashtags"), dig(tweet, "entities", "hashtags")
    )


def _handle(tweet: Record) -> object:
    # 4CAT expands accounts under another name than twarc.
    return first(dig(tweet, "author", "username"), dig(tweet, "author_user", "username"))


TOOL = Tool(name="twitter-v2", version=3, knows=knows, map_item=map_item, split=split)
