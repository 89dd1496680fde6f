"""Mastodon, any instance: posts with a hashtag, or all public ones; history, then the stream.

Schema: https://docs.joinmastodon.org/methods/timelines/ (``tag``, ``public``),
https://docs.joinmastodon.org/methods/streaming/ (server-sent events),
https://docs.joinmastodon.org/entities/Status/ and ``/entities/Instance/``, as of 4.5 (2025-10).
Since 4.2 the stream wants a user's token. Not verified live.

A status has another id on every instance, and a deletion names the id alone, so ids here are
``mastodon:instance/id``: one post read from two instances is two posts.
"""
