"""Measure the shipped model and pin its floors: ``python -m tests.quality.pin [--lower]``."""

from __future__ import annotations

import argparse
import sys

from tests.quality import floors
from tests.quality.corpora import CORPORA, figures, measured


def main() -> int:
    """Measure every corpus that is there, raise its floors, and return an exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.quality.pin", description=__doc__)
    parser.add_argument(
        "--lower",
        action="store_true",
        help="let floors fall to what is measured now, and accept files that changed",
    )
    parser.add_argument("--only", choices=CORPORA, help="one corpus")
    options = parser.parse_args()
    pinned = floors.read()
    refused = 0
    for name, corpus in CORPORA.items():
        if options.only not in {None, name}:
            continue
        if not corpus.path.exists():
            print(f"{name}: not here, its floors stay ({corpus.path.name}; set MARSAD_DATA)")
            continue
        report = measured(name)
        found = figures(report)
        change = floors.repin(
            pinned.get(name), report.data.sha256, report.model, found, lower=options.lower
        )
        for reason in change.refused:
            refused += 1
            print(f"{name}: {reason}")
        pinned[name] = change.pinned
        print(f"\n{name}: {report.data.rows:,} posts, {report.model}")
        for figure, floor in change.pinned.floors.items():
            value = f"{found[figure].value:.4f}" if figure in found else "-"
            print(f"  {figure:44} {value:>7}   {floor:.3f}")
    order = [name for name in CORPORA if name in pinned]
    floors.FILE.write_text(floors.written({name: pinned[name] for name in order}), encoding="utf-8")
    if refused:
        print(f"\n{refused} floors do not hold and were left as they are; --lower lowers them.")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
