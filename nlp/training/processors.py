"""Compare the shipped network's scores between processors: ``python -m nlp.training.processors``.

Write the probabilities of the sample archive on one machine and compare them on another, or on the
same one with instruction sets switched off. QEMU's user mode has no AVX-512 and no VNNI::

    python -m nlp.training.processors --write scores.npy
    qemu-x86_64 -cpu Haswell PYTHON -m nlp.training.processors --compare scores.npy
"""

from __future__ import annotations

from pathlib import Path

import click
import msgspec
import numpy as np

from nlp.onnx_model import OnnxModel
from nlp.sentiment import SHIPPED

_ROOT = Path(__file__).parents[2]
_SAMPLE = _ROOT / "ingest" / "watchlists" / "morocco-2016" / "sample.ndjson"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--model", type=click.Path(path_type=Path), default=SHIPPED, help="A model folder.")
@click.option("--posts", type=click.Path(exists=True, path_type=Path), default=_SAMPLE)
@click.option("--limit", default=0, help="Only the first posts (0: all).")
@click.option("--write", type=click.Path(path_type=Path), help="Write probabilities here (.npy).")
@click.option("--compare", type=click.Path(exists=True, path_type=Path), help="Such a file.")
def main(model: Path, posts: Path, limit: int, write: Path | None, compare: Path | None) -> None:
    """Score posts; write the probabilities or say how far they are from those of a file."""
    lines = posts.read_bytes().splitlines()[: limit or None]
    found = OnnxModel(model).predict([msgspec.json.decode(line)["text"] for line in lines])
    if write is not None:
        np.save(write, found)
    if compare is not None:
        other = np.load(compare)[: len(found)]
        apart = np.abs(found - other)
        labels = int((found.argmax(1) != other.argmax(1)).sum())
        click.echo(
            f"{len(found)} posts: probabilities differ by at most {apart.max():.6f} "
            f"(mean {apart.mean():.6f}); {labels} labels differ"
        )


if __name__ == "__main__":
    main()
