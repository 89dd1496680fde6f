"""What a finished model says of the training posts: soft labels for the next training.

A model that learns from another one's probabilities beside the annotators' labels is corrected
where a label is a slip, and can learn from posts without any label (Hinton et al. 2015,
arXiv:1503.02531; Furlanello et al. 2018, "Born-again neural networks", arXiv:1805.04770).
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nlp.onnx_model import OnnxModel
from nlp.training.data import GROUPS, UNLABELLED, Licence, Row, labelled, without_label

_PART = 10_000
_FILE = "part-{:04}.npz"
_SEED = 7
#: Passes over the groups whose draws get a vote.
PASSES = 3


class Votes:
    """The probabilities of texts, by a digest of the text; as `ask` left them in a folder."""

    def __init__(self, folder: Path) -> None:
        """Read the folder; one that does not exist holds none."""
        parts = [np.load(path) for path in sorted(folder.glob("part-*.npz"))]
        keys = [key for part in parts for key in part["keys"].tolist()]
        self._places = {key: place for place, key in enumerate(keys)}
        votes = [part["votes"].astype(np.float32) for part in parts]
        self._votes = np.concatenate(votes) if votes else np.zeros((0, 3), np.float32)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, text: str) -> bool:
        return _key(text) in self._places

    def __getitem__(self, text: str) -> NDArray[np.float32]:
        """Return the probabilities of negative, neutral, positive. Raises `KeyError`."""
        vote = self._votes[self._places[_key(text)]]
        return np.asarray(vote / vote.sum())


def rows(data: Path, votes: Votes, licence: Licence = "all") -> list[Row]:
    """Return the posts without a label that have a vote, under the label that it favours."""
    return [
        Row(text, int(votes[text].argmax()), lang, UNLABELLED)
        for text, lang in without_label(data, licence)
        if text in votes
    ]


def ask(
    teacher: Path,
    data: Path,
    folder: Path,
    threads: int,
    own: Path | None = None,
    passes: int = PASSES,
    licence: Licence = "all",
) -> Votes:
    """Ask the model in `teacher` for the posts to train on that `folder` does not hold yet.

    Of large groups, as many posts as are drawn in `passes` passes: further labelled posts keep
    their label alone, further posts without one are not learned from. Each part is written when it
    is done, so that an interrupted call goes on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    known = Votes(folder)
    found = labelled(data, "train", own, licence)
    found += [Row(text, 1, lang, UNLABELLED) for text, lang in without_label(data, licence)]
    taken: Counter[str] = Counter()
    texts = list[str]()
    for row in random.Random(_SEED).sample(found, len(found)):
        taken[row.group] += 1
        if taken[row.group] <= passes * GROUPS.get(row.group, len(found)):
            texts.append(row.text)
    waiting = [text for text in dict.fromkeys(texts) if text not in known]
    model = OnnxModel(teacher, threads)
    for start in range(0, len(waiting), _PART):
        some = waiting[start : start + _PART]
        path = folder / _FILE.format(len(list(folder.glob("part-*.npz"))))
        part = path.with_suffix(".part")
        with part.open("wb") as out:
            keys = np.array([_key(text) for text in some], np.uint64)
            np.savez(out, keys=keys, votes=model.predict(some).astype(np.float16))
        part.replace(path)
        print(f"votes {min(start + _PART, len(waiting))} of {len(waiting)}", flush=True)
    return Votes(folder)


def _key(text: str) -> int:
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big")
