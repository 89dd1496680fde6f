"""From a query's nodes to Elasticsearch's query language."""

from __future__ import annotations

from typing import Any

from nlp.crossscript import key
from pipelines.counts import COUNTS
from pipelines.query import All, And, Filter, Node, Not, Or, Phrase, Prefix, Word
from pipelines.query.counts import UNKNOWN, bounds
from pipelines.query.fields import with_data_sets
from pipelines.stores.elasticsearch.address import short
from pipelines.stores.elasticsearch.record import FOUND

Query = dict[str, Any]

_KEYWORDS = {
    "lang": "language",
    "sentiment": "label",
    "platform": "platform",
    "source": "source",
    "author": "author",
    "day": "day",
    "entity": "entities",
    "target": "attitudes",
    "flag": "flags",
}
_SHORTENED = frozenset({"platform", "source", "author"})


def where(node: Node) -> Query:
    """Return the query for those posts that match and can be found at all."""
    found = [] if _only_found(node) else [{"terms": {"state": list(FOUND)}}]
    return {"bool": {"filter": [condition(node), *found]}}


def _only_found(node: Node) -> bool:
    """Tell whether nothing but documents with an indexed post can match, as they have the field."""
    match node:
        case Word() | Phrase() | Prefix():
            return True
        case Filter():
            return node.field not in {"id", "date", "scored"} and UNKNOWN not in node.values
        case And():
            return any(map(_only_found, node.nodes))
        case Or():
            return all(map(_only_found, node.nodes))
    return False


def condition(node: Node) -> Query:
    """Return the query that is true for the posts that match.

    The server allows some 30 levels of nesting, so levels that say nothing are left out.
    """
    match node:
        case All():
            return {"match_all": {}}
        case Word() | Phrase() | Prefix():
            return _word(node)
        case Filter():
            return _filter(node.field, node.values)
        case Not(Not(inner)):
            return condition(inner)
        case Not():
            return {"bool": {"must_not": [condition(node.node)]}}
        case And():
            return _all(node)
        case Or():
            return _any([condition(n) for n in dict.fromkeys(node.nodes)])
    raise TypeError(f"unknown query node: {node!r}")


def _all(node: And) -> Query:
    wanted, unwanted = [], []
    for one in dict.fromkeys(node.nodes):
        bare = one
        while isinstance(bare, Not) and isinstance(bare.node, Not):
            bare = bare.node.node
        if isinstance(bare, Not):
            unwanted.append(condition(bare.node))
        else:
            wanted.append(condition(bare))
    return {"bool": {"filter": wanted, "must_not": unwanted}}


def _any(parts: list[Query]) -> Query:
    if len(parts) == 1:
        return parts[0]
    return {"bool": {"should": parts, "minimum_should_match": 1}}


def _word(node: Word | Phrase | Prefix) -> Query:
    if isinstance(node, Prefix):
        return _any([{"prefix": {field: node.token}} for field in ("tokens", "variants")])
    alternatives = [_following("tokens", tokens) for tokens in node.spellings]
    if isinstance(node, Phrase) or node.literal:
        return _any(alternatives)
    keys = tuple(key(token) for token in node.tokens)
    alternatives.append(_following("keys", keys))
    one = node.tokens[0] if len(keys) == 1 else node.joined
    if one and len(keys) > 1:
        alternatives.append(_following("keys", (key(one),)))
    if one:
        forms = list(dict.fromkeys((one, key(one))))
        alternatives.append({"terms": {"variants": forms}})
    return _any(alternatives)


def _following(field: str, words: tuple[str, ...]) -> Query:
    """Words that follow one another; they are analysed already, so no analyser may touch them."""
    if len(words) == 1:
        return {"term": {field: words[0]}}
    return {"match_phrase": {field: {"query": " ".join(words), "analyzer": "whitespace"}}}


def _filter(field: str, values: tuple[str, ...]) -> Query:
    if field == "id":
        return {"ids": {"values": [short(value) for value in values]}}
    if field == "source":
        values = with_data_sets(values)
    if field in _KEYWORDS:
        given = [short(v) for v in values] if field in _SHORTENED else list(values)
        return {"terms": {_KEYWORDS[field]: given}}
    if field == "since":
        return {"range": {"day": {"gte": values[0]}}}
    if field == "until":
        return {"range": {"day": {"lt": values[0]}}}
    if field in COUNTS:
        return _any([_counted(field, value) for value in values])
    if field == "scored":  # no scores are provisional here
        return {"match_all": {}} if "final" in values else {"match_none": {}}
    if field == "date":
        return {"bool": {"must_not": [{"exists": {"field": "day"}}]}}
    raise TypeError(f"unknown query field: {field}")


def _counted(field: str, value: str) -> Query:
    wanted = bounds(value)
    if wanted is None:
        return {"bool": {"must_not": [{"exists": {"field": field}}]}}
    return {"range": {field: {"gte": wanted.low, "lte": wanted.high}}}
