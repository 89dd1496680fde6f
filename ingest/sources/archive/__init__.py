"""Posts from files: NDJSON, JSON and CSV, in any encoding, plain or compressed."""

from ingest.mapping.fields import TARGETS
from ingest.mapping.reasons import REASONS
from ingest.sources.archive.source import ArchiveSource, Details, parse_raw

__all__ = ["REASONS", "TARGETS", "ArchiveSource", "Details", "parse_raw"]
