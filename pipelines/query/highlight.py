"""Where in a text a query matched: one implementation for every store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

from nlp.clitics import stems
from nlp.crossscript import analyse_word, key, outline, outlines
from nlp.text import Token, compounds, forms, pieces
from pipelines.query.nodes import And, Node, Not, Or, Phrase, Prefix, Word

#: Stretches of texts whose forms are kept, and characters of the longest that is.
_KEPT, _KEPT_LENGTH = 16_384, 64


_Leaf = Word | Phrase | Prefix


class _Places(NamedTuple):
    words: list[_Place]
    compounds: list[Token]


class _Place(NamedTuple):
    token: str
    key: str
    variants: tuple[str, ...]
    start: int
    end: int


class Marks(NamedTuple):
    """What a query found in a text; spans are offsets, end exclusive, without overlap."""

    found: list[tuple[int, int]]
    exact: list[tuple[int, int]]
    """Only what is spelt as the query spells it."""
    otherwise: list[str]
    """Words of the query that the text has in other spellings only."""


def marks(node: Node, text: str, known: Sequence[tuple[int, int]] = ()) -> Marks:
    """Return at once what :func:`highlight` and :func:`fuzzy_matches` tell of one text.

    ``known`` are the spans of the post's mentions: another spelling that is an alias of the
    watchlist is no other word, and not among :attr:`Marks.otherwise`.
    """
    leaves = tuple(dict.fromkeys(_wanted(node, True)))
    if not leaves:
        return Marks([], [], [])
    places = _finder(leaves).places(text)
    found: set[tuple[int, int]] = set()
    exact: set[tuple[int, int]] = set()
    otherwise: list[str] = []
    for leaf in leaves:
        spans = set(_spans(leaf, places))
        as_asked = spans
        if isinstance(leaf, Word) and not leaf.exact:
            as_asked = set(_spans(replace(leaf, exact=True), places))
            if spans and not as_asked and not _all_known(spans, known):
                otherwise.append(leaf.text)
        found |= spans
        exact |= as_asked
    return Marks(_merged(found), _merged(exact), otherwise)


def fuzzy_matches(node: Node, texts: Iterable[str]) -> dict[str, int]:
    """Return of each word the query asks for in how many texts it stands in other spellings only.

    Words that are spelt as asked wherever they were found are left out.
    """
    return otherwise(marks(node, text) for text in texts)


def otherwise(made: Iterable[Marks]) -> dict[str, int]:
    """Return what :func:`fuzzy_matches` tells of texts whose marks were made already."""
    return dict(Counter(word for one in made for word in one.otherwise))


def highlight(node: Node, text: str, *, exact: bool = False) -> list[tuple[int, int]]:
    """Return the spans of ``text`` (offsets, end exclusive) that the query's words found.

    Sorted, without overlap; neighbours that touch are one span. What a query leaves out
    (``-word``) is not marked, filters mark nothing. With ``exact`` only what is spelt as the
    query spells it.
    """
    made = marks(node, text)
    return made.exact if exact else made.found


def _all_known(spans: set[tuple[int, int]], known: Sequence[tuple[int, int]]) -> bool:
    return all(any(start < k_end and k_start < end for k_start, k_end in known)
               for start, end in spans)  # fmt: skip


def _merged(spans: set[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


class _Finder:
    """Finds the words of a text with those of their forms that a query may ask for."""

    def __init__(self, leaves: tuple[_Leaf, ...]) -> None:
        self._all = any(isinstance(leaf, Prefix) for leaf in leaves)
        self._names: set[str] = set()
        for leaf in leaves:
            if not isinstance(leaf, Prefix):
                self._names.update(word for words in leaf.spellings for word in words)
                self._names.update((*leaf.tokens, leaf.joined if isinstance(leaf, Word) else ""))
        self._names.discard("")
        self._outlines = outlines(key(name)[1:] for name in self._names)
        self._kept = lru_cache(_KEPT)(self._forms)

    def places(self, text: str) -> _Places:
        """Return the words of a text; those that the query can't mean have no further forms."""
        kept, forms = self._kept, self._forms
        words = [
            _Place(*form, start, end)
            for raw, start, end in pieces(text)
            for form in (kept(raw) if len(raw) <= _KEPT_LENGTH else forms(raw))
        ]
        return _Places(words, compounds(text))

    def _forms(self, raw: str) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
        words = forms(raw)
        if not self._all and len(words) == 1 and not self._possible(words[0]):
            return ((words[0], "", ()),)
        tokens, keys, variants = analyse_word(raw)
        return tuple((token, key, variants) for token, key in zip(tokens, keys, strict=True))

    def _possible(self, word: str) -> bool:
        """Tell whether a word may have one of the forms; most have none, and are not analysed."""
        return (
            word in self._names
            or word[0] in "#@"  # has parts
            or not self._names.isdisjoint(stems(word))
            or self._outlines.fullmatch(outline(word)) is not None
        )


_finder = lru_cache(32)(_Finder)


def _wanted(node: Node, positive: bool) -> Iterator[Word | Phrase | Prefix]:
    if isinstance(node, Not):
        yield from _wanted(node.node, not positive)
    elif isinstance(node, And | Or):
        for part in node.nodes:
            yield from _wanted(part, positive)
    elif positive and isinstance(node, Word | Phrase | Prefix):
        yield node


def _spans(leaf: Word | Phrase | Prefix, found: _Places) -> Iterator[tuple[int, int]]:
    places = found.words
    if isinstance(leaf, Prefix):
        for c in found.compounds:
            if c.text.startswith(leaf.token):
                yield c.start, c.end
        for p in places:
            if any(form.startswith(leaf.token) for form in (p.token, *p.variants)):
                yield p.start, p.end
        return
    tokens = [p.token for p in places]
    for spelling in leaf.spellings:
        yield from _runs(tokens, spelling, places)
    if isinstance(leaf, Phrase) or leaf.literal:
        return
    keys = tuple(map(key, leaf.tokens))
    yield from _runs([p.key for p in places], keys, places)
    one = leaf.tokens[0] if len(keys) == 1 else leaf.joined
    if not one:
        return
    names = {one, key(one)}
    for p in places:
        if not names.isdisjoint(p.variants) or (len(keys) > 1 and p.key == key(one)):
            yield p.start, p.end
    for c in found.compounds:
        if c.text in names:
            yield c.start, c.end


def _runs(
    words: list[str], wanted: tuple[str, ...], places: list[_Place]
) -> Iterator[tuple[int, int]]:
    size = len(wanted)
    for at in range(len(words) - size + 1):
        if words[at] == wanted[0] and tuple(words[at : at + size]) == wanted:
            yield places[at].start, places[at + size - 1].end
