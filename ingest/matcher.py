"""Finds watched entities in a text: all scripts in one pass over its words.

Aliases are paths of words in a trie. A word of the text follows a path by any of its forms: as
it stands, without clitics (``والواتساب``, ``flwatsap``), and, for aliases listed under
``sounds``, by its cross-script key. Whole words only: nothing is found inside another word.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from ingest.watchlist import Entity, Watchlist
from nlp.clitics import hashtag_spans, stems
from nlp.crossscript import key
from nlp.text import forms, pieces, tokenize

#: Context, vetoes and other mentions count as "nearby" within so many words on either side.
WINDOW = 12

_CACHE = 1 << 16
_CACHED_LENGTH = 64

# What a path of words means for an entity
_SURE, _AMBIGUOUS, _CONTEXT, _VETO, _EXCLUSION = range(5)
#: The key under which a trie node keeps its meanings; no token is empty.
_END = ""


class Mention(NamedTuple):
    """An entity and the words of the text that name it (offsets into the original text).

    A word with clitics counts whole (``والواتساب``); of a hashtag the part that names it.
    """

    entity: str
    start: int
    end: int


class _Unit(NamedTuple):
    """A word as the trie sees it: the forms of it that occur in any alias."""

    forms: tuple[str, ...]
    start: int
    end: int


class _Span(NamedTuple):
    """A meaning found on the units ``first`` to ``last`` (inclusive)."""

    entity: int
    meaning: int
    first: int
    last: int


class Matcher:
    """A watchlist made ready for matching. Safe to share between threads."""

    def __init__(self, watchlist: Watchlist) -> None:
        self.watchlist = watchlist
        self._ids = tuple(entity.id for entity in watchlist.entities)
        self._order = {entity: i for i, entity in enumerate(self._ids)}
        self._trie: dict[str, Any] = {}
        self._vocabulary: set[str] = set()
        for number, entity in enumerate(watchlist.entities):
            self._add_entity(number, entity)
        for campaign in watchlist.campaigns:
            for named in campaign.entities:
                for text in (*campaign.hashtags, *campaign.phrases):
                    self._add(self._order[named], _SURE, text)
        self._forms = lru_cache(_CACHE)(self._compute_forms)

    def __reduce__(self) -> tuple[type[Matcher], tuple[Watchlist]]:
        return Matcher, (self.watchlist,)

    def find(self, text: str) -> list[Mention]:
        """Return the mentions in the order of the text. Never raises, whatever the text.

        Mentions of one entity do not overlap (the longest wins); those of two may
        ("facebook messenger" names both, if both are watched).
        """
        units = self._units(text)
        if not any(unit.forms for unit in units):
            return []
        spans = self._spans(units)
        found = _longest(self._firm(spans))
        return sorted(
            (Mention(self._ids[s.entity], units[s.first].start, units[s.last].end) for s in found),
            key=lambda m: (m.start, m.end, self._order[m.entity]),
        )

    def entities(self, text: str) -> tuple[str, ...]:
        """Return the ids of the entities that a text mentions, in the watchlist's order."""
        found = {mention.entity for mention in self.find(text)}
        return tuple(name for name in self._ids if name in found) if found else ()

    # -- building ---------------------------------------------------------------------------

    def _add_entity(self, number: int, entity: Entity) -> None:
        aliases = [alias for group in entity.aliases.values() for alias in group]
        for meaning, texts in (
            (_SURE, (*aliases, *entity.hashtags, *entity.handles)),
            (_AMBIGUOUS, entity.ambiguous),
            (_CONTEXT, entity.context),
            (_VETO, entity.vetoes),
            (_EXCLUSION, entity.exclusions),
        ):
            for text in texts:
                self._add(number, meaning, text)
        for meaning, named in ((_SURE, tuple(aliases)), (_AMBIGUOUS, entity.ambiguous)):
            for text in named:  # "maroc telecom" is written #maroctelecom
                joined = "".join(token.text for token in tokenize(text))
                self._add(number, meaning, "#" + joined)
        for text in entity.sounds:
            self._add_path(number, _SURE, [key(token.text) for token in tokenize(text)])

    def _add(self, entity: int, meaning: int, text: str) -> None:
        self._add_path(entity, meaning, [token.text for token in tokenize(text)])

    def _add_path(self, entity: int, meaning: int, path: Iterable[str]) -> None:
        node = self._trie
        for word in path:
            self._vocabulary.add(word)
            node = node.setdefault(word, {})
        meanings = node.setdefault(_END, [])
        if (entity, meaning) not in meanings:
            meanings.append((entity, meaning))

    # -- finding ----------------------------------------------------------------------------

    def _compute_forms(self, raw: str) -> tuple[tuple[str, ...], ...]:
        """Return for each token of a raw stretch its forms that occur in the vocabulary."""
        return tuple(self._known(token) for token in forms(raw))

    def _known(self, token: str) -> tuple[str, ...]:
        candidates = [token]
        if token[0] not in "@[":
            word = token.removeprefix("#")
            words = [word, *stems(word)]
            candidates += words + [key(form) for form in words]
        return tuple(dict.fromkeys(form for form in candidates if form in self._vocabulary))

    def _units(self, text: str) -> list[_Unit]:
        units: list[_Unit] = []
        cached, compute = self._forms, self._compute_forms
        for raw, start, end in pieces(text):
            known = cached(raw) if len(raw) <= _CACHED_LENGTH else compute(raw)
            for found in known:
                units.append(_Unit(found, start, end))
            if raw[0] in "#＃":
                for part, begin, stop in hashtag_spans(raw):
                    for found in cached(part) if len(part) <= _CACHED_LENGTH else compute(part):
                        units.append(_Unit(found, start + begin, start + stop))
        return units

    def _spans(self, units: list[_Unit]) -> list[_Span]:
        spans: list[_Span] = []
        for first, unit in enumerate(units):
            nodes = [self._trie[form] for form in unit.forms if form in self._trie]
            last = first
            while nodes:
                for node in nodes:
                    spans += [_Span(e, m, first, last) for e, m in node.get(_END, ())]
                last += 1
                if last == len(units):
                    break
                following = units[last].forms
                nodes = [node[form] for node in nodes for form in following if form in node]
        return spans

    def _firm(self, spans: list[_Span]) -> list[_Span]:
        """Return the spans that count as mentions: exclusions and context are applied."""
        groups: dict[tuple[int, int], _Spans] = defaultdict(_Spans)
        for span in spans:
            if span.meaning not in {_SURE, _AMBIGUOUS}:
                groups[span.entity, span.meaning].add(span)
        sure, ambiguous, anchors = [], [], _Spans()
        for span in spans:
            if span.meaning == _SURE and not groups[span.entity, _EXCLUSION].cover(span):
                sure.append(span)
                anchors.add(span)
            elif span.meaning == _AMBIGUOUS and not groups[span.entity, _EXCLUSION].cover(span):
                ambiguous.append(span)
        return sure + [
            span
            for span in ambiguous
            if not groups[span.entity, _VETO].near(span)
            and (groups[span.entity, _CONTEXT].near(span) or anchors.near(span))
        ]


class _Spans:
    """Spans in the order of the text, asked about their neighbourhood in bounded time."""

    def __init__(self) -> None:
        self._spans: list[_Span] = []
        self._longest = 1

    def add(self, span: _Span) -> None:
        self._spans.append(span)
        self._longest = max(self._longest, span.last - span.first + 1)

    def _between(self, first: int, last: int) -> Iterator[_Span]:
        start = bisect_left(self._spans, first - self._longest, key=lambda s: s.first)
        for i in range(start, len(self._spans)):
            if self._spans[i].first > last:
                return
            yield self._spans[i]

    def cover(self, span: _Span) -> bool:
        """Tell whether one of the spans holds ``span`` whole."""
        return any(s.last >= span.last for s in self._between(span.first, span.first))

    def near(self, span: _Span) -> bool:
        """Tell whether one of the spans lies within the window without sharing a word."""
        around = self._between(span.first - WINDOW, span.last + WINDOW)
        return any(
            0 < span.first - s.last <= WINDOW or 0 < s.first - span.last <= WINDOW for s in around
        )


def _longest(spans: list[_Span]) -> list[_Span]:
    """Return the spans without those that overlap another of the same entity."""
    found: list[_Span] = []
    end: dict[int, int] = {}
    for span in sorted(spans, key=lambda s: (s.first, -s.last)):
        if span.first > end.get(span.entity, -1):
            found.append(span)
            end[span.entity] = span.last
    return found
