"""Where and with which numbers to train: a GPU if there is one, bfloat16 where it is quicker."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

_TRIALS = 3


def device() -> torch.device:
    """Return the first GPU that torch sees, or the processor."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def precision(run: Callable[[torch.dtype], None], where: torch.device) -> torch.dtype:
    """Return bfloat16 or float32: whichever `run` (one training step's products) ends sooner in.

    A processor without bfloat16 emulates it, ten times slower than float32; one with AMX takes a
    third of the time. So both are timed, the best of three runs each after one that warms up.
    """
    if where.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    best: dict[torch.dtype, float] = {}
    for kind in (torch.float32, torch.bfloat16):
        run(kind)
        times = []
        for _ in range(_TRIALS):
            start = time.process_time()
            run(kind)
            times.append(time.process_time() - start)
        best[kind] = min(times)
    chosen = min(best, key=lambda kind: best[kind])
    told = ", ".join(f"{kind} {seconds:.3f} s" for kind, seconds in best.items())
    print(f"precision: {chosen} ({told} of processor time a step)", flush=True)
    return chosen
