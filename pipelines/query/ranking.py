"""Relevance: which of the posts that match say most of what was asked.

Each word of the query is worth its inverse document frequency (Spärck Jones 1972, J. Doc.
28:11-21): full where a post has it as it is spelt, half where only another spelling (a
cross-script match) is there. The weights are whole numbers, so that every store adds them up to
the same sum. Of the posts with the highest sums those come first whose words are mostly asked
for: the sum is divided by the weight of a text of that length.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from nlp.text import tokenize
from pipelines.query.highlight import highlight
from pipelines.query.nodes import And, Node, Not, Or, Phrase, Prefix, Word
from pipelines.records import Hit

#: What a whole word is worth at most, as a whole number.
_UNIT = 100
#: An inexact spelling is worth this part of an exact one.
_FUZZY = 0.5
#: Candidates that are compared by their length.
CANDIDATES = 200
#: How much length counts (b of BM25, Robertson and Zaragoza 2009).
_LENGTH = 0.75
_USUAL_TOKENS = 12


class Clause(NamedTuple):
    """What a match adds to the weight of a post."""

    node: Node
    weight: int


def words(query: Node) -> Iterator[Word | Phrase | Prefix]:
    """Yield the words that a match may have; those that are left out do not count."""
    match query:
        case Word() | Phrase() | Prefix():
            yield query
        case And(nodes) | Or(nodes):
            for node in nodes:
                yield from words(node)
        case Not():
            return


def clauses(query: Node, count: Callable[[Node], int], posts: int) -> list[Clause]:
    """Return the clauses of a query; ``count`` tells how many of the ``posts`` match a node."""
    found: list[Clause] = []
    for word in dict.fromkeys(words(query)):
        fuzzy = _weight(count(word), posts)
        if isinstance(word, Word) and not word.literal:
            found.append(Clause(word, int(fuzzy * _FUZZY)))
            exact = Word(word.text, word.tokens, exact=True)
            found.append(Clause(exact, fuzzy - int(fuzzy * _FUZZY)))
        else:
            found.append(Clause(word, fuzzy))
    return [clause for clause in found if clause.weight]


def ranked(query: Node, hits: Sequence[tuple[Hit, int]]) -> list[Hit]:
    """Return candidates with their sums in order of relevance; ties newest first, then by id."""
    return [hit for hit, _ in sorted(hits, key=lambda pair: _place(query, *pair))]


def _place(query: Node, hit: Hit, weight: int) -> tuple[float, float, str]:
    tokens = sum(1 for _ in tokenize(hit.post.text))
    covered = len(highlight(query, hit.post.text))
    length = max(tokens, covered, 1)
    score = weight / (1 - _LENGTH + _LENGTH * length / _USUAL_TOKENS)
    created = hit.post.created_at.timestamp() if hit.post.created_at and hit.day else -math.inf
    return -round(score, 6), -created, hit.post.id


def _weight(matching: int, posts: int) -> int:
    """Return the inverse document frequency as a whole number, at least 1."""
    rare = math.log(1 + (posts - matching + 0.5) / (matching + 0.5))
    return max(1, round(_UNIT * rare))
