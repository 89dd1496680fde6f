"""What exports keep in memory: nothing that grows with the posts, and no library unasked."""

import json
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

from pipelines.labels.sampling import sample
from pipelines.query import All
from pipelines.records import Hit
from tests.pipelines.stored_posts import post

#: Writes many groups of rows; tells what was taken after the first few, and after all.
_WRITE = """
import json, sys
from pathlib import Path
from pipelines.export import Options
from pipelines.export.columns import exported
from pipelines.export.formats import FORMATS
from tests.pipelines.stored_posts import post

writer = FORMATS["parquet"](Path(sys.argv[1]), Options())
import pyarrow
from pipelines.export import parquet
parquet._GROUP_POSTS = 400

def anonymous():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))

taken, most = [], []
for n in range(16_000):
    towards = {"inwi": "negative"} if n % 3 else {}
    text = f"{n} whatsapp " * (20 + n % 30)
    writer.write(exported(post(n, text, towards=towards), "2016-02-27", None))
    if n + 1 in {2_000, 16_000}:
        taken.append(anonymous())
        most.append(pyarrow.default_memory_pool().max_memory())
writer.close()
others = [pyarrow.mimalloc_memory_pool] if "mimalloc" in pyarrow.supported_memory_backends() else []
print(json.dumps({
    "taken": taken,
    "most": most,
    "unasked": [pool().max_memory() for pool in others],
}))
"""


def ran(*arguments: str) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-c", *arguments], check=True, capture_output=True, text=True
    )
    return dict(json.loads(done.stdout))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc, as Linux has it")
def test_parquet__takes_no_more_for_eight_times_the_posts(tmp_path):
    """Parquet's writer takes its buffers from Arrow's own allocator unless told otherwise."""
    found = ran(_WRITE, str(tmp_path))
    few, many = found["taken"]
    assert many / few < 1.1
    few, many = found["most"]
    assert many / few < 1.1
    assert not any(found["unasked"])


def test_xlsx__is_written_without_the_library_that_reads_it():
    script = (
        "import json, sys; import pipelines.export.xlsx; print(json.dumps("
        "{'openpyxl': 'openpyxl' in sys.modules, 'xlsxwriter': 'xlsxwriter' in sys.modules}))"
    )
    assert ran(script) == {"openpyxl": False, "xlsxwriter": True}


class Posts:
    """A store of so many posts, of which none lies in memory."""

    def __init__(self, count):
        self.count = count

    def scan(self, query):
        if query == All():
            for n in range(self.count):
                yield Hit(post(n, language="fr" if n % 2 else "ary"), f"2016-02-{n % 28 + 1:02}")


def test_sample__keeps_little_of_each_post():
    def most(count):
        tracemalloc.start()
        try:
            assert sample(Posts(count), All(), 10, strata=("language", "week")) == []
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    most(20)  # what is loaded and kept once
    # the id takes 27 bytes; as a tuple of texts, each post took 300
    assert (most(8_000) - most(2_000)) / 6_000 < 120
