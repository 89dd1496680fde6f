"""Study subsets: the posts that match a query as a folder of files that explain themselves.

The folder holds the posts in the formats asked for, ``manifest.json`` (query, state of the
store, versions, columns, checksums) and ``README.txt`` (how to read, cite and reproduce it).
The same posts give the same bytes; what was deleted is in no later export.
"""

import os

from ingest.mapping.spreadsheets import guard, unguard
from pipelines.export.about import Account, Facts
from pipelines.export.columns import COLUMNS, TARGET_COLUMNS, Exported
from pipelines.export.folder import export
from pipelines.export.formats import FORMATS
from pipelines.export.options import LEVELS, Level, Options

# Arrow's own allocators keep what was used. pyarrow.set_memory_pool does not reach what the writer
# of Parquet takes by itself (22 MB more); this variable does, set before pyarrow is imported.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")

__all__ = [
    "COLUMNS",
    "FORMATS",
    "LEVELS",
    "TARGET_COLUMNS",
    "Account",
    "Exported",
    "Facts",
    "Level",
    "Options",
    "export",
    "guard",
    "unguard",
]
