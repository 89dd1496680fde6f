"""Finding names in raw bytes, whatever the encoding: rather one place too many than one too few."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from functools import lru_cache

from pipelines.records import CollectedTombstone

#: Encodings in which a name may stand in raw bytes, besides JSON's escapes.
_ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "cp1252", "cp1256")
_RUNS = re.compile(rb"[0-9a-z]+")
#: A run up to this length stands nearly everywhere.
_SHORT = 3


def searched_names(collected: CollectedTombstone) -> set[str]:
    """Return the names by which dead letters may know what was deleted.

    Raw ones hold the raw account name; those protected before something failed (a post that
    the store or the model refused) its pseudonyms. Of an id also its last part (``set:4711``,
    ``did/post/3kab``), unless it is so short that it would be found everywhere.
    """
    tombstone = collected.tombstone
    if not tombstone.id:
        return {collected.raw_name, tombstone.author, *collected.aliases} - {""}
    natives = [name.partition(":")[2] for name in (tombstone.id, *collected.aliases)]
    names = {collected.raw_name, *natives}
    names |= {last for name in names if len(last := re.split("[:/]", name)[-1]) > _SHORT}
    return names - {""}


def finder(names: Iterable[str]) -> Callable[[bytes], bool] | None:
    """Return a function that says whether raw bytes hold one of the names as a whole word.

    In any case of letters. ``None`` without any names.
    """
    # A stream brings hundreds of deletions a batch: their names are looked up, not searched for.
    words: set[bytes] = set()
    by_run: dict[bytes, set[bytes]] = {}
    others: set[bytes] = set()
    for name in filter(None, names):
        if name.isascii() and name.isalnum():
            words.add(name.lower().encode())
            continue
        for form in _forms(name):
            # Where it stands as a whole word, so does each of its runs of letters and digits.
            run = max(_runs(form), key=len, default=b"")
            (by_run.setdefault(run, set()) if len(run) > _SHORT else others).add(form)
    if not words and not by_run and not others:
        return None

    def named(raw: bytes) -> bool:
        found = set(_runs(raw))
        if not words.isdisjoint(found):
            return True
        near = others.union(*(by_run[run] for run in by_run.keys() & found))
        return bool(near) and _whole(frozenset(near)).search(raw) is not None

    return named


def _runs(raw: bytes) -> list[bytes]:
    """Return what stands between other bytes; without its zeros, UTF-16 is ASCII here."""
    return _RUNS.findall(raw.replace(b"\0", b"").lower())


@lru_cache(maxsize=16)
def _whole(forms: frozenset[bytes]) -> re.Pattern[bytes]:
    """Return what finds one of these as a whole word."""
    longest_first = sorted(forms, key=lambda form: (-len(form), form))
    body = b"|".join(map(re.escape, longest_first))
    return re.compile(rb"(?<![0-9A-Za-z])(?:" + body + rb")(?![0-9A-Za-z])", re.IGNORECASE)


def _forms(name: str) -> set[bytes]:
    """Return the bytes a name may be written in."""
    forms: set[bytes] = set()
    for in_json in (json.dumps(name)[1:-1], json.dumps(name, ensure_ascii=False)[1:-1]):
        for form in (in_json, in_json.replace("/", "\\/")):
            forms.add(form.encode("utf-8", "surrogatepass"))
    for encoding in _ENCODINGS:
        try:
            forms.add(name.encode(encoding))
        except UnicodeEncodeError:
            continue
    return forms
