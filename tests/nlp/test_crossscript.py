"""One key for a word however it is written, and the forms a word may be found under."""

from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp.clitics import hashtag_parts, hashtag_spans, stems
from nlp.crossscript import analyse, key, outline, variants
from nlp.text import tokenize

ANY = st.text(st.characters(codec=None, exclude_categories=()), max_size=60)


@pytest.mark.parametrize(
    "spellings",
    [
        "واتساب وتساب واتصاب whatsapp watsap WhatsApp whatssap wtsap واتساااب",
        "الحكومة l7okouma l7okoma lhokouma 7okouma حكومة",
        "إنوي انوي inwi Inwiiii",
        "سكايب skype السكايب",
        "فايبر viber Vibr",
        "اتصالات itisalat ittissalat",
        "ميديتل meditel Méditel مديتيل",
        "ميسنجر messenger",
        "شكون chkoun chkon shkoun",
        "بزاف bzaf bzzaf bezzaf bzaaaf",
        "خدام kheddam 5eddam",
        "غادي ghadi 3'adi",
        "الناس nnas nas ناس",
        "الوقت lwe9t lw9t",
        "دابا daba",
        "هي hiya",
    ],
)
def test_spellings_of_one_word_share_one_key(spellings: str) -> None:
    assert len({key(word) for word in spellings.split()}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("inwi", "إنو"),
        ("inwi", "ana"),
        ("chi", "cha"),
        ("skype", "sahb"),
        ("مكالمة", "كلمة"),
        ("orange", "range"),
        ("2016", "2017"),
    ],
)
def test_other_words_have_other_keys(one: str, other: str) -> None:
    assert key(one) != key(other)


def test_a_hashtag_and_a_handle_have_the_key_of_their_word() -> None:
    assert key("#inwi") == key("@inwi") == key("inwi")


def test_placeholders_numbers_and_emoji_are_their_own_key() -> None:
    assert (key("[user]"), key("100"), key("😂")) == ("[user]", "_100", "_😂")


@pytest.mark.parametrize(
    ("written", "word"),
    [
        ("والواتساب", "واتساب"),
        ("فالواتساب", "واتساب"),
        ("بواتساب", "واتساب"),
        ("عالواتساب", "واتساب"),
        ("للحكومة", "حكومه"),
        ("ولإنوي", "انوي"),
        ("lwatsap", "watsap"),
        ("flwatsap", "watsap"),
        ("elwatsap", "watsap"),
        ("wlinwi", "inwi"),
        ("linwi", "inwi"),
        ("fskype", "skype"),
        ("#OpeUnlike", "opeunlike"),
        ("#BringBackOurVoip", "voip"),
        ("#inwi_voleurs", "voleurs"),
        ("#حيد_لايك", "لايك"),
    ],
)
def test_a_word_is_found_without_what_is_joined_to_it(written: str, word: str) -> None:
    assert word in variants(written)
    assert key(word) in (*variants(written), key(written))


@pytest.mark.parametrize("word", ["inwi", "dar", "bach", "whatsapp", "ولد", "في", "😂", "[url]"])
def test_short_words_and_whole_words_lose_nothing(word: str) -> None:
    assert stems(word) == ()


@pytest.mark.parametrize(
    ("hashtag", "parts"),
    [
        ("#MarocTelecom", ("maroc", "telecom")),
        ("#OPEUnlike", ("ope", "unlike")),
        ("#حيد_لايك", ("حيد", "لايك")),
        ("#inwi", ()),
        ("#INWI", ()),
    ],
)
def test_a_hashtag_is_parted_only_where_it_shows_its_words(
    hashtag: str, parts: tuple[str, ...]
) -> None:
    assert hashtag_parts(hashtag) == parts


def test_parts_of_a_hashtag_know_where_they_stand() -> None:
    raw = "#inwi_VoleursDuMaroc"
    assert [raw[start:end] for _, start, end in hashtag_spans(raw)] == [
        "inwi",
        "Voleurs",
        "Du",
        "Maroc",
    ]


def test_tokens_and_keys_stand_one_to_one() -> None:
    tokens, keys, found = analyse("فالواتساب [user] inwi 😂")
    assert tokens == ("فالواتساب", "[user]", "inwi", "😂")
    assert keys == tuple(map(key, tokens))
    assert key("whatsapp") in found


@given(ANY)
def test_any_text_is_analysed_and_every_part_is_one_word_of_an_index(text: str) -> None:
    tokens, keys, found = analyse(text)
    assert list(tokens) == [token.text for token in tokenize(text)]
    assert len(keys) == len(tokens)
    assert len(set(found)) == len(found)
    for word in (*tokens, *keys, *found):
        assert word.split() == [word]
        assert set(word) & set("!\"$%&'()*+,-./:;<=>?\\^`{|}~") == set()


@given(ANY)
def test_any_string_has_a_key(text: str) -> None:
    assert key(text)
    assert key(text) == key(text)


@given(st.lists(st.sampled_from("abdegiklmnorstuwyz"), min_size=2, max_size=12))
def test_the_key_does_not_depend_on_case_or_elongation(letters: list[str]) -> None:
    word = "".join(letter for letter, _ in groupby(letters))
    drawn_out = "".join(letter * 4 for letter in word)
    assert key(word.upper()) == key(word)
    if len(word) > 1:
        assert key(drawn_out) == key(word)


def test_a_text_of_100_000_characters_is_analysed() -> None:
    for text in ("a" * 100_000, "وال" * 33_000, "#aB_" * 25_000, "ab." * 33_000):
        assert analyse(text).tokens


LETTERS = st.sampled_from(
    "abcdefghijklmnopqrstuvwxyz0123456789" + "ابتثجحخدذرزسشصضطظعغفقكلمنهويءىة"
)


@given(st.text(LETTERS, min_size=1, max_size=10))
def test_outline__of_a_word_ends_with_those_of_its_keys(raw: str) -> None:
    (word,) = [token.text for token in tokenize(raw)] or [raw]
    for one in (word, *stems(word)):
        for found in (key(one), *(v for v in variants(one) if v[0] == "_")):
            whole = outline(word)
            end = outline(found[1:])
            assert whole.endswith(end) or whole.removesuffix("n").endswith(end), (one, found)
