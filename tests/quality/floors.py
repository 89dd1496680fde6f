"""Floors: what a figure must reach, kept in ``floors.toml``. Pure but for reading and writing it.

A floor lies a margin below what was measured when it was pinned, since processors round products
of small integers differently and a post on the edge may fall to the other side. It rises by itself
when something better is pinned, and falls only if somebody says so (``--lower``).
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.quality.corpora import Figure

FILE = Path(__file__).parent / "floors.toml"

_HEAD = """\
# What the model must reach, on which bytes. Written by `python -m tests.quality.pin`, which raises
# floors; `--lower` lowers them. A name that ends in `.ece` has a ceiling. docs/evaluation.md
"""


@dataclass(frozen=True)
class Pinned:
    """The floors of one corpus."""

    sha256: str
    model: str
    """The model that was measured last, for information."""
    floors: dict[str, float] = field(default_factory=dict)


def margin(posts: int) -> float:
    """Return how far below the measured figure its floor lies: 0.005 and two posts."""
    return 0.005 + 2 / posts


def is_ceiling(name: str) -> bool:
    """Tell whether less is better."""
    return name.endswith(".ece")


def floor_of(name: str, figure: Figure) -> float:
    """Return the floor (or ceiling) of a measured figure, in steps of 0.001."""
    away = margin(figure.posts) if is_ceiling(name) else -margin(figure.posts)
    # rounded first: 684.9999999999999 thousandths are 685
    thousandths = round((figure.value + away) * 1000, 6)
    rounded = math.ceil(thousandths) if is_ceiling(name) else math.floor(thousandths)
    return max(0, rounded) / 1000


def holds(name: str, value: float, floor: float) -> bool:
    """Tell whether a figure is where it must be."""
    return value <= floor if is_ceiling(name) else value >= floor


def raised(name: str, old: float, new: float) -> float:
    """Return the stricter of two floors."""
    return min(old, new) if is_ceiling(name) else max(old, new)


@dataclass(frozen=True)
class Change:
    """What pinning makes of one corpus, and what it refused to do."""

    pinned: Pinned
    refused: list[str]


def repin(
    old: Pinned | None, sha256: str, model: str, found: Mapping[str, Figure], *, lower: bool
) -> Change:
    """Return the floors after a measurement.

    Without ``lower`` no floor falls or goes, and a corpus that changed keeps its floors and its
    hash: another file could be an easier one. What would have had to fall is named as refused.
    """
    new = {name: floor_of(name, figure) for name, figure in found.items()}
    if old is None or lower:
        return Change(Pinned(sha256, model, new), [])
    if old.sha256 != sha256:
        return Change(old, ["the file is not the one the floors were measured on"])
    refused = [
        f"{name}: {found[name].value:.4f}, must be {_side(name)} {floor}"
        for name, floor in old.floors.items()
        if name in found and not holds(name, found[name].value, floor)
    ]
    refused += [f"{name}: not measured any more" for name in old.floors if name not in found]
    kept = dict(old.floors)
    for name, floor in new.items():
        kept[name] = raised(name, kept[name], floor) if name in kept else floor
    return Change(Pinned(sha256, old.model if refused else model, kept), refused)


def _side(name: str) -> str:
    return "at most" if is_ceiling(name) else "at least"


def complaints(pinned: Pinned, sha256: str, found: Mapping[str, Figure]) -> list[str]:
    """Return what is wrong with a measurement, in words; nothing if all floors hold."""
    if sha256 != pinned.sha256:
        return [
            "the file changed since its floors were pinned, so its figures can't be compared with "
            "them. Look at what changed, then pin anew: python -m tests.quality.pin --lower"
        ]
    return [
        f"{name} is not measured any more"
        if name not in found
        else f"{name} is {found[name].value:.4f}, must be {_side(name)} {floor}"
        for name, floor in pinned.floors.items()
        if name not in found or not holds(name, found[name].value, floor)
    ]


def read(path: Path = FILE) -> dict[str, Pinned]:
    """Return the floors of every corpus."""
    if not path.exists():
        return {}
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    return {
        name: Pinned(table["sha256"], table["model"], table["floors"])
        for name, table in tables.items()
    }


def written(pinned: Mapping[str, Pinned]) -> str:
    """Return the file's text."""
    lines = [_HEAD]
    for name, one in pinned.items():
        lines += [f"[{name}]", f'sha256 = "{one.sha256}"', f'model = "{one.model}"', ""]
        lines += [f"[{name}.floors]"]
        lines += [f'"{figure}" = {floor}' for figure, floor in one.floors.items()]
        lines += [""]
    return "\n".join(lines)
