"""The shipped folder: network, tokenizer, and ``model.json`` with what is known about them."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from nlp import model_input
from nlp.network import LOWER, UPPER
from nlp.sentiment import LABELS
from nlp.training.rows import Licence

#: A post with nothing to read says nothing: neutral, but not certainly so.
BLANK = (0.05, 0.9, 0.05)

#: Where the labels came from, with the licence each collection states.
SOURCES: dict[str, str] = {
    "afrisenti_ary, afrisenti_arq": "CC BY-NC-SA 4.0",
    "umsab_french, umsab_arabic, umsab_english": "Apache-2.0 (repository)",
    "deft2017_t1": "CeCILL",
    "arsarcasm_v2": "MIT",
    "mac": "none stated",
    "elecmorocco2016": "none stated",
    "myc_cleaned": "none stated",
    "tsac": "LGPL-3.0",
    "tunizi, tunizi70k": "none stated",
    "narabizi": "CC BY-SA 4.0",
    "ma_youtube": "none stated",
    "dz_brands, dz_youtube": "none stated",
    "twifil": "CC BY-NC-SA",
    "arsas, marsa": "cite the papers",
    "mawqif": "none stated",
    "semeval_en": "terms of the task",
    "airline_en": "none stated",
    "bank_fr": "none stated",
    "read, read_telecom, read_myc (labels of this project, made by reading post by post; texts out "
    "of collections without labels, myc_cleaned, reviews of one operator)": "texts: none stated",
    "read_nc (the same; texts of twifil and smartly)": "texts: twifil CC BY-NC-SA, smartly "
    "CC BY-NC",
    "votes of AfriSenti's annotators": "CC BY-NC-SA 4.0",
    "wordfreq (frequent words, for the language identifier)": "CC BY-SA 4.0",
    "own (invented posts of a case, its training.ndjson), moods (short sentences of this project, "
    "moods.toml)": "CC0-1.0",
    "posts without labels: myc-raw, nanaa1304-youtube, elhadrati, youssefs-youtube, mehdi, "
    "hespress-comments, omcd, djalil21-dz-comments, ynsaid-dz-youtube, fodilb, "
    "zindi-tunisian-arabizi, mlma": "none stated",
    "posts without labels: smartly-domain, smartly-atlasia-youtube": "CC BY-NC",
    "multilingual-e5-small (starting weights)": "MIT",
}
#: The files of a finished model, in the order in which they are made.
FILES = (LOWER, UPPER, "tokenizer.json", "linear.npz", "model.json")
#: What the sources ask of weights: "all" of AfriSenti and TWIFIL, "free" of NArabizi and wordfreq.
WEIGHTS_LICENCE: dict[Licence, str] = {"all": "CC BY-NC-SA 4.0", "free": "CC BY-SA 4.0"}


def sources_of(licence: Licence) -> dict[str, str]:
    """Return what weights were learned from: with "free", nothing for non-commercial use."""
    return {
        name: terms for name, terms in SOURCES.items() if licence == "all" or "BY-NC" not in terms
    }


def parts_of(network: Path) -> list[Path]:
    """Return the file of a network and, if its upper layers are apart, theirs."""
    return [path for path in (network, network.with_name(UPPER)) if path.exists()]


def copy(source: Path, target: Path) -> None:
    """Copy a finished model; files of `target` that `source` lacks go."""
    for name in FILES:
        (target / name).unlink(missing_ok=True)
        if (source / name).exists():
            shutil.copyfile(source / name, target / name)


def version_of(
    network: Path,
    tokenizer: Path,
    calibration: dict[str, Any],
    linear: str | None,
    alone: dict[str, Any] | None = None,
    early: dict[str, Any] | None = None,
) -> str:
    """Name of a model: it changes when anything that could change a score does.

    `network` is the file of the lower layers; that of the upper ones stands beside it, if any.
    """
    digest = hashlib.sha256()
    for path in parts_of(network):
        digest.update(path.read_bytes())
    digest.update(tokenizer.read_bytes())
    digest.update(json.dumps(calibration, sort_keys=True).encode())
    digest.update(f"{model_input.VERSION} {linear}".encode())
    for one in (alone, early):
        if one:
            digest.update(json.dumps(one, sort_keys=True).encode())
    return f"marsad-e5-{digest.hexdigest()[:8]}"


def write(
    target: Path,
    network: Path,
    tokenizer: Path,
    longest: int,
    linear: str | None = None,
    calibration: dict[str, Any] | None = None,
    more: dict[str, Any] | None = None,
    alone: dict[str, Any] | None = None,
    early: dict[str, Any] | None = None,
    licence: Licence = "all",
) -> None:
    """Write a folder that `nlp.sentiment.load` can read; `more` goes into model.json as it is.

    `linear` is the version of the linear model that `target`/linear.npz must hold, if it is joined;
    `alone` is when and how it decides without the network, `early` the same of the lower layers.
    `licence` is what the sources of training were chosen by.
    """
    same = {"scale": [1.0] * 3, "shift": [0.0] * 3}
    calibration = calibration or {"arabic": same, "latin": same}
    target.mkdir(parents=True, exist_ok=True)
    sources = [*zip(parts_of(network), (LOWER, UPPER), strict=False), (tokenizer, "tokenizer.json")]
    for source, name in sources:
        if source.resolve() != (target / name).resolve():
            shutil.copyfile(source, target / name)
    facts = {
        "version": version_of(network, tokenizer, calibration, linear, alone, early),
        **({"linear": linear} if linear else {}),
        "labels": LABELS,
        "licence": WEIGHTS_LICENCE[licence],
        "input": model_input.VERSION,
        "longest": longest,
        "blank": BLANK,
        "calibration": calibration,
        **({"alone": alone} if alone else {}),
        **({"early": early} if early else {}),
        "sources": sources_of(licence),
        **(more or {}),
    }
    text = json.dumps(facts, ensure_ascii=False, indent=1)
    (target / "model.json").write_text(text + "\n", encoding="utf-8")
