"""Searches in any order, what is most frequent, and names of languages."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from functools import partial

import msgspec
import pytest
from click.testing import CliRunner

from pipelines.cli import group
from pipelines.commands.search import command as search_command
from pipelines.commands.top import command as top_command
from pipelines.commands.watchlist import command as watchlist_command
from pipelines.errors import QueryError
from pipelines.query import Filter, parse
from pipelines.searching import facets, search, top
from pipelines.stores.sqlite import SqliteStore
from tests.conformance.corpus import fill as fill_corpus
from tests.pipelines.stored_posts import fill, post

NOON = datetime(2016, 2, 27, 12, tzinfo=UTC)


def described(number, text, *, language="fr", counts=None, author="u_a", **more):
    made = post(number, text, at=NOON + timedelta(hours=number), language=language, **more)
    return msgspec.structs.replace(made, counts=counts or {}, author=author)


@pytest.fixture
def path(tmp_path):
    posts = [
        described(1, "whatsapp est bloqué #OpeUnlike", counts={"likes": 3}),
        described(2, "واتساب محجوب", language="ary", counts={"favorites": 40}, author="u_b"),
        described(
            3, "whatsapp " + "et bien d'autres choses encore " * 8, towards={"inwi": "neutral"}
        ),
        described(4, "rien du tout #opeunlike", counts={"retweets": 7}, author="u_b"),
        described(5, "watsap", language="ary-Latn"),
    ]
    return fill(tmp_path / "s.db", posts)


@pytest.fixture
def store(path):
    with SqliteStore(path, readonly=True) as opened:
        yield opened


def numbers(page):
    return [int(hit.post.id[-1]) for hit in page.hits]


def test_search__relevance_puts_exact_spellings_first_and_short_posts_before_long_ones(store):
    page = search(store, parse("whatsapp"), 10, sort="relevance")
    assert numbers(page)[0] == 1
    assert set(numbers(page)) == {1, 2, 3, 5}
    assert page.total == 4
    arabic = search(store, parse("واتساب"), 10, sort="relevance")
    assert numbers(arabic)[0] == 2


def test_search__rare_words_weigh_more_than_frequent_ones(store):
    assert numbers(search(store, parse("whatsapp OR محجوب"), 1, sort="relevance")) == [2]


def test_search__relevance_to_no_word_is_newest(store):
    assert numbers(search(store, parse("lang:fr"), 2, sort="relevance")) == [4, 3]


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("newest", [5, 4, 3, 2, 1]),
        ("oldest", [1, 2, 3, 4, 5]),
        ("likes", [2, 1, 5, 4, 3]),  # unknown counts last, newest first
        ("reposts", [4, 5, 3, 2, 1]),
    ],
)
def test_search__sorts(store, sort, order):
    assert numbers(search(store, parse(""), 10, sort=sort)) == order
    assert numbers(search(store, parse(""), 2, 1, sort=sort)) == order[1:3]


def test_top__counts_a_post_once_for_each_value_with_its_authors(store):
    found = top(store, parse(""), ["hashtags", "authors", "entities"], 10)
    assert [(one.value, one.posts, one.authors) for one in found["hashtags"]] == [
        ("opeunlike", 2, 2)
    ]
    assert [(one.value, one.posts) for one in found["authors"]] == [("u_a", 3), ("u_b", 2)]
    assert [one.value for one in found["entities"]] == ["inwi"]


def test_facets__are_counts_of_the_posts_that_match(store):
    found = facets(store, parse("whatsapp"))
    assert found["language"] == {"fr": 2, "ary": 1, "ary-Latn": 1}
    assert found["posts"] == {"all": 4}
    assert found["entity"] == {"inwi": 1}
    assert sum(found["day"].values()) == 4


def test_facets__count_posts_without_a_day_and_are_ordered_by_number(tmp_path):
    with SqliteStore(tmp_path / "corpus.db") as opened:
        fill_corpus(opened)
        found = facets(opened, parse("coupure OR date"))
    assert found["posts"] == {"all": 3}
    assert found["language"] == {"fr": 3}  # the two without a day too
    assert found["day"] == {"": 2, "2016-02-28": 1}
    assert list(found["sentiment"].items()) == [("neutral", 2), ("negative", 1)]


# Words that people use


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ("lang:darija", ("ary", "ary-Latn")),
        ("lang:Arabizi", ("ary-Latn",)),
        ("lang:french,ary", ("fr", "ary")),
        ("lang:فرنسية", ("fr",)),
        ('lang:"moroccan arabic"', ("ary", "ary-Latn")),
        ("lang:ARY-latn", ("ary-Latn",)),
    ],
)
def test_lang__is_known_by_its_names(query, codes):
    assert parse(query) == Filter("lang", codes)


def test_lang__that_is_not_known_is_told_with_names():
    with pytest.raises(QueryError, match="darija, arabizi, french"):
        parse("lang:klingon")


def test_field__that_is_mistyped_gets_a_suggestion():
    with pytest.raises(QueryError, match=r"no field platfrom \(did you mean platform\?\)"):
        parse("platfrom:twitter")


def test_command__that_is_mistyped_gets_a_suggestion():
    result = CliRunner().invoke(group, ["serach"])
    assert result.exit_code == 2
    assert "Did you mean search?" in result.output
    result = CliRunner().invoke(search_command, ["--sotr", "oldest"])
    assert result.exit_code == 2
    assert "--sort" in result.output


@pytest.mark.parametrize(
    ("asked", "answer"),
    [("compare", "trends QUERY --compare QUERY"), ("find", "search"), ("zzz", "")],
)
def test_command__of_another_name_is_named_as_here(asked, answer):
    said = CliRunner().invoke(group, [asked]).output
    assert f"Did you mean {answer}?" in said if answer else "Did you mean" not in said


def test_command__with_a_query_that_can_not_be_read_is_wrong_usage(path):
    result = CliRunner().invoke(group, ["search", "inwi (", "--store", str(path)])
    assert result.exit_code == 2
    assert "at character 7" in result.output


def test_command__whose_reader_leaves_has_not_failed():
    with subprocess.Popen(
        [sys.executable, "-c", "from pipelines.cli import main; main()", "watchlist", "list"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        process.stdout.close()  # long before the first line
        assert (process.wait(), process.stderr.read()) == (0, b"")


def test_watchlist__shows_what_its_entities_are_found_by():
    run = partial(CliRunner().invoke, watchlist_command)
    shown = run(["show", "morocco-2016", "inwi"]).output
    assert "inwi: inwi (operator)" in shown
    assert "إنوي, من إنوي" in shown
    assert "handles          @inwi" in shown
    assert "campaign of operators" not in shown
    assert "campaign of operators" in run(["show", "morocco-2016"]).output
    assert "skype" not in shown
    unknown = run(["show", "morocco-2016", "nope"])
    assert (unknown.exit_code, "known are maroc-telecom" in unknown.output) == (2, True)


def test_watchlist__breaks_no_alias_at_its_hyphen(tmp_path):
    """They are copied from there into other watchlists."""
    path = tmp_path / "short.toml"
    path.write_text(
        'name = "short-2030"\ntitle = "T"\ncountry = "FR"\ntimezone = "Europe/Paris"\n'
        'languages = ["fr"]\n[[entities]]\nid = "x"\nkind = "operator"\nname = "X"\n'
        f"[entities.aliases]\nlatin = {[f'maroc-telecom{n}' for n in range(20)]}\n",
        encoding="utf-8",
    )
    shown = CliRunner().invoke(watchlist_command, ["show", str(path)]).output
    assert all(f"maroc-telecom{n}" in shown for n in range(20)), shown


def test_command__sorts_and_counts(path):
    run = CliRunner().invoke
    result = run(search_command, ["--store", str(path), "--sort", "likes", "--json", "--facets"])
    *lines, last = map(json.loads, result.stdout.splitlines())
    assert lines[0]["counts"] == {"favorites": 40}
    assert last["total"] == 5
    assert last["facets"]["platform"] == {"twitter": 5}
    result = run(search_command, ["whatsapp", "--store", str(path), "--lang", "darija"])
    assert "2 posts match" in result.stderr
    result = run(top_command, ["hashtags", "--store", str(path), "--json"])
    assert json.loads(result.stdout) == {"value": "opeunlike", "posts": 2, "authors": 2}
    assert run(top_command, ["links", "--store", str(path)]).exit_code == 3
