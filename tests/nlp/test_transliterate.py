"""Labelled posts in Arabic script, shown to the training in Latin script."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from nlp.training.data import Row
from nlp.training.transliterate import MARK, Spellings, candidates, spell

PAIRS = [("mezyan", "مزيان"), ("mzyan", "مزيان"), ("mzyan", "مزيان"), ("bzaf", "بزاف")]
ARABIC = "ابتثجحخدذرزسشصضطظعغفقكلمنهويىءئؤةآأإپچڤگڭ"


def test_a_known_word_is_spelt_as_its_writers_spell_it_most_often() -> None:
    spellings = Spellings(PAIRS)
    drawn = [spellings.word("مزيان", random.Random(seed)) for seed in range(300)]
    assert set(drawn) == {"mezyan", "mzyan"}
    assert drawn.count("mzyan") > drawn.count("mezyan")


def test_vowel_marks_do_not_hide_a_known_word() -> None:
    assert "بَزّاف" in Spellings(PAIRS)


def test_everything_but_arabic_words_stays_as_it_is() -> None:
    text = Spellings(PAIRS).text("bravo @user1: بزاف، 100% 😡 #Réseau", random.Random(0))
    assert text == "bravo @user1: bzaf، 100% 😡 #Réseau"


def test_the_same_seed_gives_the_same_text() -> None:
    spellings, text = Spellings(PAIRS), "هاد الشي خايب بزاف والله مزيان"
    assert spellings.text(text, random.Random(4)) == spellings.text(text, random.Random(4))


@given(st.text(ARABIC, min_size=1, max_size=20), st.integers(0, 1000))
def test_an_unknown_word_is_spelt_in_ascii(word: str, seed: int) -> None:
    assert spell(word, random.Random(seed)).isascii()


def test_the_share_of_known_words_counts_arabic_words_alone() -> None:
    spellings = Spellings(PAIRS)
    assert spellings.share_known("3lach بزاف مزيان اليوم غدا") == 0.5
    assert spellings.share_known("walo") == 0.0


def test_comments_whose_words_are_known_are_candidates_and_headlines_are_not() -> None:
    comment = Row("مزيان بزاف", 2, "ary", "myc_cleaned")
    rows = [
        comment,
        Row("كلام غريب", 0, "ary", "myc_cleaned"),
        Row("مزيان", 1, "ary", "afrisenti_ary"),
    ]
    chosen = candidates(rows, Spellings(PAIRS))
    assert [(row.text, row.label, row.lang) for row in chosen] == [(comment.text, 2, "ary" + MARK)]
