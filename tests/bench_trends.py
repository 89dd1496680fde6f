"""Measure corrected trends on simulated studies (``make bench``); see ``tests/pipelines/studies``.

For all languages together and for each alone it prints the mean absolute error of the shares, the
part of the studies that correction makes better than counting, and how many of the nominal 95 %
intervals hold the true share.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator

import numpy as np

from tests.pipelines import studies

#: Studies that are sampled at once: their draws take some 80 MB for five languages.
_AT_ONCE = 50


def simulated(number: int, languages: tuple[str, ...], labels: int) -> studies.Outcome:
    """Simulate so many studies, some at a time."""

    def parts() -> Iterator[studies.Outcome]:
        for first in range(0, number, _AT_ONCE):
            seeds = range(first, min(first + _AT_ONCE, number))
            yield studies.simulate(seeds, languages, labels)

    return studies.Outcome(*map(np.concatenate, zip(*parts(), strict=True)))


def main() -> None:
    """Read the options, simulate, print one JSON object for each kind of study."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=500)
    parser.add_argument("--labels", type=int, nargs="+", default=[100, 200, 400])
    parser.add_argument("--languages", nargs="+", default=["all", *studies.LANGUAGES])
    given = parser.parse_args()
    for name in given.languages:
        languages = studies.LANGUAGES if name == "all" else (name,)
        for labels in given.labels:
            found = simulated(given.studies, languages, labels)
            print(
                json.dumps(
                    {
                        "languages": name,
                        "labels": labels,
                        "studies": given.studies,
                        "error_corrected": round(float(found.corrected.mean()), 4),
                        "error_counted": round(float(found.counted.mean()), 4),
                        "better": round(found.better, 3),
                        "intervals_hold": round(float(found.held.mean()), 3),
                    }
                ),
                flush=True,
            )


if __name__ == "__main__":
    main()
