"""Secrets that stand in files: what containers and Kubernetes mount.

``MARSAD_X_KEY_FILE=/run/secrets/x`` is as good as ``MARSAD_X_KEY`` with what the file holds, and
so for every variable that ends in KEY, TOKEN, BEARER or PASSWORD. A value in the environment
shows in `docker inspect` and in crash reports; a file does not.
"""

from __future__ import annotations

import os
import re
from collections.abc import MutableMapping
from pathlib import Path

from pipelines.errors import SettingsError
from pipelines.settings import _ENVIRONMENT as ENVIRONMENT

_FILE = re.compile(r"(MARSAD_\w+_(?:KEY|TOKEN|BEARER|PASSWORD))_FILE")


def read(environ: MutableMapping[str, str] = os.environ) -> None:
    """Set each secret of which there is a file; line ends at the file's end don't count.

    Raises :class:`SettingsError` if a file can't be read or is empty, or if both are set.
    """
    for name, place in list(environ.items()):
        found = _FILE.fullmatch(name)
        if not found or not place or found[1] in ENVIRONMENT:  # a setting names a file itself
            continue
        variable = found[1]
        if environ.get(variable):
            raise SettingsError(f"{variable} and {name} are both set: keep one of them")
        environ[variable] = _content(name, Path(place))


def _content(name: str, place: Path) -> str:
    try:
        value = place.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"{name} names {place}, which can't be read ({error}): correct the path, or make the "
            "file readable for the user that Marsad runs as"
        ) from error
    if not value:
        raise SettingsError(f"{name} names {place}, which is empty: put the secret into it")
    return value
