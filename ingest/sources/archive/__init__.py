"""Posts from files: NDJSON, JSON and CSV, in any encoding, plain or compressed."""

from ingest.sources.archive.mapping import TARGETS
from ingest.sources.archive.reasons import REASONS
from ingest.sources.archive.source import ArchiveSource, Details, parse_raw

__all__ = ["REASONS", "TARGETS", "ArchiveSource", "Details", "parse_raw"]
