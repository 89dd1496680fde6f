"""Posts come in: records, sources, watchlists, matching and the protection of authors."""
