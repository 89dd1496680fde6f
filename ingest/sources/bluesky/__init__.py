"""Bluesky, by Jetstream: all posts of the network as JSON over one WebSocket.

Schema: events and query parameters as in Jetstream's documentation of ``/subscribe``
(https://github.com/bluesky-social/jetstream, version 1 of the stream, as of 2025-02, which
version 2 of 2026 goes on serving); ``app.bsky.feed.post`` and ``app.bsky.richtext.facet`` as in
https://github.com/bluesky-social/atproto/tree/main/lexicons/app/bsky; states of accounts as in
``com.atproto.sync.subscribeRepos#account``. Not verified live.

Neither ``createdAt`` nor ``langs`` is trusted: both are what the author's program wrote. Order
and versions come from ``time_us``, the server's clock.
"""
