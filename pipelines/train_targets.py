"""Train the attitudes towards entities on the labelled posts of a case.

``python -m pipelines.train_targets CASE --sample FILE``

It stands here because it needs both the watchlist, which finds the mentions, and the learner.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from ingest.watchlist import loader as watchlist
from nlp import sentiment
from nlp.linear import FOLDER
from nlp.training import named
from nlp.training.data import read_lines
from nlp.training.named import Labelled, Named
from nlp.training.targets import train
from pipelines.stages import Finder


def labelled(path: Path, name: str) -> list[Labelled]:
    """Return the posts of `path` with their labels and what the watchlist `name` finds in them."""
    finder = Finder(watchlist.load(name))
    return [
        Labelled(
            item["text"],
            tuple(
                Named(found.entity, found.kind, found.start, found.end)
                for found in finder.mentions(item["text"])
            ),
            item["labels"]["targets"],
        )
        for item in read_lines(path)
    ]


def main() -> None:
    """Train and print the cross-validated figures."""
    parser = argparse.ArgumentParser(description="Train the attitudes towards entities.")
    parser.add_argument("watchlist", help="name, file or folder of the case's watchlist")
    parser.add_argument("--sample", type=Path, required=True, help="labelled posts (NDJSON)")
    parser.add_argument("--plain", type=Path, help="labelled posts in plain words (NDJSON)")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--licence", choices=("all", "free"), default="all")
    parser.add_argument("--checkpoint", help="sentiment model: a folder or a Hugging Face name")
    parser.add_argument("--out", type=Path, default=FOLDER / "targets.npz")
    options = parser.parse_args()
    posts = labelled(options.sample, options.watchlist)
    model = sentiment.load(options.checkpoint)
    plain = labelled(options.plain, options.watchlist) if options.plain else []
    real = named.read(options.data, options.licence)
    print(json.dumps(train(posts, options.out, model, real, plain), indent=1))


if __name__ == "__main__":
    main()
