"""What counts as a mention: aliases in every script, whole words, context where it needs one."""

import json
import pickle
import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ingest.watchlist.loader import companion, load, parse
from ingest.watchlist.matcher import WINDOW, Matcher
from nlp.text import normalise


def matcher_of(name: str) -> Matcher:
    watchlist = load(name)
    assert watchlist is not None
    return Matcher(watchlist)


MOROCCO = matcher_of("morocco-2016")
LEBANON = matcher_of("lebanon-2019")
ANY = st.text(st.characters(codec=None, exclude_categories=()), max_size=80)
#: Words that name nothing and give no context.
PLAIN = st.lists(
    st.sampled_from(
        ["koulchi", "mezian", "اليوم", "جميل", "bonjour", "hier", "12", "😂", "،", "!"]
    ),
    max_size=15,
)
SURE = [
    (entity.id, alias)
    for entity in MOROCCO.watchlist.entities
    for group in entity.aliases.values()
    for alias in group
]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # one name in every script and spelling
        ("Whatsapp, wtsp, whats app, واتساب, وتس اب", "whatsapp"),
        ("ittissalat al maghrib", "maroc-telecom"),
        ("itisalaat lmaghrib khayba", "maroc-telecom"),
        ("إتّصالات المَغرب", "maroc-telecom"),
        ("MAROC TÉLÉCOM", "maroc-telecom"),
        ("إنووووي حشومة", "inwi"),
        # clitics
        ("والواتساب مبلوكي", "whatsapp"),
        ("عيطت ليه فسكايب وبالفايبر", "skype viber"),
        ("للحكومة ولإنوي", "inwi government"),
        ("flwatsap wlinwi", "inwi whatsapp"),
        ("walou f whatsapp l7okouma sakta", "government whatsapp"),
        ("l'ANRT d’inwi", "inwi anrt"),
        ("بشركات الاتصالات", "operators"),
        # hashtags and handles
        ("#inwi_voleurs #MarocTelecom", "maroc-telecom inwi"),
        ("#maroctelecom", "maroc-telecom"),
        ("@Maroc_Telecom svp", "maroc-telecom"),
        ("#OpeUnlike", "operators"),
        ("#حيد_لايك", "operators"),
        ("حيد لايك أخويا", "operators"),
        ("#BringBackOurVoip", "voip"),
        # several words, and two entities in the same words
        ("Facebook Messenger", "messenger"),
        ("المكالمات عبر الانترنت ممنوعة", "voip"),
        # not inside other words, not in links and mails
        ("inwindow skyped vpnish", ""),
        ("https://example.org/inwi jobs@inwi.example.org", ""),
        ("@inwi_fan_2016", ""),
        # more than one meaning
        ("jus d'orange frais", ""),
        ("Orange remplace Méditel", "meditel"),
        ("Orange a le meilleur réseau", "meditel internet-service"),
        ("orange maroc 100% bio", ""),
        ("IAM en concert, le rap français", ""),
        ("iam so happy today", ""),
        ("facture IAM encore doublée", "maroc-telecom"),
        ("w ana wana m3ak", ""),
        ("the Messenger of God", ""),
        ("messenger ne marche plus", "messenger"),
        ("Contact skype : example.prof", ""),
        ("أنوي الذهاب غدا", ""),
        ("réseaux sociaux", ""),
        ("salam cava", ""),
        ("", ""),
    ],
)
def test_a_text_mentions_these_entities(text: str, expected: str) -> None:
    assert MOROCCO.entities(text) == tuple(expected.split())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ضريبة عالواتساب", "whatsapp tax"),
        ("touch and Alfa raised the bill", "touch alfa"),
        ("stay in touch, Alfa Romeo lovers", ""),
        ("ya 7koume", "government"),
        ("#كلن_يعني_كلن", "government"),
        ("وزير الاتصالات", "telecom-ministry"),
        ("inwi", ""),
    ],
)
def test_another_country_needs_another_file_and_no_other_code(text: str, expected: str) -> None:
    assert LEBANON.entities(text) == tuple(expected.split())


def test_a_mention_gives_the_place_in_the_original_text() -> None:
    text = "😂 والوَاتْسَاب ديال #inwi_voleurs"
    assert [(m.entity, text[m.start : m.end]) for m in MOROCCO.find(text)] == [
        ("whatsapp", "والوَاتْسَاب"),
        ("inwi", "inwi"),
    ]


def test_an_ambiguous_name_counts_only_near_its_context() -> None:
    near, far = "mot " * (WINDOW - 1), "mot " * WINDOW
    assert MOROCCO.entities(f"orange {near} forfait") == ("meditel",)
    assert MOROCCO.entities(f"orange {far} forfait") == ()


def test_another_sure_mention_nearby_is_context_enough() -> None:
    assert MOROCCO.entities("orange") == ()
    assert MOROCCO.entities("orange et inwi") == ("inwi", "meditel")


def test_a_veto_nearby_outweighs_context() -> None:
    assert MOROCCO.entities("orange forfait jus") == ()


CASE = """
name = "two"
title = "Overlapping aliases"
country = "FR"
timezone = "Europe/Paris"
languages = ["fr"]
[[entities]]
id = "app"
kind = "app"
name = "App"
exclusions = ["old blue call"]
[entities.aliases]
latin = ["blue", "blue call", "call"]
[[entities]]
id = "calls"
kind = "topic"
name = "Calls"
[entities.aliases]
latin = ["blue call back"]
"""


def test_of_one_entity_the_longest_alias_is_found_and_two_entities_may_share_words() -> None:
    text = "a blue call back"
    assert [(m.entity, text[m.start : m.end]) for m in Matcher(parse(CASE)).find(text)] == [
        ("calls", "blue call back"),
        ("app", "blue call"),
    ]


def test_no_alias_counts_inside_an_exclusion() -> None:
    assert Matcher(parse(CASE)).entities("old blue call") == ()
    assert Matcher(parse(CASE)).entities("old blue call, new call") == ("app",)


@given(ANY)
def test_any_text_is_matched_and_offsets_lie_inside_it(text: str) -> None:
    found = MOROCCO.find(text)
    assert all(0 <= m.start < m.end <= len(text) for m in found)
    assert found == sorted(found, key=lambda m: m.start)
    assert set(MOROCCO.entities(text)) == {m.entity for m in found}


@given(st.sampled_from(SURE), PLAIN, PLAIN)
def test_a_sure_alias_is_found_whatever_plain_words_stand_around_it(
    pair: tuple[str, str], before: list[str], after: list[str]
) -> None:
    entity, alias = pair
    text = " ".join([*before, alias, *after])
    assert entity in MOROCCO.entities(text)


@given(st.sampled_from(SURE), PLAIN)
def test_mentions_point_at_the_alias(pair: tuple[str, str], before: list[str]) -> None:
    entity, alias = pair
    text = " ".join([*before, alias])
    start = len(text) - len(alias)
    assert any(
        m.entity == entity and start <= m.start and m.end <= len(text) for m in MOROCCO.find(text)
    )


@given(st.sampled_from(SURE), st.sampled_from("َُِّْ"))
def test_case_harakat_and_letter_variants_do_not_matter(pair: tuple[str, str], mark: str) -> None:
    entity, alias = pair
    vocalised = "".join(c + mark if "ء" <= c <= "ي" else c for c in alias)
    for written in (alias.upper(), vocalised, normalise(alias)):
        assert entity in MOROCCO.entities(written)


@given(st.sampled_from(SURE), st.integers(3, 9), st.data())
def test_a_letter_drawn_out_does_not_matter(
    pair: tuple[str, str], times: int, data: st.DataObject
) -> None:
    entity, alias = pair[0], normalise(pair[1])
    words = [match.span() for match in re.finditer(r"[^\W\d_]{2,}", alias)]
    single = [
        i
        for start, end in words
        for i in range(start, end)
        if alias[i] not in alias[max(start, i - 1) : i] + alias[i + 1 : min(end, i + 2)]
    ]
    assume(single)
    place = data.draw(st.sampled_from(single))
    written = alias[:place] + alias[place] * times + alias[place + 1 :]
    assert entity in MOROCCO.entities(written)


def test_a_matcher_can_be_sent_to_another_process() -> None:
    assert pickle.loads(pickle.dumps(MOROCCO)).entities("inwi") == ("inwi",)


def test_a_text_of_100_000_characters_is_matched() -> None:
    assert len(MOROCCO.find("inwi " * 20_000)) == 20_000
    assert MOROCCO.find("orange " * 14_000) == []
    assert MOROCCO.find("iam 3g " * 14_000)


SENEGAL = """
name = "senegal"
title = "An invented case"
country = "SN"
timezone = "UTC"
languages = ["fr"]

[[entities]]
id = "free"
kind = "operator"
name = "Free"
[entities.aliases]
latin = ["free senegal", "saga africa"]

[[entities]]
id = "ministry"
kind = "government"
name = "The ministry"
[entities.aliases]
latin = ["ministere"]

[[campaigns]]
entities = ["ministry"]
hashtags = ["#FreeSenegal"]
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("#FreeSenegal", ("ministry",)),
        ("#Free_Senegal #freesenegal", ("ministry",)),
        ("Free Sénégal est lent #FREESENEGAL", ("free", "ministry")),
        ("#SagaAfrica", ("free",)),  # no campaign has it
    ],
)
def test_campaign__has_its_hashtag_alone_though_it_reads_like_an_alias(
    text: str, expected: tuple[str, ...]
) -> None:
    assert Matcher(parse(SENEGAL)).entities(text) == expected


class Thorough(Matcher):
    """Analyses every word, as the matcher does with those that it can't rule out."""

    def _possible(self, token: str) -> bool:
        return True


@pytest.mark.parametrize("name", ["morocco-2016", "lebanon-2019"])
def test_matcher__rules_out_no_word_that_names_something(name: str) -> None:
    watchlist = load(name)
    assert watchlist is not None
    quick, thorough = Matcher(watchlist), Thorough(watchlist)
    signs = ["", "w", "wl", "fl", "bel", "al", "el", "ell", "و", "وال", "لل", "#", "@"]
    letters = "abdefhiklmnorstuwxy23579" + "ابتجحخدرسطعفقكلمنهويةىء"
    named = [*quick._vocabulary, *(word.partition("_")[2] for word in quick._vocabulary)]
    word = st.one_of(
        st.sampled_from([one for one in named if one and " " not in one]),
        st.text(st.sampled_from(letters), min_size=1, max_size=7),
    )
    spelt = st.builds(
        lambda before, word, after, again: before + word.replace(again, again * 2) + after,
        st.sampled_from(signs),
        word,
        st.sampled_from(["", "n", "e", "h", "ya", "wa", "an", "ه", "ي", "ات"]),
        st.sampled_from(list(letters)),
    )

    @given(st.lists(st.one_of(spelt, word, ANY), max_size=8).map(" ".join))
    @settings(max_examples=400)
    def same(text: str) -> None:
        assert quick.find(text) == thorough.find(text)

    same()


def test_matcher__finds_the_same_in_every_post_of_the_sample() -> None:
    watchlist = load("morocco-2016")
    text = companion("morocco-2016", "sample.ndjson")
    assert watchlist is not None
    assert text is not None
    thorough = Thorough(watchlist)
    posts = [str(json.loads(line)["text"]) for line in text.splitlines()]
    assert len(posts) > 500
    for post in posts:
        assert MOROCCO.find(post) == thorough.find(post)
