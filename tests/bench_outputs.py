"""What whole commands cost that write much: long tables, many hits, exports and their memory."""

from __future__ import annotations

import statistics
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

FORMATS = ("ndjson", "csv", "parquet", "xlsx")
_SCRIPT = "from pipelines.cli import main; main()"
#: Runs a command and prints its CPU seconds and its memory at most.
_WATCH = """
import resource, subprocess, sys
subprocess.run(
    sys.argv[1:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss)
"""
#: 125 days of hours, so 3,000 rows.
_LONG = ["trends", "--by", "hour", "--since", "2016-05-01", "--until", "2016-09-03"]


class Used(NamedTuple):
    """What a command took: CPU seconds, Python's own start included, and memory at most."""

    seconds: float
    megabytes: float


def used(store: Path, *arguments: str) -> Used:
    """Run a command of Marsad on a store and return what it took."""
    return _ran("-c", _SCRIPT, *arguments, "--store", str(store))


def _ran(*arguments: str) -> Used:
    """Run Python and return what it took.

    A process counts the memory of the one that started it as its own at first, so a small one
    does that: this one holds the posts of the measurement.
    """
    done = subprocess.run(
        [sys.executable, "-c", _WATCH, sys.executable, *arguments],
        check=True,
        capture_output=True,
        text=True,
    )
    seconds, most = done.stdout.split()
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kilobytes elsewhere
    return Used(float(seconds), int(most) * unit / 1e6)


def measure(store: Path, folder: Path, posts: int, runs: int) -> dict[str, float]:
    """Return the figures of one store."""

    def seconds(*arguments: str) -> float:
        return statistics.median(used(store, *arguments).seconds for _ in range(runs))

    found = {
        f"start_{name}_s": seconds(name, *more, "--json")
        for name, more in (("search", ("inwi", "--limit", "1")), ("status", ()), ("trends", ()))
    }
    peer = ("-m", "sqlite_utils", "query", str(store), "select 1")
    found["start_sqlite_utils_s"] = statistics.median(_ran(*peer).seconds for _ in range(runs))
    one, many = (seconds("search", "whatsapp", "--limit", str(n), "--json") for n in (1, 1_000))
    found["hit_ms"] = 1000 * (many - one) / 999
    found["table_s"] = seconds(*_LONG)
    for form in FORMATS:
        took = used(store, "export", "--to", str(folder / form), "--format", form)
        found[f"export_{form}_mb"] = took.megabytes
        found[f"export_{form}_us_a_post"] = 1e6 * took.seconds / posts
    return found
