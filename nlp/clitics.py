"""Words without the small words that are written onto them, in Arabic letters and Arabizi.

Over-generation is meant: a wrong remainder ("زاف" of بزاف) is no word that anyone looks for.
"""

from __future__ import annotations

import re

from nlp.text import forms

_CONJUNCTIONS = ("", "و", "ف")
#: In front of the article: prepositions, Darija د (of), ع (on) and م (from), ه (this).
_WITH_ARTICLE = ("", "ب", "ك", "ف", "د", "ع", "م", "ه", "ل")
#: Without an article the remainder is longer, since single letters are often the word's own.
_BARE = ("ب", "ل", "ك", "ف", "د")
_ARABIC: tuple[tuple[str, int], ...] = tuple(
    {
        **{c + p + "ال": 2 for c in _CONJUNCTIONS for p in _WITH_ARTICLE},
        **{c + "لل": 2 for c in _CONJUNCTIONS},
        **{c + p: 3 for c in _CONJUNCTIONS for p in _BARE},
        **{p + "ل": 3 for p in _BARE},
        **{c: 3 for c in _CONJUNCTIONS if c},
    }.items()
)
#: ``l``, ``el``, ``f``, ``b`` … and what they are joined to ("flwatsap", "wl7okouma").
_LATIN_PREFIXES: tuple[str, ...] = tuple(
    sorted(
        {p + v + "l" for p in "wfbdkl" for v in ("", "a", "e", "i")}
        | {"l", "al", "el", "il", *"wfbd"},
        key=len,
        reverse=True,
    )
)
#: These take a preposition for the word's own letter too easily before a vowel ("dar"); ``wh`` is one letter.
_BEFORE_CONSONANT = frozenset("wfbd")
_CAMEL = re.compile(
    r"[A-ZÀ-Þ]+(?=[A-ZÀ-Þ][a-zß-ÿ])|[A-ZÀ-Þ]?[a-zß-ÿ]+\d*|[A-ZÀ-Þ]+\d*|[^A-Za-zÀ-ÿ_]+"
)


def stems(word: str) -> tuple[str, ...]:
    """Return what remains of a normalised word when clitics in front are taken off.

    The longest clitic first, without the word itself; usually nothing or one form.
    """
    first = word[:1]
    if "ء" <= first <= "ي":
        if first not in "وفبكدعمهلا":
            return ()
        return tuple(
            dict.fromkeys(
                word[len(prefix) :]
                for prefix, least in _ARABIC
                if word.startswith(prefix) and len(word) - len(prefix) >= least
            )
        )
    if first and first in "wfbdklaei" and len(word) > 3:
        return tuple(
            dict.fromkeys(
                word[len(prefix) :]
                for prefix in _LATIN_PREFIXES
                if word.startswith(prefix)
                and len(word) - len(prefix) >= 3
                and not (prefix in _BEFORE_CONSONANT and word[len(prefix)] in "aeiouh")
            )
        )
    return ()


def hashtag_parts(raw: str) -> tuple[str, ...]:
    """Return the words of a hashtag as it was written, normalised, if it shows where they part.

    ``#حيد_لايك``, ``#inwi_voleurs``, ``#BringBackOurVoip``; nothing for a hashtag of one part.
    """
    return tuple(form for part, _, _ in hashtag_spans(raw) for form in forms(part))


def hashtag_spans(raw: str) -> list[tuple[str, int, int]]:
    """Return the parts of a raw hashtag with their offsets in it; empty where it has one."""
    spans: list[tuple[str, int, int]] = []
    start = 1
    for chunk in raw[1:].split("_"):
        pieces = [(m.start(), m.end()) for m in _CAMEL.finditer(chunk)]
        spans += [(chunk[a:b], start + a, start + b) for a, b in pieces if chunk[a].isalnum()]
        start += len(chunk) + 1
    return spans if len(spans) > 1 else []
