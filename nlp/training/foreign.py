"""Text like that of languages Marsad doesn't judge, so that it learns to say `other`.

The letter statistics that langdetect ships (counts of one to three letters per language) are
walked at random: what comes out is no language, but its short words are real and its long ones
look real, which is all that an n-gram model sees.
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from random import Random

import langdetect

#: Languages to imitate, in Latin and in Arabic letters. Those whose letters resemble Arabizi
#: (Somali, Swahili, Welsh, Tagalog) are left out: nobody writes them about the Maghreb.
_WEST = ("es", "it", "pt", "ca", "de", "nl", "sv", "fi")
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


def texts(count: int, seed: int) -> list[str]:
    """Return `count` texts of 2 to 18 words; Arabic letters in a quarter of them."""
    rng = Random(seed)
    babblers = {language: Babbler(language) for language in (*LATIN, *ARABIC)}
    made = list[str]()
    for _ in range(count):
        language = rng.choice(ARABIC if rng.random() < 0.25 else LATIN)
        words = (babblers[language].word(rng) for _ in range(rng.choice(_LENGTHS)))
        made.append(" ".join(words))
    return made
