"""Measure corrected trends on simulated studies (``make bench``); see ``tests/pipelines/studies``.

For all languages together and for each alone it prints the mean absolute error of the shares, the
part of the studies that correction makes better than counting, and how many of the nominal 95 %
intervals hold the true share.
"""

from __future__ import annotations

import argparse
import json

from tests.pipelines import studies


def main() -> None:
    """Read the options, simulate, print one JSON object for each kind of study."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=500)
    parser.add_argument("--labels", type=int, nargs="+", default=[100, 200, 400])
    given = parser.parse_args()
    for languages in [studies.LANGUAGES, *((one,) for one in studies.LANGUAGES)]:
        for labels in given.labels:
            found = studies.simulate(range(given.studies), languages, labels)
            print(
                json.dumps(
                    {
                        "languages": "all" if len(languages) > 1 else languages[0],
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
