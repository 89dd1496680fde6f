"""Finds watched entities in a text: all scripts in one pass over its words.

Aliases are paths of words in a trie. A word of the text follows a path by any of its forms: as
it stands, without clitics (``والواتساب``, ``flwatsap``), and, for aliases listed under
``sounds``, in any other spelling of the same script by its cross-script key. Whole words only:
nothing is found inside another word.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from ingest.watchlist.loader import Entity, Watchlist
from nlp.clitics import hashtag_spans, stems
from nlp.crossscript import analyse_word, key, outline, outlines
from nlp.text import forms, pieces, tokenize

#: Context, vetoes and other mentions count as "nearby" within so many words on either side.
WINDOW = 12

_CACHE = 1 << 16
#: Letters that a clitic may have (:func:`nlp.clitics.stems`).
_CLITIC = 4
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
    """A word of the text by its number, with those of its forms that occur in any alias."""

    number: int
    forms: tuple[str, ...]
    start: int
    end: int


class _Span(NamedTuple):
    """A meaning found on the words ``first`` to ``last`` (inclusive)."""

    entity: int
    meaning: int
    first: int
    last: int
    start: int
    end: int


class Matcher:
    """A watchlist made ready for matching. Safe to share between threads."""

    def __init__(self, watchlist: Watchlist) -> None:
        self.watchlist = watchlist
        self._ids = tuple(entity.id for entity in watchlist.entities)
        self._order = {entity: i for i, entity in enumerate(self._ids)}
        self._trie: dict[str, Any] = {}
        self._vocabulary: set[str] = set()
        self._claimed = _claimed(watchlist)
        for number, entity in enumerate(watchlist.entities):
            self._add_entity(number, entity)
        for campaign in watchlist.campaigns:
            for named in campaign.entities:
                for text in (*campaign.hashtags, *campaign.phrases):
                    self._add(self._order[named], _SURE, text)
                for text in campaign.hashtags:
                    if _joined(text) in self._claimed:  # in each of its spellings
                        self._add_path(self._order[named], _SURE, ["#" + _joined(text)])
        self._latin = self._outlines("latin ")
        self._other = self._outlines("other ")
        self._cached = lru_cache(_CACHE)(self._compute)

    def __reduce__(self) -> tuple[type[Matcher], tuple[Watchlist]]:
        return Matcher, (self.watchlist,)

    def find(self, text: str) -> list[Mention]:
        """Return the mentions in the order of the text. Never raises, whatever the text.

        Mentions of one entity do not overlap (the longest wins); those of two may
        ("facebook messenger" names both, if both are watched).
        """
        units = self._units(text)
        if not units:
            return []
        firm = self._firm(self._spans(units))
        found = [Mention(self._ids[span.entity], span.start, span.end) for span in firm]
        found.sort(key=lambda m: (m.start, -m.end, self._order[m.entity]))
        return _longest(found)

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
                joined = _joined(text)
                if joined not in self._claimed:
                    self._add(number, meaning, "#" + joined)
        for text in entity.sounds:
            self._add_path(number, _SURE, [_sound(t.text, key(t.text)) for t in tokenize(text)])

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

    def _outlines(self, script: str) -> re.Pattern[str]:
        """Return what the outlines of all words match that may have a key of this script."""
        return outlines(
            word.removeprefix(script) for word in self._vocabulary if word.startswith(script)
        )

    # -- finding ----------------------------------------------------------------------------

    def _compute(self, raw: str) -> tuple[int, tuple[tuple[int, tuple[str, ...]], ...]]:
        """Return how many tokens a raw stretch has, and for each that the trie knows: its forms."""
        known = []
        words = forms(raw)
        if not any(map(self._possible, words)):
            return len(words), ()
        tokens, keys, variants = analyse_word(raw)
        for place, (token, found) in enumerate(zip(tokens, keys, strict=True)):
            candidates = [token]
            if token[0] == "#" and _joined(token) in self._claimed:
                candidates.append("#" + _joined(token))
            elif token[0] == "#":  # its parts are units of their own
                candidates += [token[1:], _sound(token[1:], found)]
            elif token[0] not in "@[":
                more = variants if len(tokens) == 1 else analyse_word(token).variants
                candidates += [v for v in more if v[0] != "_"]
                candidates += [_sound(token, v) for v in (found, *more) if v[0] == "_"]
            kept = tuple(dict.fromkeys(c for c in candidates if c in self._vocabulary))
            if kept:
                known.append((place, kept))
        return len(tokens), tuple(known)

    def _possible(self, token: str) -> bool:
        """Tell whether a form of a token may be in the trie; for most words the answer is no.

        Nearly all words of a text are in no watchlist. This costs a tenth of their analysis.
        """
        known = self._vocabulary
        if token in known:
            return True
        if token[0] in "@[":
            return False
        if token[0] == "#" and self._claimed and _joined(token) in self._claimed:
            return True
        word = token[1:] if token[0] == "#" else token
        for cut in range(_CLITIC + 1):
            if word[cut:] in known and (not cut or word[cut:] in stems(word)):
                return True
        possible = self._latin if word.isascii() else self._other
        return bool(possible.fullmatch(outline(word)))

    def _units(self, text: str) -> list[_Unit]:
        """Return the words of the text that the trie knows; most texts have none."""
        units: list[_Unit] = []
        cached = self._cached
        number = 0
        for raw, start, end in self._stretches(text):
            size, known = cached(raw) if len(raw) <= _CACHED_LENGTH else self._compute(raw)
            for offset, found in known:
                units.append(_Unit(number + offset, found, start, end))
            number += size
        return units

    def _stretches(self, text: str) -> list[tuple[str, int, int]]:
        """Return the stretches of a text, a hashtag followed by its parts.

        A campaign's hashtag that reads like somebody's alias has none.
        """
        found = pieces(text)
        if "#" not in text and "＃" not in text:
            return found
        expanded = []
        for stretch in found:
            expanded.append(stretch)
            raw, start, _ = stretch
            if raw[0] in "#＃" and not (self._claimed and _joined(raw) in self._claimed):
                for part, begin, stop in hashtag_spans(raw):
                    expanded.append((part, start + begin, start + stop))
        return expanded

    def _spans(self, units: list[_Unit]) -> list[_Span]:
        spans: list[_Span] = []
        for place, unit in enumerate(units):
            nodes = [self._trie[form] for form in unit.forms if form in self._trie]
            last = unit
            while nodes:
                for node in nodes:
                    for entity, meaning in node.get(_END, ()):
                        spans.append(
                            _Span(entity, meaning, unit.number, last.number, unit.start, last.end)
                        )
                place += 1
                if place == len(units) or units[place].number != last.number + 1:
                    break
                last = units[place]
                nodes = [node[form] for node in nodes for form in last.forms if form in node]
        return spans

    def _firm(self, spans: list[_Span]) -> list[_Span]:
        """Return the spans that count as mentions: exclusions and context are applied."""
        if all(span.meaning == _SURE for span in spans):
            return spans
        groups: dict[tuple[int, int], _Spans] = defaultdict(_Spans)
        for span in spans:
            if span.meaning in {_CONTEXT, _VETO, _EXCLUSION}:
                groups[span.entity, span.meaning].add(span)
        named = [
            span
            for span in spans
            if span.meaning in {_SURE, _AMBIGUOUS}
            and not groups[span.entity, _EXCLUSION].cover(span)
        ]
        sure = _Spans()
        for span in named:
            if span.meaning == _SURE:
                sure.add(span)
        return [
            span
            for span in named
            if span.meaning == _SURE
            or (
                not groups[span.entity, _VETO].near(span)
                and (groups[span.entity, _CONTEXT].near(span) or sure.near(span))
            )
        ]


def _joined(text: str) -> str:
    """Return an alias or hashtag in one word: "Free Senegal" and #Free_Senegal: freesenegal."""
    return "".join(token.text.lstrip("#").replace("_", "") for token in tokenize(text))


def _claimed(watchlist: Watchlist) -> frozenset[str]:
    """Return the campaigns' hashtags, joined, that read like an alias of another entity.

    They stand for the campaign alone: #FreeSenegal is no mention of an operator "Free Senegal"
    unless the campaign names it.
    """
    aliases: dict[str, set[str]] = defaultdict(set)
    for entity in watchlist.entities:
        for alias in (*(a for group in entity.aliases.values() for a in group), *entity.ambiguous):
            aliases[_joined(alias)].add(entity.id)
    return frozenset(
        joined
        for campaign in watchlist.campaigns
        for joined in map(_joined, campaign.hashtags)
        if aliases.get(joined, set()) - set(campaign.entities)
    )


def _sound(word: str, found: str) -> str:
    """Return how a key stands in the trie: with its script, in a form that no token has.

    Across the scripts a key stands for too many words (وتسبب, "and causes", has the key of
    whatsapp), so aliases are given in each.
    """
    return f"{'latin' if word.isascii() else 'other'} {found}"


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


def _longest(mentions: list[Mention]) -> list[Mention]:
    """Return sorted mentions without those that overlap another of the same entity.

    By offsets, since a hashtag stands in the text once but is read as a whole and in parts.
    """
    found: list[Mention] = []
    end: dict[str, int] = {}
    for mention in mentions:
        if mention.start >= end.get(mention.entity, 0):
            found.append(mention)
            end[mention.entity] = mention.end
    return found
