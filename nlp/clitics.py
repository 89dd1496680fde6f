"""Words without the small words that are written onto them, in Arabic letters and Arabizi.

Over-generation is meant: a wrong remainder ("زاف" of بزاف) is no word that anyone looks for.
"""

from __future__ import annotations

import re

from nlp.text import forms

_CONJUNCTIONS = ("", "و", "ف")
#: In front of the article: prepositions, Darija د (of), ع (on) and م (from), ه (this).
_WITH_ARTICLE = ("", "ب", "ك", "ف", "د", "ع", "م", "ه", "ل")
#: Without an article more must remain, since single letters are often the word's own.
_BARE = ("ب", "ل", "ك", "ف", "د")
#: Every clitic with the fewest letters that must remain.
_ARABIC: dict[str, int] = {
    **{c + p: 3 for c in _CONJUNCTIONS for p in ("", *_BARE) if c + p},
    **{p + "ل": 3 for p in _BARE},
    **{c + p + "ال": 2 for c in _CONJUNCTIONS for p in _WITH_ARTICLE},
    **{c + "لل": 2 for c in _CONJUNCTIONS},
}
#: ``l``, ``el``, ``f``, ``b`` … and what they make together ("flwatsap", "wl7okouma").
_LATIN: dict[str, int] = {
    **dict.fromkeys("wfbdl", 3),
    **{v + "l": 3 for v in "aei"},
    **{p + v + "l": 3 for p in "wfbdkl" for v in ("", "a", "e", "i")},
}
#: Before these letters w, f, b, d are the word's own ("dar"); ``wh`` is one letter.
_NO_CLITIC_BEFORE = frozenset("aeiouh")
#: Every letter that clitics and articles are made of.
LETTERS = frozenset("".join((*_ARABIC, *_LATIN)))
_ARABIC_FIRST = frozenset(p[0] for p in _ARABIC)
_LATIN_FIRST = frozenset(p[0] for p in _LATIN)
#: Parts of a hashtag by their capitals: ``Bring|Back|Our|Voip``, ``OPE|Unlike``.
_CAMEL = re.compile(
    r"[A-ZÀ-Þ]+(?=[A-ZÀ-Þ][a-zß-ÿ])|[A-ZÀ-Þ]?[a-zß-ÿ]+\d*|[A-ZÀ-Þ]+\d*|[^A-Za-zÀ-ÿ_]+"
)

#: Where the words of a hashtag part, for a reader who keeps Arabizi's digits with their word.
_PARTING = re.compile(r"(?<=[a-zß-ÿ0-9])(?=[A-ZÀ-Þ])|(?<=[A-ZÀ-Þ])(?=[A-ZÀ-Þ][a-zß-ÿ])|_+")
_HASHTAG = re.compile(r"[#＃](\w+)")


def spaced_hashtags(text: str) -> str:
    """Return a text with the words of each hashtag apart: ``#InwiVoleurs`` as ``#Inwi Voleurs``.

    So that a model reads words it knows. Digits stay with their letters (``#7ayed_like``).
    """
    if "#" not in text and "＃" not in text:
        return text
    return _HASHTAG.sub(lambda tag: "#" + _PARTING.sub(" ", tag[1]).strip(), text)


def stems(word: str) -> tuple[str, ...]:
    """Return what remains of a normalised word when clitics in front are taken off.

    The longest clitic first, without the word itself; usually nothing or one form.
    """
    first = word[:1]
    if first in _ARABIC_FIRST:
        known = _ARABIC
    elif first in _LATIN_FIRST:
        known = _LATIN
    else:
        return ()
    found = []
    for length in range(min(4, len(word) - 2), 0, -1):
        least = known.get(word[:length])
        if least is None or len(word) - length < least:
            continue
        if length == 1 and first in "wfbd" and word[1] in _NO_CLITIC_BEFORE:
            continue
        found.append(word[length:])
    return tuple(found)


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
