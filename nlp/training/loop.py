"""The training loop of steps 3 and 4: one schedule, checkpoints that survive a stop.

The rate rises over the first `WARM_UP` of the way and falls to zero in a straight line. The way
is measured in steps or, with a time budget, in the larger of both shares, so that a run on a busy
machine still ends with a small rate instead of being cut off in the middle.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

WARM_UP = 0.05
_SAVE_EVERY = 240.0
_LOG_EVERY = 50


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how fast to train.

    `steps` is the number of batches, `rate` the highest learning rate, `seconds` a limit on the
    time spent in training (0: none).
    """

    steps: int
    rate: float
    seconds: float = 0.0
    weight_decay: float = 0.01


def rate_at(progress: float) -> float:
    """Share of the highest rate at `progress` from 0 to 1."""
    if progress < WARM_UP:
        return progress / WARM_UP
    return max(0.0, (1.0 - progress) / (1.0 - WARM_UP))


def _optimizer(model: torch.nn.Module, plan: Plan) -> torch.optim.AdamW:
    plain: list[torch.nn.Parameter] = []
    decayed: list[torch.nn.Parameter] = []
    for name, weight in model.named_parameters():
        (plain if weight.ndim < 2 or "embeddings" in name else decayed).append(weight)
    groups = [
        {"params": decayed, "weight_decay": plan.weight_decay},
        {"params": plain, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=plan.rate, betas=(0.9, 0.98), eps=1e-6, fused=True)


def train(
    model: torch.nn.Module,
    batches: Callable[[int], Iterator[Any]],
    loss_of: Callable[[Any], torch.Tensor],
    plan: Plan,
    checkpoint: Path,
    watch: Callable[[int], None] | None = None,
) -> None:
    """Train `model` in place; go on from `checkpoint` if it is there.

    `batches(step)` yields the batches from that step on and must give the same ones for the same
    step; `watch` is called eight times on the way and at the end with the step.
    """
    optimizer = _optimizer(model, plan)
    step, spent = 0, 0.0
    if checkpoint.exists():
        where = next(model.parameters()).device
        saved = torch.load(checkpoint, weights_only=True, map_location=where)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        step, spent = saved["step"], saved["seconds"]
        print(f"going on from step {step}", flush=True)

    def save() -> None:
        checkpoint.parent.mkdir(parents=True, exist_ok=True)
        part = checkpoint.with_suffix(".part")
        state = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
        torch.save({**state, "step": step, "seconds": spent}, part)
        part.replace(checkpoint)

    begun = time.monotonic() - spent
    saved_at, mean, watched = time.monotonic(), 0.0, 0
    model.train()
    for batch in batches(step):
        progress = step / plan.steps
        if plan.seconds:
            progress = max(progress, spent / plan.seconds)
        if progress >= 1.0:
            break
        for group in optimizer.param_groups:
            group["lr"] = plan.rate * rate_at(progress)
        loss = loss_of(batch)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        step += 1
        spent = time.monotonic() - begun
        mean = loss.item() if step == 1 else 0.98 * mean + 0.02 * loss.item()
        if step % _LOG_EVERY == 0:
            share = f"{progress:6.1%}"
            print(f"step {step:6d} {share} loss {mean:.4f} {spent:7.0f} s", flush=True)
        if time.monotonic() - saved_at > _SAVE_EVERY:
            save()
            saved_at = time.monotonic()
        if watch is not None and progress * 8 >= watched + 1:
            watched = int(progress * 8)
            watch(step)
            model.train()
    save()
    if watch is not None:
        watch(step)
