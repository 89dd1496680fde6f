"""Measures the cross-script keys: ``python -m nlp.training.crossscript_eval --data DIR``.

Sentences written in both scripts with the same number of words are taken as aligned word by
word (a few are not, so no figure can reach 1). Half of them, drawn with a fixed seed, is the
half that the key was chosen on; the other is reported. Two things are asked:

recall
    Do the two spellings of a word meet: by their keys alone, or by key and variants?
precision
    A word is looked for in the texts of the other script, as search does it (its key among keys
    and variants). How many of the words found are written in its place in the parallel text?
    Inflected and differently spelt forms of the same word count as wrong here. And over a
    vocabulary of real posts: with how many other words does a word share its key?
"""

from __future__ import annotations

import gzip
import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import click
import msgspec

from nlp.crossscript import key, variants
from nlp.text import tokenize

#: Sources whose two sides say the same in the same order; the others are machine-made,
#: phonetic, or single words.
SOURCES = ("smartly-rabat-madar", "smartly-sentences", "narabizi-sentences")
_SEED = 1

Pair = tuple[str, str]
Sentence = tuple[str, list[Pair]]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of one set of aligned words; all but the counts lie between 0 and 1."""

    words: int
    types: int
    same_key: float
    meeting: float
    """Share of pairs that meet by key or variants."""
    precision_from_arabic: float
    """Mean over the distinct Arabic words looked for in Latin script."""
    recall_from_arabic: float
    precision_from_latin: float
    recall_from_latin: float


def aligned(data: Path) -> list[Sentence]:
    """Return every usable sentence: its source and its word pairs (Latin, Arabic)."""
    found: list[Sentence] = []
    for row in _rows(data / "text" / "pairs.jsonl.gz"):
        if row["source"] not in SOURCES:
            continue
        latin, arabic = _words(row["latin"]), _words(row["arabic"])
        if len(latin) == len(arabic):
            pairs = zip(latin, arabic, strict=True)
            kept = [pair for pair in pairs if pair[0].isascii() and _arabic(pair[1])]
            found.append((row["source"], kept))
    return found


def halves(sentences: list[Sentence]) -> tuple[list[Sentence], list[Sentence]]:
    """Return the half that choices are made on, and the half that is reported."""
    order = list(sentences)
    random.Random(_SEED).shuffle(order)
    middle = len(order) // 2
    return order[:middle], order[middle:]


def measure(pairs: list[Pair]) -> Report:
    """Return the figures for aligned words."""
    same = sum(key(latin) == key(arabic) for latin, arabic in pairs)
    meeting = sum(not _reach(latin).isdisjoint(_reach(arabic)) for latin, arabic in pairs)
    from_arabic = _search([(arabic, latin) for latin, arabic in pairs])
    from_latin = _search(pairs)
    return Report(
        words=len(pairs),
        types=len(set(pairs)),
        same_key=same / len(pairs),
        meeting=meeting / len(pairs),
        precision_from_arabic=from_arabic[0],
        recall_from_arabic=from_arabic[1],
        precision_from_latin=from_latin[0],
        recall_from_latin=from_latin[1],
    )


def _search(pairs: list[Pair]) -> tuple[float, float]:
    """Look for each distinct first word among the second ones; mean precision and recall."""
    index: dict[str, Counter[str]] = defaultdict(Counter)
    for query, found in pairs:
        for one in _reach(found):
            index[one][query] += 1
    precision = recall = answered = 0.0
    wanted = Counter(query for query, _ in pairs)
    for query, times in wanted.items():
        hits = index[key(query)]
        right, total = hits[query], hits.total()
        recall += right / times
        if total:
            precision += right / total
            answered += 1
    return precision / max(1, answered), recall / len(wanted)


def collisions(words: Iterable[str], vocabulary: Iterable[str]) -> float:
    """Return how many other words of a vocabulary a word meets by its key, on average."""
    sizes: Counter[str] = Counter()
    known = set(vocabulary)
    for word in known:
        sizes.update(_reach(word))
    queries = set(words)
    return sum(sizes[key(q)] - (q in known) for q in queries) / len(queries)


def vocabulary(data: Path, least: int, limit: int) -> list[str]:
    """Return the words that occur at least ``least`` times in the first ``limit`` posts."""
    counts: Counter[str] = Counter()
    for number, row in enumerate(_rows(data / "text" / "unlabelled.jsonl.gz")):
        if number == limit:
            break
        counts.update(w for w in _words(row["text"]) if not w.isdecimal())
    return [word for word, count in counts.items() if count >= least]


@lru_cache(1 << 17)
def _reach(word: str) -> frozenset[str]:
    """Return the keys under which a word stands in an index."""
    return frozenset((key(word), *(v for v in variants(word) if v[0] == "_")))


def _words(text: str) -> list[str]:
    return [t.text.lstrip("#@") for t in tokenize(text) if t.text[0].isalnum() or t.text[0] in "#@"]


def _arabic(word: str) -> bool:
    return any("ء" <= char <= "ي" for char in word)


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        for line in stream:
            yield json.loads(line)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--data",
    type=click.Path(exists=True, path_type=Path),
    required=True,
    help="The data folder (text/pairs.jsonl.gz, text/unlabelled.jsonl.gz).",
)
@click.option("--posts", default=400_000, show_default=True, help="Posts for the vocabulary.")
@click.option("--least", default=5, show_default=True, help="Occurrences that make a word count.")
def main(data: Path, posts: int, least: int) -> None:
    """Print recall and precision of the cross-script keys on held-out aligned words.

    \b
    Example:
      python -m nlp.training.crossscript_eval --data ../shared/data
    """
    chosen_on, held_out = halves(aligned(data))
    sets = {"half of the choice": chosen_on, "held out": held_out}
    for source in sorted({source for source, _ in held_out}):
        sets[f"held out, {source}"] = [s for s in held_out if s[0] == source]
    for name, sentences in sets.items():
        click.echo(f"{name}:")
        pairs = [pair for _, sentence in sentences for pair in sentence]
        for field, value in msgspec.structs.asdict(measure(pairs)).items():
            click.echo(
                f"  {field:22} {value:.3f}" if isinstance(value, float) else f"  {field:22} {value}"
            )
    known = vocabulary(data, least, posts)
    queries = {word for _, sentence in held_out for pair in sentence for word in pair}
    click.echo(f"vocabulary: {len(known)} words that occur at least {least} times")
    click.echo(f"  other words met per word {collisions(queries, known):.1f}")


if __name__ == "__main__":
    main()
