"""Where and with which numbers to train: a GPU if there is one, bfloat16 where it is quicker."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

_TRIALS = 3
#: How many times as long a first run may take before the others are spared.
_HOPELESS = 3.0


def device() -> torch.device:
    """Return the first GPU that torch sees, or the processor."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def precision(run: Callable[[torch.dtype], None], where: torch.device) -> torch.dtype:
    """Return bfloat16 or float32: whichever `run` (one training step's products) ends sooner in.

    A processor without bfloat16 emulates it, ten to eighty times slower than float32; one with AMX
    takes a third of the time. So both are timed, the best of three runs each after one that warms
    up; where that one already takes three times as long as float32, it is the only one.
    """
    if where.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    best: dict[torch.dtype, float] = {}
    for kind in (torch.float32, torch.bfloat16):
        first = _seconds(run, kind)
        if first > _HOPELESS * min(best.values(), default=first):
            best[kind] = first
            continue
        best[kind] = min(_seconds(run, kind) for _ in range(_TRIALS))
    chosen = min(best, key=lambda kind: best[kind])
    told = ", ".join(f"{kind} {seconds:.3f} s" for kind, seconds in best.items())
    print(f"precision: {chosen} ({told} of processor time a step)", flush=True)
    return chosen


def _seconds(run: Callable[[torch.dtype], None], kind: torch.dtype) -> float:
    start = time.process_time()
    run(kind)
    return time.process_time() - start
