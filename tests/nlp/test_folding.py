"""One spelling for text that looks the same. All texts are fictional."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp.folding import fold


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("\ufecb\ufee0\ufe8e\ufeb5", "علاش"),  # presentation forms
        ("\ufefb", "لا"),  # a ligature
        ("قط\u200cعتو", "قطعتو"),  # zero-width non-joiner
        ("l7\u200bogra", "l7ogra"),  # zero-width space
        ("\ufeffbonjour\u200f", "bonjour"),  # byte order mark, direction mark
        ("ｉｎｗｉ １２", "inwi 12"),  # full-width
        ("𝐢𝐧𝐰𝐢 𝟚𝟘", "inwi 20"),  # mathematical letters and digits
        ("ⓘⓝⓦⓘ", "inwi"),  # circled letters
        ("décide\u0301", "décidé"),  # decomposed
        ("oﬃce", "office"),
        ("a\u00a0b\u2009c\u3000d\u2800e", "a b c d e"),
        ("a\r\nb\u2028c\x85d", "a\nb\nc\nd"),
        ("a\x00b\x1fc", "a b c"),
        ("\ufe76", "\u064e"),  # the isolated form of a vowel mark
        ("\ud83d\ude21", "😡"),  # a surrogate pair in two halves
        ("a\ud83db", "ab"),
    ],
)
def test_fold__gives_look_alikes_one_spelling(written: str, read: str) -> None:
    assert fold(written) == read


@pytest.mark.parametrize(
    "text",
    [
        "inwi™ et Orange®",  # the letters of a sign are not glued to the word
        "3lach 9ata3to l'appel ?!",
        "مُمتاز",  # vowel marks
        "٠٦ ½ m² …",
        "❤️ 👨‍👩‍👧 👏🏽 1️⃣ 🇲🇦",  # what belongs to an emoji
        "a\tb\nc",
        "",
        "ⴰⵣⵓⵍ",
    ],
)
def test_fold__leaves_what_differs_to_the_eye(text: str) -> None:
    assert fold(text) == text


@given(st.text(st.characters(exclude_categories=()), max_size=40))
def test_fold__is_idempotent_and_composed(text: str) -> None:
    once = fold(text)
    assert fold(once) == once
    assert unicodedata.is_normalized("NFC", once)
