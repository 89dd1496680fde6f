"""Text like that of languages Marsad doesn't judge, so that it learns to say `other`.

Half of it are frequent words of a language (:mod:`nlp.training.words`), drawn by their rank.

The other half: the letter statistics that langdetect ships (counts of one to three letters per
language) are walked at random: what comes out is no language, but its short words are real and its
long ones look real, which is all that an n-gram model sees.
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from random import Random

import langdetect

from nlp.training import words

#: Languages to imitate, in Latin and in Arabic letters. Those whose letters resemble Arabizi
#: (Somali, Swahili, Welsh, Tagalog) are left out: nobody writes them about the Maghreb.
_WEST = ("es", "it", "pt", "ca", "de", "nl", "sv", "da", "no", "fi")
LATIN = (*_WEST, "tr", "pl", "ro", "id", "hr", "cs", "hu", "vi")
ARABIC = ("fa", "ur")

_LENGTHS = (2, 3, 4, 6, 8, 12, 18)
_LONGEST_WORD = 15
_PROFILES = Path(langdetect.__file__).parent / "profiles"


class Babbler:
    """Makes words of one language, letter by letter from the two before."""

    def __init__(self, language: str) -> None:
        """Read langdetect's statistics of `language`."""
        profile = json.loads((_PROFILES / language).read_text(encoding="utf-8"))
        starts: dict[str, int] = defaultdict(int)
        follows: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for gram, count in profile["freq"].items():
            letters = gram.lower()
            if len(letters) == 2 and letters[0] == " ":
                starts[letters] += count
            elif len(letters) == 3:
                follows[letters[:2]][letters[2]] += count
        self._starts, self._follows = dict(starts), dict(follows)

    def word(self, rng: Random) -> str:
        """Return one word."""
        word = rng.choices(list(self._starts), list(self._starts.values()))[0]
        while len(word) < _LONGEST_WORD:
            after = self._follows.get(word[-2:])
            if not after:
                break
            word += rng.choices(list(after), list(after.values()))[0]
            if word.endswith(" "):
                break
        return word.strip()


#: Languages whose lists of frequent words go under another code.
_CODES = {"hr": "sh", "no": "nb"}
_FREQUENT = 3_000


class Words:
    """Draws frequent words of one language, by their rank (Zipf's law)."""

    def __init__(self, wheel: Path, language: str) -> None:
        """Read the list of `language`."""
        self._words = words.frequent(wheel, _CODES.get(language, language), _FREQUENT)
        self._weights = [1 / (rank + 3) for rank in range(len(self._words))]

    def word(self, rng: Random) -> str:
        """Return one word."""
        return rng.choices(self._words, self._weights)[0]


def texts(count: int, seed: int, wheel: Path | None = None) -> list[str]:
    """Return `count` texts of 2 to 18 words; Arabic letters in a quarter of them.

    With the `wheel` of frequent words, every second text is made of these.
    """
    rng = Random(seed)
    languages = (*LATIN, *ARABIC)
    makers: list[dict[str, Babbler] | dict[str, Words]] = [{one: Babbler(one) for one in languages}]
    if wheel is not None:
        makers.append({one: Words(wheel, one) for one in languages})
    made = list[str]()
    for place in range(count):
        language = rng.choice(ARABIC if rng.random() < 0.25 else LATIN)
        maker = makers[place % len(makers)][language]
        made.append(" ".join(maker.word(rng) for _ in range(rng.choice(_LENGTHS))))
    return made
