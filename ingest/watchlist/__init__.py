"""Watchlists: the entities a study follows, read from a file and found in texts."""
