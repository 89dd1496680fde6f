"""The shapes a query is parsed into. ``str(node)`` is a query that parses to the same node."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from nlp.text import MAX_TOKEN, compounds
from pipelines.counts import COUNTS
from pipelines.query.counts import SIGNS, UNKNOWN

#: Quotation marks that open and close: those of keyboards, telephones and French typing.
QUOTES = {'"': '"', "“": "”", "„": "“", "”": "”", "«": "»"}
#: Characters that end a bare word.
BREAKS = "()" + "".join(sorted(set(QUOTES) | set(QUOTES.values())))
#: What hashtags and handles begin with, as tokens.
_SIGNS = "#@"
_BARE_VALUE = re.compile(rf"[^\s,{re.escape(BREAKS)}]+")


class Node:
    """Any part of a query. Immutable and hashable."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class All(Node):
    """Every post: the empty query."""

    def __str__(self) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class Word(Node):
    """A word in every script and spelling, or in its own only (``exact``: ``=word``).

    As a hashtag and a handle too; ``#word`` and ``@word`` are these alone. ``tokens`` are its
    normalised tokens, nearly always one; several (``l'appel``) must follow one another.
    """

    text: str
    tokens: tuple[str, ...]
    exact: bool = False

    def __str__(self) -> str:
        return f"={self.text}" if self.exact else self.text

    @property
    def literal(self) -> bool:
        """Whether only :attr:`spellings` are wanted: a ``#hashtag`` is not the word it is made of.

        Which spellings of other hashtags sound alike no index tells from plain words.
        """
        return self.exact or self.tokens[0][0] in _SIGNS

    @property
    def joined(self) -> str:
        """The one token of a word that hyphens part (``wifi`` of ``wi-fi``); else empty."""
        if len(self.tokens) == 1 or self.exact:
            return ""
        whole = "".join(self.tokens)
        return whole if any(one.text == whole for one in compounds(self.text)) else ""

    @property
    def spellings(self) -> tuple[tuple[str, ...], ...]:
        """The tokens that are this word in its own spelling, as a hashtag or a handle too."""
        first, *rest = self.tokens
        if not first[0].isalnum():
            return (self.tokens,)
        signed = ((sign + first[: MAX_TOKEN - 1], *rest) for sign in _SIGNS)
        return (self.tokens, *signed)


@dataclass(frozen=True, slots=True)
class Phrase(Node):
    """Words that follow one another, as they are written but for case and accents.

    A hashtag that consists of nothing else is the phrase too: ``#Maroc_Telecom``.
    """

    text: str
    tokens: tuple[str, ...]

    @property
    def spellings(self) -> tuple[tuple[str, ...], ...]:
        """The tokens that are this phrase, and the hashtags that it is written as."""
        if len(self.tokens) == 1 or any(not token[0].isalnum() for token in self.tokens):
            return (self.tokens,)
        tags = (("#" + sign.join(self.tokens))[:MAX_TOKEN] for sign in ("_", ""))
        return (self.tokens, *((tag,) for tag in tags))

    def __str__(self) -> str:
        return _quote(self.text)


@dataclass(frozen=True, slots=True)
class Prefix(Node):
    """Words that begin with ``token``."""

    text: str
    token: str

    def __str__(self) -> str:
        return f"{self.text}*"


@dataclass(frozen=True, slots=True)
class Filter(Node):
    """A field that has one of these values; :mod:`pipelines.query.fields` lists the fields."""

    field: str
    values: tuple[str, ...]

    def __str__(self) -> str:
        values = (v if _BARE_VALUE.fullmatch(v) else _quote(v) for v in self.values)
        compared = self.field in COUNTS and len(self.values) == 1
        sign = "" if compared and self.values[0].startswith(SIGNS) else ":"
        return f"{self.field}{sign}{','.join(values)}"


@dataclass(frozen=True, slots=True)
class Not(Node):
    """Every post but those that match ``node``."""

    node: Node

    def __str__(self) -> str:
        return f"-{_inner(self.node)}"


@dataclass(frozen=True, slots=True)
class And(Node):
    """Posts that match all of at least two nodes."""

    nodes: tuple[Node, ...]

    def __str__(self) -> str:
        return " ".join(str(n) if not isinstance(n, Or) else f"({n})" for n in self.nodes)


@dataclass(frozen=True, slots=True)
class Or(Node):
    """Posts that match one of at least two nodes."""

    nodes: tuple[Node, ...]

    def __str__(self) -> str:
        return " OR ".join(map(str, self.nodes))


def all_of(*nodes: Node) -> Node:
    """Return the posts that match every node; without any, everything."""
    flat = [n for n in _flatten(And, nodes) if not isinstance(n, All)]
    if not flat:
        return All()
    return flat[0] if len(flat) == 1 else And(tuple(flat))


def any_of(*nodes: Node) -> Node:
    """Return the posts that match one of the nodes (at least one); ``All`` swallows the rest."""
    flat = list(_flatten(Or, nodes))
    for node in flat:
        if isinstance(node, All):
            return node
    return flat[0] if len(flat) == 1 else Or(tuple(flat))


def rewrite(node: Node, field: str, change: Callable[[str], Iterable[str]]) -> Node:
    """Return the query with every value of one field replaced by those that ``change`` gives.

    For plain author names, which stores know only as pseudonyms (several while several keys
    are kept). A value without replacement stays as it is.
    """
    if isinstance(node, Filter) and node.field == field:
        changed = (new for value in node.values for new in (tuple(change(value)) or (value,)))
        return Filter(field, tuple(dict.fromkeys(changed)))
    if isinstance(node, Not):
        return Not(rewrite(node.node, field, change))
    if isinstance(node, And | Or):
        return replace(node, nodes=tuple(rewrite(n, field, change) for n in node.nodes))
    return node


def asks_for(node: Node, field: str) -> bool:
    """Tell whether a query names a field anywhere."""
    match node:
        case Filter():
            return node.field == field
        case Not():
            return asks_for(node.node, field)
        case And() | Or():
            return any(asks_for(one, field) for one in node.nodes)
    return False


def final(node: Node) -> Node:
    """Return the query without posts whose scores are provisional, unless it asks for them."""
    return node if asks_for(node, "scored") else all_of(node, Filter("scored", ("final",)))


def uncounted(node: Node) -> Node | None:
    """Return the query for the posts that may be missing because a count of theirs is unknown.

    ``None`` where the query asks for no count.
    """
    wider = _with_unknown(node)
    return None if wider == node else all_of(wider, Not(node))


def _with_unknown(node: Node) -> Node:
    match node:
        case Filter(field, values) if field in COUNTS:
            return Filter(field, tuple(dict.fromkeys((*values, UNKNOWN))))
        case And(nodes) | Or(nodes):
            return replace(node, nodes=tuple(map(_with_unknown, nodes)))
        case Not(Not(inner)):
            return _with_unknown(inner)
    return node  # what is left out lets unknown counts through


def _flatten(kind: type[And | Or], nodes: Iterable[Node]) -> Iterable[Node]:
    for node in nodes:
        if isinstance(node, kind):
            yield from node.nodes
        else:
            yield node


def _inner(node: Node) -> str:
    return f"({node})" if isinstance(node, And | Or) else str(node)


def _quote(text: str) -> str:
    doubled = text.replace('"', '""')
    return f'"{doubled}"'
