"""What a post is written in."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nlp import language
from nlp.features import Space
from nlp.language import LANGUAGES, Language, identify
from nlp.training import berber, foreign
from nlp.training import language as training
from nlp.training.fit import arrays_of
from nlp.training.language import Post
from nlp.training.mixtures import splices

CLEAR = {
    "fr": [
        "Je n'arrive plus à appeler ma sœur à Lyon depuis hier soir",
        "Quelqu'un sait pourquoi le débit est si lent aujourd'hui ?",
        "franchement c koi ce service, jspr que ça va revenir vite",
    ],
    "ar": [
        "أعلنت الهيئة في بيان لها أن هذه الخدمات لا تتوفر على ترخيص",
        "لماذا لا يمكننا الاتصال بعائلاتنا في الخارج منذ أمس؟",
        "نطالب المسؤولين باحترام حق المواطنين في التواصل",
    ],
    "ary": [
        "علاش ما بقاش خدام عندي، واش كاين شي حل؟",
        "هادشي ديالكم بزاف، حنا ماشي حمير غادي نمشيو عند شركة خرا",
        "شكون لي بقا كيخلص ليهم دابا؟ والله حتى حشومة",
    ],
    "ary-Latn": [
        "3lach ma b9ach khdam 3ndi, wach kayn chi hal?",
        "hadchi dyalkom bzaf, 7na machi 7mir ghadi nmchiw 3nd charika khra",
        "walah 7ta 7chouma 3likom, chkoun mazal kaykhelles daba",
    ],
    "en": [
        "Why can't I call my family back home since yesterday?",
        "This is a shame, everybody should leave that company now",
        "Does anyone know when the service will be back?",
    ],
}
ABROAD = [
    "Buenos días a todos, hoy hace mucho calor en Madrid y no funciona nada",
    "Mi hermana vive en Sevilla y desde ayer no puedo hablar con ella",
    "Goedemorgen allemaal, ik heb vandaag geen zin om te werken",
    "De klantenservice is heel slecht, niemand neemt de telefoon op",
    "Heute ist das Wetter schön und wir gehen zusammen spazieren",
    "Das ist wirklich eine Schande für das ganze Land",
    "Non riesco a chiamare mia sorella da ieri sera, che succede?",
    "Bugün hava çok güzel, hep birlikte denize gidiyoruz",
    "امروز هوا خیلی خوب است و به پارک می‌رویم",
    "آج موسم بہت اچھا ہے اور ہم باہر جا رہے ہیں",
]
WORDLESS = [
    "",
    " ",
    "\0",
    "😡😡😡",
    "12 345 67",
    "[user] [url]",
    "\u200f\u200f",
    "https://example.org",
]


def labels(texts: Sequence[str]) -> list[str]:
    return [found.label for found in identify(texts)]


@pytest.mark.parametrize("name", LANGUAGES)
def test_clear_posts_get_their_language(name: str) -> None:
    assert labels(CLEAR[name]) == [name] * len(CLEAR[name])


@pytest.mark.parametrize(
    "text",
    [
        "Franchement hadchi bzaf, on paye chaque mois w ma kayn walo, c'est pas normal",
        "عيطت ليهم بزاف et à chaque fois ils me disent غدا إن شاء الله c'est bon",
        "je comprends pas 3lach ils ont coupé, bghit nhder m3a mama w c'est impossible",
    ],
)
def test_a_post_without_a_main_language_is_mixed(text: str) -> None:
    assert labels([text]) == ["mixed"]


def test_a_few_borrowed_words_do_not_make_a_mixture() -> None:
    assert labels(["l'application ma khdamach 3ndi mn lbare7, wach ghir ana wla kolchi"]) == [
        "ary-Latn"
    ]
    assert labels(["hier j'ai vu mon frère, hamdoullah il va bien et il reste une semaine"]) == [
        "fr"
    ]


@pytest.mark.parametrize("text", WORDLESS)
def test_a_post_without_letters_is_other_for_certain(text: str) -> None:
    assert identify([text]) == [Language("other", 1.0, (0.0, 0.0, 0.0), "")]


@pytest.mark.parametrize("text", ABROAD)
def test_languages_from_elsewhere_are_other(text: str) -> None:
    assert labels([text]) == ["other"]


@pytest.mark.parametrize(
    "text",
    [
        "ⴰⵣⵓⵍ ⴼⵍⵍⴰⵡⵏ",
        "tanmirt nwen a aytma, ur ssineɣ mani tellam",
        "nekkni d imazighen, tamazight tga tutlayt nnegh",
    ],
)
def test_berber__is_told_in_both_scripts(text: str) -> None:
    assert labels([text]) == ["zgh"]


@pytest.mark.parametrize("text", ["merci", "Oui", "bonjour 😍", "oui merci"])
def test_french__is_told_of_a_word_or_two(text: str) -> None:
    assert labels([text]) == ["fr"]


def test_emoji__have_no_say_in_the_language() -> None:
    for name, posts in CLEAR.items():
        assert labels([f"😡😡 {post} 😂❤️🔥" for post in posts]) == [name] * len(posts)


def test_names_of_services__do_not_make_a_mixture() -> None:
    text = "بغيت نهضر مع ماما WhatsApp Skype Viber"
    assert labels([text, "WhatsApp Facebook"]) == ["ary", "other"]


def test_mixed__needs_a_second_language_of_a_third_of_the_words() -> None:
    text = "wach kayn chi hal m3a had charika rah 3yina mn had lmochkil, merci beaucoup"
    assert labels([text]) == ["ary-Latn"]


def test_hashtags__are_read_word_by_word() -> None:
    assert language.readable("#LaHonteTotale #7ayed_like") == "#La Honte Totale #7ayed like"


@pytest.mark.parametrize("text", ["Привет, как дела сегодня?", "今天天气很好"])
def test_other_scripts_are_other(text: str) -> None:
    [found] = identify([text])
    assert found.label == "other"
    assert found.scripts == (0.0, 0.0, 1.0)


def test_script_shares_count_letters_alone() -> None:
    [found] = identify(["abc 123 دهب !!! 😀"])
    assert found.scripts == (0.5, 0.5, 0.0)


def test_langdetect_is_not_asked_where_the_answer_is_clear() -> None:
    posts = [text for texts in CLEAR.values() for text in texts]
    assert [found.opinion for found in identify(posts)] == [""] * len(posts)


def test_langdetect_is_asked_about_other_languages_in_latin_letters_only() -> None:
    found = identify(ABROAD)
    assert [one.opinion for one in found][:2] == ["es", "es"]
    assert [one.opinion for one in found][-2:] == ["", ""]


def test_langdetect_says_the_same_each_time() -> None:
    text = "la lista de los amigos en el bar"
    assert len({language.ask_langdetect(text) for _ in range(5)}) == 1
    assert language.ask_langdetect("123 😀") == ""


@given(st.lists(st.text(alphabet=st.characters(exclude_categories=())), min_size=1, max_size=8))
def test_any_string_has_one_answer_whatever_stands_beside_it(texts: list[str]) -> None:
    together = identify(texts)
    assert together == [identify([text])[0] for text in texts]
    for found in together:
        assert found.label in language.LABELS
        assert 0 <= found.confidence <= 1
        assert sum(found.scripts) == pytest.approx(1) or sum(found.scripts) == 0


def test_only_the_beginning_of_an_endless_post_is_read() -> None:
    french = CLEAR["fr"][0] + " "
    [found] = identify([french * 2000])
    assert found.label == "fr"
    assert identify([french * 500]) == identify([french * 500 + CLEAR["ary"][0] * 500])


def test_no_posts_give_no_answers() -> None:
    assert identify([]) == []


def test_splices_are_labelled_by_the_share_of_words() -> None:
    posts = {"fr": ["un deux trois quatre cinq"], "ary-Latn": ["wa7ed jouj tlata reb3a khamsa"]}
    made = splices(posts, 60, seed=1)
    french = set(posts["fr"][0].split())
    for splice in made:
        words = splice.text.split()
        of_french = sum(word in french for word in words) / len(words)
        assert splice.share == pytest.approx(max(of_french, 1 - of_french))
        assert splice.mixed == (splice.share < 2 / 3)
    assert sum(splice.mixed for splice in made) == 30


def test_made_up_foreign_words_are_the_same_for_the_same_seed() -> None:
    assert foreign.texts(5, seed=3) == foreign.texts(5, seed=3)
    spanish = foreign.Babbler("es")
    words = {spanish.word(Random(seed)) for seed in range(300)}
    assert {"de", "la", "en"} <= words


def test_training_works_from_posts_to_the_decision_on_mixtures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(training, "SPACE", Space(orders=(1, 2, 3), words=1, bits=12))
    monkeypatch.setattr(training, "SPLICES", 200)
    posts = [Post(text, LANGUAGES.index(name)) for name in CLEAR for text in CLEAR[name]] * 4
    weights, bias = training.fit_table(
        posts, foreign.texts(20, seed=1), ["chnowa jawek ya khouya"], 8, berber.texts(20, seed=1)
    )
    assert weights.shape[1] == len(bias) == len(LANGUAGES) + 2
    cooling = training.cool(weights, bias, posts)
    table, _ = arrays_of(training.SPACE, weights / cooling, bias / cooling, 8)
    mixed = training.fit_mixed(table, posts)
    assert np.isfinite(mixed).all()
    assert 0 < training.mixed_limit(table, mixed, posts) <= 1


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("c'est qui ce Bouazza Benchekroun ?", "fr"),
        ("Mohamed Benali est ministre", "fr"),
        ("j'ai appelé Hamid à Khouribga ce matin", "fr"),
        ("la connexion khayba bezzaf ce soir", "mixed"),
        ("Inwi ma khddamch depuis hier matin", "mixed"),
    ],
)
def test_names__make_no_mixture_of_a_french_sentence(text: str, label: str) -> None:
    assert language.identify([text])[0].label == label
