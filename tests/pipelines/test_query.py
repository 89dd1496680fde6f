"""The query language: what can be written, what it means, how mistakes are told."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nlp.text import tokenize
from pipelines.errors import QueryError
from pipelines.query import (
    FIELDS,
    All,
    And,
    Filter,
    Node,
    Not,
    Or,
    Phrase,
    Prefix,
    Word,
    all_of,
    any_of,
    highlight,
    only,
    parse,
    rewrite,
    uncounted,
)
from pipelines.query.highlight import _Finder, _finder, marks


def word(text: str) -> Word:
    return Word(text, (text.lower(),))


INWI, HONTE, MERCI = word("inwi"), word("honte"), word("merci")

MEANINGS: dict[str, Node] = {
    "": All(),
    " \t\n": All(),
    "inwi": INWI,
    "  inwi  ": INWI,
    "(inwi)": INWI,
    "inwi honte": And((INWI, HONTE)),
    "inwi AND honte": And((INWI, HONTE)),
    "inwi (honte merci)": And((INWI, HONTE, MERCI)),
    "inwi OR honte": Or((INWI, HONTE)),
    "inwi honte OR merci": Or((And((INWI, HONTE)), MERCI)),
    "inwi (honte OR merci)": And((INWI, Or((HONTE, MERCI)))),
    "-inwi": Not(INWI),
    "NOT inwi": Not(INWI),
    "honte -inwi": And((HONTE, Not(INWI))),
    "-(inwi OR honte) merci": And((Not(Or((INWI, HONTE))), MERCI)),
    "--inwi": Not(Not(INWI)),
    "\u2013inwi": Not(INWI),
    "honte \u2212inwi": And((HONTE, Not(INWI))),
    "\u2014\u2010inwi": Not(Not(INWI)),
    "or": word("or"),
    "=inwi": Word("inwi", ("inwi",), exact=True),
    "-=inwi": Not(Word("inwi", ("inwi",), exact=True)),
    "Été": Word("Été", ("ete",)),
    "wi-fi": Word("wi-fi", ("wi", "fi")),
    "10:30": Word("10:30", ("10", "30")),
    "#OpeUnlike": word("#OpeUnlike"),
    "[user]": word("[user]"),
    "whats*": Prefix("whats", "whats"),
    "واتساب": word("واتساب"),
    "\u200fواتساب": word("واتساب"),
    '"vive la coupure"': Phrase("vive la coupure", ("vive", "la", "coupure")),
    '"dit ""oui"""': Phrase('dit "oui"', ("dit", "oui")),
    "“vive la coupure”": Phrase("vive la coupure", ("vive", "la", "coupure")),
    "«vive»": Phrase("vive", ("vive",)),
    '="vive"': Phrase("vive", ("vive",)),
    '"lang:fr"': Phrase("lang:fr", ("lang", "fr")),
    "lang:ary": Filter("lang", ("ary",)),
    "LANG:ARY,ary-latn,ary": Filter("lang", ("ary", "ary-Latn")),
    "-lang:fr": Not(Filter("lang", ("fr",))),
    "sentiment:Negative": Filter("sentiment", ("negative",)),
    "entity:inwi": Filter("entity", ("inwi",)),
    'entity:"Maroc Télécom",INWI': Filter("entity", ("maroc-telecom", "inwi")),
    'target:"Maroc Telecom=negative"': Filter("target", ("maroc-telecom=negative",)),
    "target:inwi=negative,anrt=NEUTRAL": Filter("target", ("inwi=negative", "anrt=neutral")),
    'source:"a set, part 2",b': Filter("source", ("a set, part 2", "b")),
    "platform:Twitter,X,fb": Filter("platform", ("twitter", "facebook")),
    '"inwi|nul"': Phrase("inwi|nul", ("inwi", "nul")),
    "honte!": Word("honte!", ("honte",)),
    "id:bluesky:at://x/y": Filter("id", ("bluesky:at://x/y",)),
    "since:2016-02-01 until:2016-03-01": And(
        (Filter("since", ("2016-02-01",)), Filter("until", ("2016-03-01",)))
    ),
    "date:unknown": Filter("date", ("unknown",)),
    "flag:id-suspect": Filter("flag", ("id-suspect",)),
    "likes>100": Filter("likes", (">100",)),
    "Likes≥0100": Filter("likes", (">=100",)),
    "likes:<5": Filter("likes", ("<5",)),
    "likes=5": Filter("likes", ("5",)),
    "likes:٥": Filter("likes", ("5",)),
    "-reposts<=5": Not(Filter("reposts", ("<=5",))),
    "retweets>5": Filter("reposts", (">5",)),
    "shares:5..": Filter("reposts", ("5..",)),
    "replies:5..70,0,Unknown": Filter("replies", ("5..70", "0", "unknown")),
    "views:..9 inwi": And((Filter("views", ("..9",)), INWI)),
    "likes=bien": Word("likes=bien", ("likes", "bien")),
    '"likes>100"': Phrase("likes>100", ("likes", "100")),
}

MISTAKES = {
    # query: (place counted from 1, what the message says)
    "a (b": (3, "never closed"),
    "a) b": (2, "never opened"),
    "a ()": (3, "hold nothing"),
    'a "b': (3, 'never closed by "'),
    "a «b": (3, "never closed by »"),
    "a »": (3, "never opened"),
    'a ""': (3, "nothing in these quotes"),
    "a !!": (3, "no letter, digit or emoji"),
    "*": (1, "no letter, digit or emoji"),
    "a OR": (5, "missing at the end"),
    "a OR OR b": (6, "OR needs something"),
    "OR a": (1, "OR needs something"),
    "a AND": (6, "missing at the end"),
    "NOT": (4, "missing at the end"),
    "a - b": (3, "directly before"),
    "a -": (3, "directly before"),
    "= a": (1, "directly before a word"),
    "=a*": (1, "exclude"),
    "l'inter*": (1, "is 2 words"),
    "lagn:fr": (1, "there is no field lagn (did you mean lang?); fields are lang, sentiment"),
    "langue:fr": (1, "there is no field langue (here it is lang, as in lang:darija)"),
    "from:2016-02-27": (1, "there is no field from (here it is since, as in since:2016-02-01)"),
    "to:2016-02-27": (1, "there is no field to (here it is until, as in until:2016-03-01)"),
    "date:2016-02-27": (6, "unknown alone; a day is day:2016-02-27, a time since: and until:"),
    "http://a.b": (1, "write a word with a colon in quotes"),
    "a lang:de": (8, "one of fr, ar, ary, ary-Latn, en, zgh, mixed, other"),
    "sentiment:bad": (11, "one of negative, neutral, positive"),
    "target:inwi": (8, "ENTITY=negative|neutral|positive"),
    "target:=negative": (8, "ENTITY="),
    "day:27/02/2016": (5, "such as 2016-02-27"),
    "day:20160227": (5, "such as 2016-02-27"),
    "since:2016-02-31": (7, "a day of the calendar"),
    "since:2016-02-01,2016-02-02": (18, "takes one value"),
    "date:known": (6, "unknown alone"),
    "flag:wrong": (6, "date-implausible"),
    "entity:": (8, "as in entity:whatsapp"),
    "entity: inwi": (8, "needs a value directly after it"),
    "lang:fr,": (9, "needs a value"),
    'id:""': (4, "needs a value"),
    "a \ud800": (3, "lone surrogate"),
    "(" * 60: (26, "more than 25 levels"),
    "-" * 60 + "a": (26, "more than 25 levels"),
    "inwi|nul": (5, "write OR between spaces"),
    "inwi || nul": (6, "write OR"),
    "AT&T": (3, "write AND between spaces, or the words in quotes"),
    "=inwi&nul": (6, "write AND"),
    "a !spam": (3, "- stands before what is left out"),
    "what*app": (5, "at the end of a word only"),
    "*app": (1, "at the end of a word only"),
    "platform:--": (10, "such as twitter"),
    "likes>beaucoup": (6, "a number or a range, as in likes>100"),
    "likes> 100": (6, "a number or a range, as in likes>100"),
    "likes>-1": (6, "a number or a range"),
    "likes:50..10": (7, "a number or a range"),
    "likes:..": (7, "a number or a range"),
    "likes>1,000,x": (13, "a number or a range"),
    "likes>9999999999999999999": (6, "a number or a range"),
    "inwi followers>100": (6, "followers is no number: likes, reposts, replies, views are"),
    "a " * 501: (1001, "more than 500 words"),
}


@pytest.mark.parametrize("query", MEANINGS)
def test_a_query_means_what_the_guide_says(query: str) -> None:
    assert parse(query) == MEANINGS[query]


@pytest.mark.parametrize("query", MISTAKES)
def test_a_mistake_is_shown_at_its_place(query: str) -> None:
    place, message = MISTAKES[query]
    with pytest.raises(QueryError) as caught:
        parse(query)
    said, shown, caret = str(caught.value).split("\n")
    assert f"at character {place}:" in said
    assert message in said
    if place <= len(query) and query[place - 1].isprintable():
        assert shown[caret.index("^")] == query[place - 1]


def test_the_example_of_every_field_parses() -> None:
    for field in FIELDS.values():
        node = parse(field.example)
        assert isinstance(node, Filter)
        assert node.field == field.name


pieces = st.one_of(
    st.sampled_from(
        [
            *'()"“”«»-=*,: #\u200f',
            "OR",
            "AND",
            "NOT",
            "inwi",
            "واتساب",
            "l'an",
            '""',
            "😡",
            "_",
            "\ud800",
        ]
    ),
    st.sampled_from([f.example for f in FIELDS.values()]),
    st.sampled_from([f"{name}:" for name in FIELDS]),
    st.text(max_size=4),
)
queries = st.lists(pieces, max_size=12).map("".join) | st.lists(pieces, max_size=12).map(" ".join)


@given(queries)
@example('id:"a""b"')
@example("-\u200fa b")
@example("=OR")
def test_any_text_parses_or_is_refused_and_what_parses_is_written_back(query: str) -> None:
    try:
        node = parse(query)
    except QueryError:
        return
    assert parse(str(node)) == node


@given(st.lists(queries, max_size=4))
def test_joined_queries_are_written_back_too(texts: list[str]) -> None:
    nodes = []
    for text in texts:
        try:
            nodes.append(parse(text))
        except QueryError:
            continue
    for joined in (all_of(*nodes), any_of(*nodes) if nodes else All()):
        assert parse(str(joined)) == joined


@given(st.sampled_from(["id", "source", "author"]), st.text(min_size=1))
def test_an_option_s_value_is_taken_as_it_is(field: str, value: str) -> None:
    assert only(field, value) == Filter(field, (value,))


def test_uncounted__are_the_posts_whose_count_may_be_the_wanted_one() -> None:
    assert uncounted(parse("inwi OR lang:fr")) is None
    assert uncounted(parse("inwi -likes>5")) is None  # these posts are found
    missed = uncounted(parse("inwi likes>5"))
    assert str(missed) == "inwi likes:>5,unknown -(inwi likes>5)"


def test_options_are_checked_like_typed_filters() -> None:
    assert only("lang", "fr", "ARY") == Filter("lang", ("fr", "ary"))
    with pytest.raises(QueryError, match="one of fr"):
        only("lang", "de")


def test_everything_and_something_is_something() -> None:
    assert all_of() == All()
    assert all_of(All(), INWI) == INWI
    assert all_of(INWI, And((HONTE, MERCI))) == And((INWI, HONTE, MERCI))
    assert any_of(INWI, All()) == All()


def test_author_names_become_pseudonyms_wherever_they_stand() -> None:
    query = parse("inwi -(author:ali OR author:sara,ali)")
    pseudonyms = {"ali": ["u_1", "u_2"]}
    changed = rewrite(query, "author", lambda name: pseudonyms.get(name, []))
    assert str(changed) == "inwi -(author:u_1,u_2 OR author:sara,u_1,u_2)"


MARKED = {
    # query: text with what is marked between < and >
    "inwi": "<Inwi> et <INWI>, pas inwis",
    "watsap": "<watsap>, <واتساب>, whats",
    "=watsap": "<watsap>, <#Watsap>, واتساب, #واتساب",
    "#watsap": "watsap, <#WatSap>, واتساب, @watsap",
    "@watsap": "watsap, #watsap, <@watsap>",
    "wifi": "<wifi> <#wifi> <@wifi> <Wi-Fi>, Wi Fi",
    '"maroc telecom"': "<Maroc Télécom>, <#MarocTelecom> <#maroc_telecom>, #MarocTelecomNet",
    "coup*": "la <coupure>, <coupé>, découper",
    '"la coupure"': "la honte de <la coupure>",
    "wi-fi": "le <wi-fi> ou <Wi Fi> ou <wifi>, fi wi",
    "honte -inwi": "<honte> à inwi",
    "honte OR merci": "<merci>, la <honte>",
    "-(-honte)": "<honte>",
    "lang:fr entity:inwi": "inwi",
    "": "inwi",
    '"la la"': "<la la la>",
    "😡": "<😡😡> inwi",
}


@pytest.mark.parametrize("query", MARKED)
def test_what_was_found_is_marked(query: str) -> None:
    text = MARKED[query].replace("<", "").replace(">", "")
    shown = text
    for start, end in reversed(highlight(parse(query), text)):
        shown = f"{shown[:start]}<{shown[start:end]}>{shown[end:]}"
    assert shown == MARKED[query]


@given(st.lists(st.sampled_from(["inwi", "watsap", "واتساب", "la", "été", "!", "😡"])), queries)
def test_marks_are_in_order_apart_and_inside_the_text(words: list[str], query: str) -> None:
    try:
        node = parse(query)
    except QueryError:
        node = parse("inwi OR la")
    text = " ".join(words)
    spans = highlight(node, text)
    bounds = [bound for span in spans for bound in span]
    assert bounds == sorted(set(bounds))
    assert all(0 <= b <= len(text) for b in bounds)
    assert all(tokenize(text[start:end]) for start, end in spans)


def test_the_guide_names_every_field_and_shows_a_real_message() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "query.md").read_text(encoding="utf-8")
    for field in FIELDS.values():
        assert f"| `{field.example}` |" in guide
    with pytest.raises(QueryError) as caught:
        parse("inwi langue:fr")
    assert str(caught.value) in guide


WORDS = st.sampled_from(
    ["whatsapp", "watsap", "واتساب", "والواتساب", "flwatsap", "#whatsapp_inwi", "#InwiVoleurs",
     "inwi", "إنوي", "wi-fi", "wifi", "Wi-Fi", "chokran", "شكرا", "maroc", "telecom", "لمدينه",
     "lmdina", "@inwi", "[url]", "😂", "4G", "bzaaaf", "l'appel", "appel"]
)  # fmt: skip


@given(
    st.lists(st.one_of(WORDS, st.text(max_size=8)), max_size=8).map(" ".join),
    st.lists(WORDS, min_size=1, max_size=3).map(" ".join),
    st.sampled_from(["{}", '"{}"', "={}", "{}*", "{} OR inwi", "#{}"]),
)
def test_marks__are_those_of_all_words_analysed(text: str, words: str, form: str) -> None:
    try:
        node = parse(form.format(words))
    except QueryError:
        return
    found = marks(node, text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_Finder, "_possible", lambda finder, word: True)
        _finder.cache_clear()
        assert marks(node, text) == found
    _finder.cache_clear()
