"""Normalisation and tokens: one spelling, offsets into the original, safe for both stores."""

import sqlite3
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp.text import MAX_TOKEN, compounds, normalise, pieces, tokenize

#: Any str that Python can hold: lone surrogates and NUL too.
ANY = st.text(st.characters(codec=None, exclude_categories=()), max_size=80)
#: Text as people write it, with the marks and signs that give trouble.
POSTS = st.text(
    st.sampled_from(
        "abzéÉ379 ''’_#@[]./:-wهةأإآىيئؤكڭگݣڤواتسبـ\u064b\u0651\u200c\u200f\ufe0f😂❤👏🏽🇲🇦٣\n\0"
    ),
    max_size=60,
)


def texts(text: str) -> list[str]:
    return [token.text for token in tokenize(text)]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("INWI Méditel Ça", "inwi meditel ca"),
        ("إتّصالات المَغرب", "اتصالات المغرب"),
        ("على الحكومة مسؤولة شيئ", "علي الحكومه مسووله شيي"),
        ("أݣادير أڭادير أگادير", "اكادير اكادير اكادير"),
        ("ڤي بي إن", "في بي ان"),
        ("واتـــساب", "واتساب"),
        ("بزاااااف bzaaaaf حشوووومة", "بزاف bzaf حشومه"),
        ("هههههههه hhhhhhh", "هه hh"),
        ("2000 ٢٠١٦ ۳", "2000 2016 3"),
        ("وات\u200cساب \u202bin\u200bwi\u202c", "واتساب inwi"),
        ("ｉｎｗｉ", "inwi"),
        ("l7'obz 3'adi", "lkhobz ghadi"),
        ("œuvre straße", "oeuvre strasse"),
    ],
)
def test_spellings_that_people_use_for_one_another_become_one(written: str, expected: str) -> None:
    assert normalise(written) == expected


def test_two_equal_letters_stay_since_words_have_them() -> None:
    assert normalise("Allah appelle اللي") == "allah appelle اللي"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3lach 7ta 9bel", ["3lach", "7ta", "9bel"]),
        ("L'ANRT d’inwi", ["l", "anrt", "d", "inwi"]),
        ("#OpeUnlike! #حيد_لايك", ["#opeunlike", "#حيد_لايك"]),
        ("@inwi: @Maroc_Telecom", ["@inwi", "@maroc_telecom"]),
        ("[user] dit [url]", ["[user]", "dit", "[url]"]),
        ("voir https://example.org/inwi?x=1 ou www.example.org", ["voir", "[url]", "ou", "[url]"]),
        ("écris à nom.x@example.org", ["ecris", "a", "[mail]"]),
        ("😂😂😂 ok ❤️❤️", ["😂", "ok", "❤"]),
        ("👏🏽 👏", ["👏", "👏"]),
        ("Maroc 🇲🇦", ["maroc", "🇲🇦"]),
        ("Wi-Fi 3,5 dh", ["wi", "fi", "3", "5", "dh"]),
        ("", []),
        ("ـــ !? \0 \ud800", []),
    ],
)
def test_a_text_falls_into_these_tokens(text: str, expected: list[str]) -> None:
    assert texts(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("le Wi-Fi, #Wi-Fi", ["wifi", "wifi"]),
        ("واي‑فاي", ["وايفاي"]),
        ("e-mail-adresse", ["email", "mailadresse", "emailadresse"]),
        ("le 2016-02-27 - ou 3-4", []),
        ("wi--fi, wi - fi, [user]-wi, 😡-😡, -wi-", []),
    ],
)
def test_compounds__are_words_that_one_hyphen_parts(text: str, expected: list[str]) -> None:
    assert [compound.text for compound in compounds(text)] == expected


def test_a_text_has_the_same_tokens_before_and_after_its_links_and_mails_are_masked() -> None:
    assert texts("mail x.y@example.org https://example.org/a") == texts("mail [mail] [url]")


def test_offsets_point_at_the_word_in_the_original_text() -> None:
    text = "هاد الوَاتْسَاب 😂 bzaaaf"
    assert [text[t.start : t.end] for t in tokenize(text)] == text.split()


def test_a_compatibility_character_may_stand_for_several_words() -> None:
    assert texts("ﷺ") == ["صلي", "الله", "عليه", "وسلم"]


def test_a_very_long_word_is_cut_but_its_offsets_span_all_of_it() -> None:
    (token,) = tokenize("ab" * 50_000)
    assert (len(token.text), token.start, token.end) == (MAX_TOKEN, 0, 100_000)


@given(st.one_of(ANY, POSTS))
def test_normalising_twice_changes_nothing(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@given(st.one_of(ANY, POSTS))
def test_tokens_hold_no_space_and_no_punctuation_and_stand_in_order(text: str) -> None:
    forbidden = set(string.punctuation) - set("#@_[]") | set(string.whitespace)
    place = 0
    for token in tokenize(text):
        assert token.text
        assert not token.text.isspace()
        assert not set(token.text) & forbidden
        assert not any(char.isspace() for char in token.text)
        assert len(token.text) <= MAX_TOKEN
        assert place <= token.start < token.end <= len(text)
        place = token.start
        token.text.encode()  # no lone surrogate


@given(st.one_of(ANY, POSTS))
def test_sqlite_gives_back_exactly_the_tokens_that_were_indexed(text: str) -> None:
    tokens = texts(text)
    db = sqlite3.connect(":memory:")
    db.execute("""CREATE VIRTUAL TABLE t USING fts5(x, tokenize = "ascii tokenchars '#@_[]'")""")
    db.execute("CREATE VIRTUAL TABLE v USING fts5vocab(t, 'instance')")
    db.execute("INSERT INTO t VALUES (?)", [" ".join(tokens)])
    stored = [term for (term,) in db.execute("SELECT term FROM v ORDER BY offset")]
    db.close()
    assert stored == tokens


@given(POSTS)
def test_a_token_alone_is_that_token(text: str) -> None:
    for token in tokenize(text):
        assert texts(token.text) == [token.text]


@given(POSTS)
def test_stretches_lie_behind_one_another(text: str) -> None:
    ends = [0]
    for _, start, end in pieces(text):
        assert ends[-1] <= start < end
        ends.append(end)


@given(st.text(st.sampled_from("abzABZ019" + "ءابتثجحخدذرزسشصضطظعغفقكلمنهوىيةپ"), min_size=1))
def test_tokenize__folds_simple_words_as_normalise_does(word: str) -> None:
    assert [token.text for token in tokenize(word)] == [normalise(word)[:MAX_TOKEN]]
