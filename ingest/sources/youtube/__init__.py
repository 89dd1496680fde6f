"""Comments of YouTube by Google's Data API, version 3.

Schema: https://developers.google.com/youtube/v3/docs/commentThreads,
https://developers.google.com/youtube/v3/docs/comments and the reasons of errors in
https://developers.google.com/youtube/v3/docs/errors, as of 2025-08. Not verified live.
"""
