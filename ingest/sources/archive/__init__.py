"""Posts from files: NDJSON, JSON and CSV, in any encoding, plain or compressed."""
