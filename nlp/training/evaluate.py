"""Step 7: how good it is, on posts neither trained nor calibrated on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from nlp import language
from nlp.error_tables import Data, ErrorFile, tables
from nlp.evaluation import Judgement
from nlp.model_input import prepare
from nlp.onnx_model import script
from nlp.training import measures
from nlp.training.data import LABELS, WITHOUT_NEUTRAL, Row

Floats = npt.NDArray[np.float32]
_FEWEST = 20
#: Where the groups of posts by words and by the confidence in what is said begin.
LENGTHS = (0, 6, 16, 31)
CONFIDENCES = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9)


def figures(probabilities: Floats, gold: npt.NDArray[np.int64]) -> dict[str, Any]:
    """Measures of one set of posts; `confusion` has a row for each true label.

    `macro_f1_95` bounds macro F1 at 95 %, by a bootstrap over posts (`nlp.measures.resampled`).
    """
    said = probabilities.argmax(1)
    table = measures.confusion(gold, said)
    drawn = measures.resampled(
        gold * measures.CLASSES + said,
        np.arange(len(gold)),
        measures.CLASSES,
        np.random.default_rng(0),
    )
    low, high = np.percentile(measures.macro_f1s(drawn), (2.5, 97.5))
    return {
        "posts": len(gold),
        "accuracy": round(measures.accuracy(table), 4),
        "weighted_f1": round(measures.weighted_f1(table), 4),
        "macro_f1": round(measures.macro_f1(table), 4),
        "macro_f1_95": [round(float(low), 4), round(float(high), 4)],
        "polar_f1": round(float(measures.f1(table)[[0, 2]].mean()), 4),
        "ece": round(measures.calibration_error(probabilities, gold), 4),
        "confusion": table.tolist(),
    }


def report(rows: Sequence[Row], probabilities: Floats) -> dict[str, dict[str, Any]]:
    """Return figures by language, script, source, length and confidence, and over all.

    Groups under 20 posts are left out.
    """
    gold = np.array([row.label for row in rows])
    keys: dict[str, Callable[[Row], str]] = {
        "language": lambda row: row.lang,
        "script": lambda row: script(prepare(row.text)),
        "source": lambda row: row.group,
        "length": lambda row: _grade(len(prepare(row.text).split()), LENGTHS, "words"),
    }
    result: dict[str, dict[str, Any]] = {"all": {"all": figures(probabilities, gold)}}
    groups = {name: [key(row) for row in rows] for name, key in keys.items()}
    groups["confidence"] = [_grade(sure, CONFIDENCES) for sure in probabilities.max(1).tolist()]
    for name, values in groups.items():
        names = np.array(values)
        result[name] = {}
        for value in sorted(set(names.tolist())):
            here = names == value
            if here.sum() >= _FEWEST:
                result[name][value] = figures(probabilities[here], gold[here])
    return result


def _grade(value: float, begins: Sequence[float], unit: str = "") -> str:
    """Return the name of the group that `value` is in: "6-15 words", "from 0.9"."""
    place = max(number for number, begin in enumerate(begins) if value >= begin)
    if place == len(begins) - 1:
        return f"from {begins[-1]} {unit}".strip()
    end = begins[place + 1]
    last = f"{end - 1}" if unit else f"{end}"
    return f"{begins[place]}-{last} {unit}".strip()


def error_file(
    rows: Sequence[Row], probabilities: Floats, model: str, data: Data
) -> dict[str, Any]:
    """Confusion and mean probabilities by group, for the correction of trends.

    Sets without a neutral class are left out: they cannot say how often neutral is missed. The
    format is that of `nlp.error_tables.ErrorFile`, as ``marsad evaluate --errors`` writes it.
    """
    identified = language.identify([row.text for row in rows])
    judgements = [
        Judgement(
            unit=place,
            gold=LABELS[row.label],
            said=LABELS[int(chances.argmax())],
            confidence=float(chances.max()),
            probabilities=tuple(map(float, chances)),
            language=row.lang,
            script=script(prepare(row.text)),
            source=row.source,
            identified=known.label,
        )
        for place, (row, chances, known) in enumerate(
            zip(rows, probabilities, identified, strict=True)
        )
    ]
    use = [one for one in judgements if one.source not in WITHOUT_NEUTRAL]
    left_out = Counter(one.source for one in judgements if one.source in WITHOUT_NEUTRAL)
    file = ErrorFile(
        model=model, data=data, left_out=dict(left_out), sentiment=tables(use), targets={}
    )
    found: dict[str, Any] = msgspec.to_builtins(file)
    return found


def lines(tables: dict[str, dict[str, Any]]) -> str:
    """Return a report as a Markdown table."""
    head = "| by | what | posts | macro F1 (95 %) | weighted F1 | accuracy | ECE |"
    rows = [head, "| --- | --- | ---: | ---: | ---: | ---: | ---: |"]
    for kind, values in tables.items():
        for value, one in values.items():
            numbers = [one[key] for key in ("weighted_f1", "accuracy", "ece")]
            low, high = one["macro_f1_95"]
            cells = f"{one['macro_f1']:.3f} ({low:.2f}-{high:.2f}) | "
            cells += " | ".join(f"{number:.3f}" for number in numbers)
            rows.append(f"| {kind} | {value} | {one['posts']} | {cells} |")
    return "\n".join(rows)
