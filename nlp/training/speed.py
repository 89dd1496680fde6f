"""How fast the finished model is beside the untrimmed one in torch.

``python -m nlp.training.speed --data DIR --work DIR``: posts of about 30 pieces, tokenisation
included, the two measured in turn several times, since other work on the machine comes and goes.
With one thread, processor time says more than the clock on a busy machine (``--processor-time``).
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import torch
from tokenizers import Tokenizer

from nlp import sentiment
from nlp.training import data

_SHORTEST, _LONGEST = 25, 35


def posts(folder: Path, tokenizer: Tokenizer, count: int) -> list[str]:
    """Return `count` distinct training posts of 25 to 35 pieces of the untrimmed vocabulary."""
    texts = dict.fromkeys(row.text for row in data.read_rows(folder / "sentiment" / "train.jsonl"))
    chosen = []
    for text in texts:
        if len(text) < 250 and _SHORTEST <= len(tokenizer.encode(text).ids) <= _LONGEST:
            chosen.append(text)
        if len(chosen) == count:
            break
    return chosen


def untrimmed(base: Path, threads: int) -> Callable[[list[str]], Any]:
    """Return the starting model as a `transformers.pipeline` (float32, batches of 32)."""
    import transformers
    from transformers import BertForSequenceClassification, pipeline

    fast: Any = transformers.PreTrainedTokenizerFast

    torch.set_num_threads(threads)
    tokenizer = fast(
        tokenizer_file=str(base / "tokenizer.json"), pad_token="<pad>", unk_token="<unk>"
    )
    model: Any = BertForSequenceClassification.from_pretrained(base / "bert", num_labels=3)
    run: Any = pipeline("text-classification", model=model.eval(), tokenizer=tokenizer)
    return lambda texts: run(texts, batch_size=32, truncation=True, max_length=128)


def _rate(run: Callable[[list[str]], Any], texts: list[str], clock: Callable[[], float]) -> float:
    start = clock()
    run(texts)
    return len(texts) / (clock() - start)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--data", "folder", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--work", type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--posts", "count", default=640, show_default=True)
@click.option("--rounds", default=5, show_default=True)
@click.option("--threads", default=2, show_default=True)
@click.option("--processor-time", is_flag=True, help="Count processor time, not the clock.")
def main(
    folder: Path, work: Path, count: int, rounds: int, threads: int, processor_time: bool
) -> None:
    """Print posts per second of both models, the median of all rounds, as JSON."""
    base = work / "base"
    texts = posts(folder, Tokenizer.from_file(str(base / "tokenizer.json")), count)
    slow, quick = untrimmed(base, threads), sentiment.load(threads=threads).predict
    clock = time.process_time if processor_time else time.perf_counter
    slow(texts[:32])
    quick(texts[:32])
    rates: dict[str, list[float]] = {"untrimmed": [], "shipped": []}
    for _ in range(rounds):
        rates["untrimmed"].append(_rate(slow, texts[: count // 4], clock))
        rates["shipped"].append(_rate(quick, texts, clock))
    ratios = [b / a for a, b in zip(*rates.values(), strict=True)]
    found = {name: round(statistics.median(values), 1) for name, values in rates.items()}
    click.echo(json.dumps({**found, "times": round(statistics.median(ratios), 2)}))


if __name__ == "__main__":
    main()
