"""One query language: parsed once into nodes, compiled by each store.

``docs/query.md`` is the guide for users. In short::

    whatsapp coupure        both words, in any script and spelling
    =whatsapp               this spelling only
    #whatsapp               the hashtag only
    "vive la coupure"       these words in this order, in this spelling
    whats*                  words that begin so
    whatsapp OR skype       either; AND binds tighter
    skype -(spam OR promo)  without; NOT says the same
    lang:ary,ary-Latn       one of these values; also sentiment: entity: target: platform:
                            source: id: author: day: since: until: date: flag: scored:
    likes>100               also <, >=, <=, likes:10..50; also reposts, replies, views

Public: :func:`parse`, :func:`only`, :func:`all_of`, :func:`any_of`, :func:`rewrite`,
:func:`highlight`, :func:`fuzzy_matches`, :func:`marks`, and the node classes.
"""

from pipelines.query.fields import FIELDS
from pipelines.query.highlight import Marks, fuzzy_matches, highlight, marks
from pipelines.query.nodes import (
    All,
    And,
    Filter,
    Node,
    Not,
    Or,
    Phrase,
    Prefix,
    Word,
    all_of,
    any_of,
    asks_for,
    final,
    rewrite,
    uncounted,
)
from pipelines.query.parser import only, parse

__all__ = [
    "FIELDS",
    "All",
    "And",
    "Filter",
    "Marks",
    "Node",
    "Not",
    "Or",
    "Phrase",
    "Prefix",
    "Word",
    "all_of",
    "any_of",
    "asks_for",
    "final",
    "fuzzy_matches",
    "highlight",
    "marks",
    "only",
    "parse",
    "rewrite",
    "uncounted",
]
