"""The data sheet of an export: what a reader must know before trusting a figure made from it.

Its questions are those of *Datasheets for Datasets* (Gebru and others 2021, Commun. ACM
64(12):86-92), as far as they can be answered from what is stored. What only the authors of the
study know is asked for in brackets.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import nlp
from pipelines.export.about import Account, Facts, many

NAME = "DATASHEET.md"
_LABELS = ("negative", "neutral", "positive")


def datasheet(account: Account, facts: Facts) -> str:
    """Return ``DATASHEET.md``."""
    days = f"{account.first_day} to {account.last_day}" if account.first_day else "no usable dates"
    sections = {
        "Question": ["[What was to be found out? Fill in.]"],
        "What is in it": _contents(account, facts, days),
        "Where it comes from": [
            *(f"{name or 'unknown'}: {many(posts)}" for name, posts in account.sources.items()),
            *(f"Not read: {gap}" for gap in facts.gaps),
            "" if facts.gaps else "No interruption of a source is recorded.",
            "Of the time before a source was first read, and of what an archive left out, nothing "
            "is known.",
        ],
        "Languages": [
            *(f"{name or 'unknown'}: {many(posts)}" for name, posts in account.languages.items()),
        ],
        "Duplicates": [
            f"{facts.ledger.duplicate:,} records of the store were duplicates of others and count "
            "once. Reposts are posts of their own.",
        ],
        "Model": [
            f"Language and sentiment: {', '.join(account.models) or 'none'}. Every label is a "
            "guess; part of the posts that it labels as people did, on posts of other topics:",
            *_errors(list(account.languages)),
            f"Licence of the weights: {_model()['licence']}",
        ],
        "People": [
            "Posts were published by people who did not agree to be in a study. Whoever wants to "
            "be left out can ask: [name and address of the study's authors; fill in]. "
            "`marsad delete` removes a post or an account, `marsad export purge-list` says which "
            "rows of this folder must go then.",
            f"{carry(account.plain_authors)}, for this reason: {facts.reason}"
            if account.plain_authors else "",
        ],
        "What it cannot say": [
            "These are posts that could be collected, not opinions of a population: who does not "
            "post, posts in private, or was deleted before is not in it.",
            "Shares of labels carry the errors above; for figures, correct them with labels of "
            "your own (`marsad label sample`, `marsad trends`).",
            "An empty day says that the store holds nothing of it, not that nobody wrote.",
        ],
    }  # fmt: skip
    lines = ["# Data sheet", ""]
    if account.fictional:
        are = "is" if account.fictional == 1 else "are"
        lines += [f"**{account.fictional:,} of these posts {are} fictional.**", ""]
    for title, words in sections.items():
        lines += [f"## {title}", "", *(f"- {one}" for one in words if one), ""]
    return "\n".join(lines)


def carry(posts: int) -> str:
    """Return that so many posts carry raw account names."""
    if posts == 1:
        return "1 post carries the raw account name of its author"
    return f"{posts:,} posts carry the raw account names of their authors"


def _contents(account: Account, facts: Facts, days: str) -> Sequence[str]:
    filters = "; ".join(
        f"{name}: {value if isinstance(value, str) else ', '.join(value)}"
        for name, value in facts.filters.items()
    )
    return [
        f"{many(account.posts)}, {days} ({facts.timezone})",
        f"Query: {facts.query or 'all posts'}{f'; {filters}' if filters else ''}",
        f"Denominator: {many(facts.all_posts)} in the store in these days."
        if facts.all_posts
        else "",
        f"Sample: {facts.sampled}" if facts.sampled else "All posts of the store that match.",
        f"Without a usable date: {many(account.without_day)}." if account.without_day else "",
        f"Watchlists: {', '.join(account.watchlists)}",
        f"Level: {account.level}",
    ]


def _errors(languages: Sequence[str]) -> list[str]:
    tables = _model()["errors"]["sentiment"]["identified"]
    lines = []
    for name in languages:
        if name not in tables:
            lines.append(f"{name or 'unknown'}: not measured")
            continue
        counts = tables[name]["confusion"]
        posts = sum(map(sum, counts))
        right = sum(counts[place][place] for place in range(3)) / posts
        recalls = ", ".join(
            f"{label} {counts[place][place] / max(sum(counts[place]), 1):.0%}"
            for place, label in enumerate(_LABELS)
        )
        lines.append(f"{name}: {right:.0%} of {posts:,} (found: {recalls})")
    return lines


@cache
def _model() -> dict[str, Any]:
    path = Path(nlp.__file__).parent / "model" / "model.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
