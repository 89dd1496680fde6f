"""Reads a query. Any ``str`` either parses or raises :class:`~pipelines.errors.QueryError`.

::

    either  = all {"OR" all}
    all     = not {["AND"] not}
    not     = ("NOT" | dash) not | "(" either ")" | filter | "=" word | word ["*"] | phrase
    filter  = field ":" value {"," value} | count ("<" | ">" | "<=" | ">=") number
"""

from __future__ import annotations

import difflib
import re

from nlp.text import tokenize
from pipelines.counts import COUNTS
from pipelines.errors import QueryError
from pipelines.query.fields import ALSO_CALLED, FIELDS
from pipelines.query.nodes import (
    BREAKS,
    QUOTES,
    All,
    Filter,
    Node,
    Not,
    Phrase,
    Prefix,
    Word,
    all_of,
    any_of,
)

#: More than anyone types; stores limit how deep and how large an expression may be, Elasticsearch
#: to 30 levels with those that commands add.
MAX_DEPTH = 25
MAX_TERMS = 500

#: Marks of writing direction come along when Arabic is pasted; they part words, no more.
_SKIP = re.compile(r"[\s\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]*")
_BARE = re.compile(rf"[^\s{re.escape(BREAKS)}]+")
_VALUE = re.compile(rf"[^\s,{re.escape(BREAKS)}]+")
_FIELD = re.compile(r"([A-Za-z][A-Za-z_-]*):")
_COMPARED = re.compile(r"([A-Za-z][A-Za-z_-]*)(?:[<>≤≥]=?(\d)?|=(?=\d))")
_LONE = re.compile("[\ud800-\udfff]")
#: Hyphens and dashes that word processors and telephones put in the place of ``-``.
_MINUS = frozenset("-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d")
#: What other search engines write, and what it is here.
_FOREIGN = {"|": "OR", "&": "AND"}
_OPERATORS = ("AND", "OR", "NOT")


def parse(text: str) -> Node:
    """Return the query as nodes; blank text is everything.

    Raises :class:`~pipelines.errors.QueryError`, which shows the place and what is allowed.
    """
    return _Parser(text).query()


def only(field: str, *values: str) -> Node:
    """Return a filter for an option of a command, checked as if it had been typed."""
    parser = _Parser(str(Filter(field, values)))
    return parser.query()


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.depth = 0
        self.terms = 0

    def query(self) -> Node:
        lone = _LONE.search(self.text)
        if lone:
            raise self.error(lone.start(), "this is half of a character (a lone surrogate)")
        self.skip()
        if self.at == len(self.text):
            return All()
        node = self.either()
        if self.at < len(self.text):  # only a closing parenthesis stops early
            raise self.error(self.at, "this parenthesis was never opened")
        return node

    def either(self) -> Node:
        nodes = [self.all()]
        while self.operator("OR"):
            nodes.append(self.all())
        return any_of(*nodes)

    def all(self) -> Node:
        nodes = [self.negated()]
        while self.operator("AND") or not self.ended():
            nodes.append(self.negated())
        return all_of(*nodes)

    def ended(self) -> bool:
        return self.at == len(self.text) or self.peek(")") or self.bare() == "OR"

    def negated(self) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.error(self.at, f"nested more than {MAX_DEPTH} levels deep")
        if self.text[self.at : self.at + 1] in _MINUS:
            start = self.at
            self.at += 1
            if self.at == len(self.text) or self.text[self.at].isspace():
                raise self.error(start, "- must stand directly before what it leaves out")
            node: Node = Not(self.negated())
        elif self.operator("NOT"):
            node = Not(self.negated())
        else:
            node = self.operand()
        self.depth -= 1
        return node

    def operand(self) -> Node:
        start = self.at
        if start == len(self.text):
            raise self.error(start, "something to search for is missing at the end")
        if self.peek("("):
            return self.group()
        self.terms += 1
        if self.terms > MAX_TERMS:
            raise self.error(start, f"more than {MAX_TERMS} words and filters in one query")
        if self.text[start] in QUOTES:
            return self.phrase(start)
        if self.peek("="):
            self.at += 1
            if self.at < len(self.text) and self.text[self.at] in QUOTES:
                return self.phrase(start)  # a phrase is exact anyway
            return self.word(start, exact=True)
        field = _FIELD.match(self.text, start)
        if field:
            return self.filter(field[1], separator=1)
        compared = _COMPARED.match(self.text, start)
        if compared and compared[1].lower() in ALSO_CALLED:
            return self.filter(compared[1], separator=0)
        if compared and compared[2]:
            raise self.error(
                start,
                f"{compared[1]} is no number: {', '.join(COUNTS)} are (write a word with < or > "
                "in quotes)",
            )
        return self.word(start, exact=False)

    def group(self) -> Node:
        opened = self.at
        self.at += 1
        self.skip()
        if self.peek(")"):
            raise self.error(opened, "these parentheses hold nothing")
        node = self.either()
        if not self.peek(")"):
            raise self.error(opened, "this parenthesis is never closed")
        self.at += 1
        self.skip()
        return node

    def phrase(self, start: int) -> Node:
        text = self.quoted()
        self.skip()
        tokens = _tokens(text)
        if not tokens:
            raise self.error(start, "nothing in these quotes can be searched for")
        return Phrase(text, tokens)

    def word(self, start: int, exact: bool) -> Node:
        text = self.bare()
        if text in _OPERATORS and not exact:
            raise self.error(start, f"{text} needs something to search for on both sides")
        if not text:
            what = "= must stand directly before a word" if exact else "this was never opened"
            raise self.error(start, what)
        begin = self.at
        for at, sign in enumerate(text):
            if sign in _FOREIGN:
                raise self.error(
                    begin + at,
                    f"{sign} is no operator: write {_FOREIGN[sign]} between spaces, or the words "
                    "in quotes",
                )
        self.at += len(text)
        self.skip()
        stem = text.rstrip("*")
        tokens = _tokens(stem)
        if not tokens:
            raise self.error(start, f"{text} holds no letter, digit or emoji to search for")
        if text[0] == "!":
            raise self.error(begin, "! is no operator: - stands before what is left out")
        if "*" in stem:
            raise self.error(
                begin + stem.index("*"), "* stands at the end of a word only, for any ending"
            )
        if stem == text:
            return Word(text, tokens, exact)
        if exact:
            raise self.error(start, "= (this spelling only) and * (beginning of a word) exclude")
        if len(tokens) > 1:
            raise self.error(
                start, f"* follows the beginning of one word; {stem} is {len(tokens)} words"
            )
        return Prefix(stem, tokens[0])

    def filter(self, name: str, separator: int) -> Node:
        """Read a field and its values; between them stand so many signs that belong to neither."""
        start = self.at
        field = FIELDS.get(ALSO_CALLED.get(name.lower(), name.lower()))
        if field is None:
            raise self.error(
                start,
                f"there is no field {name}{_meant(name)}; fields are {', '.join(FIELDS)} "
                "(write a word with a colon in quotes)",
            )
        self.at += len(name)
        values: list[str] = []
        given = 0
        while not given or self.peek(","):
            self.at += 1 if given else separator
            place = self.at
            value = self.value()
            if not value:
                raise self.error(
                    place, f"{field.name}: needs a value directly after it, as in {field.example}"
                )
            try:
                values += field.values(value)
                given += 1
            except ValueError as error:
                raise self.error(place, f"{field.name}: takes {error}") from None
            if given > 1 and not field.several:
                raise self.error(place, f"{field.name}: takes one value")
        self.skip()
        return Filter(field.name, tuple(dict.fromkeys(values)))

    def value(self) -> str:
        if self.at < len(self.text) and self.text[self.at] in QUOTES:
            return self.quoted()
        match = _VALUE.match(self.text, self.at)
        if match is None:
            return ""
        self.at = match.end()
        return match[0]

    def quoted(self) -> str:
        """Read a quoted stretch; a doubled closing mark stands for itself."""
        opened = self.at
        close = QUOTES[self.text[opened]]
        parts: list[str] = []
        at = opened + 1
        while True:
            end = self.text.find(close, at)
            if end < 0:
                raise self.error(opened, f"this quotation mark is never closed by {close}")
            parts.append(self.text[at:end])
            if not self.text.startswith(close, end + 1):
                break
            parts.append(close)
            at = end + 2
        self.at = end + 1
        return "".join(parts)

    def bare(self) -> str:
        match = _BARE.match(self.text, self.at)
        return match[0] if match else ""

    def operator(self, word: str) -> bool:
        if self.bare() != word:
            return False
        self.at += len(word)
        self.skip()
        return True

    def peek(self, char: str) -> bool:
        return self.text.startswith(char, self.at)

    def skip(self) -> None:
        match = _SKIP.match(self.text, self.at)
        if match:
            self.at = match.end()

    def error(self, at: int, message: str) -> QueryError:
        """Return an error that shows the place; long queries are cut around it."""
        begin = max(0, at - 30)
        shown = "".join(c if c.isprintable() else " " for c in self.text[begin : at + 40])
        return QueryError(
            f"The query can't be read at character {at + 1}: {message}.\n"
            f"  {shown}\n  {' ' * (at - begin)}^"
        )


#: What other search engines call a field.
_ELSEWHERE = {
    **dict.fromkeys(("from", "after", "start", "depuis", "du"), "since"),
    **dict.fromkeys(("to", "before", "end", "avant", "au"), "until"),
    **dict.fromkeys(("language", "langue"), "lang"),
    **dict.fromkeys(("user", "account", "auteur"), "author"),
}


def _meant(name: str) -> str:
    if other := _ELSEWHERE.get(name.lower()):
        return f" (here it is {other}, as in {FIELDS[other].example})"
    near = difflib.get_close_matches(name.lower(), FIELDS, 1)
    return f" (did you mean {near[0]}?)" if near else ""


def _tokens(text: str) -> tuple[str, ...]:
    return tuple(token.text for token in tokenize(text))
