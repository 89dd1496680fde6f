"""Files of ``deploy/`` that commands read too: what operators see there is what is done."""

from __future__ import annotations

from pathlib import Path

from pipelines.errors import MarsadError

#: In an installed package, which carries them along, and in a checkout.
_PLACES = (Path(__file__).parent / "definitions", Path(__file__).parents[1] / "deploy")


def read(name: str) -> str:
    """Return a file, named as from ``deploy/``.

    Raises :class:`~pipelines.errors.MarsadError` if this installation lacks it.
    """
    for folder in _PLACES:
        path = folder / name
        if path.is_file():
            return path.read_text(encoding="utf-8")
    raise MarsadError(f"{name} is missing from this installation of Marsad: reinstall it.")
