"""The request for the posts that are worth most to a query."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipelines.query import Node
from pipelines.query.ranking import Clause
from pipelines.stores.elasticsearch.compile import condition, where


def request(query: Node, clauses: Sequence[Clause], limit: int) -> dict[str, Any]:
    """Return the search whose scores are the sums of the clauses' weights.

    Weights are whole numbers, which the server's 32-bit scores add up exactly.
    """
    should = [
        {"constant_score": {"filter": condition(clause.node), "boost": clause.weight}}
        for clause in clauses
    ]
    return {
        "query": {"bool": {"filter": [where(query)], "should": should}},
        "sort": [
            {"_score": {"order": "desc"}},
            {"created": {"order": "desc", "missing": "_last"}},
            {"id": "asc"},
        ],
        "size": limit,
        "track_scores": True,
    }
