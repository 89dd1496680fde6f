"""Frequent words of many languages, out of the wheel ``wordfreq`` (data: CC BY-SA 4.0).

The wheel holds, for each language, lists of words by frequency (in centibels). Only the lists are
read, from a download that is not installed. Source: Speer 2022, "rspeer/wordfreq",
doi:10.5281/zenodo.7199437.
"""

from __future__ import annotations

import gzip
import subprocess
import sys
import zipfile
from pathlib import Path

import msgspec

WHEEL = "wordfreq==3.1.1"
_MEMBER = "wordfreq/data/small_{}.msgpack.gz"


def download(folder: Path) -> Path:
    """Return the wheel in `folder`, fetched with pip if it is missing.

    Raises `subprocess.CalledProcessError` where pip fails (no network, unknown version).
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not list(folder.glob("wordfreq-*.whl")):
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        subprocess.run([*command, "-d", str(folder), WHEEL], check=True)
    return next(folder.glob("wordfreq-*.whl"))


def frequent(wheel: Path, language: str, count: int) -> list[str]:
    """Return the `count` most frequent words of a language, the commonest first, letters only."""
    with zipfile.ZipFile(wheel) as archive:
        packed = archive.read(_MEMBER.format(language))
    _header, *ranks = msgspec.msgpack.decode(gzip.decompress(packed))
    words = (word for rank in ranks for word in rank)
    return [word for word in words if word.isalpha()][:count]
