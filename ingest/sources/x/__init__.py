"""Posts of X by its own interface, version 2: recent search and the filtered stream.

Schema: https://docs.x.com/x-api/posts/recent-search, https://docs.x.com/x-api/posts/filtered-stream,
https://docs.x.com/x-api/fundamentals/data-dictionary and error responses as in
https://docs.x.com/x-api/fundamentals/response-codes-and-errors, as of 2026-08. Not verified live.
Posts have ids of ``twitter:``, as those of archives.
"""
