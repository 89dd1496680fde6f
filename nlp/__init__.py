"""Meaning: text analysis, language, sentiment and targets of posts.

This package stands at the bottom: it imports nothing from ``ingest`` or ``pipelines``.
"""
