"""Trends counted post by post: repeats, reposts, near-identical texts, splits, queries compared."""

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner

from pipelines.analysis.copies import find_copies
from pipelines.analysis.remarks import remarks
from pipelines.analysis.scanned import Left, count
from pipelines.analysis.series import Counting, compare, trend_series, with_and_without
from pipelines.analysis.words import in_words
from pipelines.commands.top import command as top
from pipelines.commands.trends import command as trends
from pipelines.query import All, parse
from pipelines.records import Hit
from pipelines.stores.sqlite import SqliteStore
from tests.pipelines.stored_posts import ZONE, account, fill, post

DAY = datetime(2016, 2, 27, 12, tzinfo=UTC)
TEMPLATE = "Bonjour, merci de nous contacter en message privé avec votre numéro"
CHAIN = "partagez tous ce message ils ont coupé les appels demain boycott de leurs pages"


def hits(posts):
    return [Hit(one, f"{one.created_at:%Y-%m-%d}") for one in posts]


def posts_by_day(found):
    days = {}
    for one in found.sums:
        days[one.bucket] = days.get(one.bucket, 0) + one.posts
    return days


def counted(posts, splits=(), **options):
    return count(hits(posts), "day", splits, zone=ZoneInfo("UTC"), **options)


# What one account repeats


def test_count__takes_a_text_that_one_account_repeats_once_on_its_first_day():
    posts = [
        post(3, f"@a {TEMPLATE}", DAY + timedelta(days=2), author=account(1)),
        post(1, f"@b {TEMPLATE}", DAY, author=account(1)),
        post(2, f"{TEMPLATE.upper()}  https://example.org/x", DAY, author=account(1)),
    ]
    found = counted(posts)
    assert posts_by_day(found) == {"2016-02-27": 1}
    assert found.left == Left(repeats=2)
    assert posts_by_day(counted(posts, once=False)) == {"2016-02-27": 2, "2016-02-29": 1}


def test_count__takes_the_same_text_of_several_accounts_and_of_none_each_time():
    posts = [post(n, TEMPLATE, DAY) for n in range(3)]
    posts += [post(n, TEMPLATE, DAY, author="") for n in (4, 5)]
    assert posts_by_day(counted(posts)) == {"2016-02-27": 5}


def test_count__takes_posts_without_words_each_time():
    posts = [post(n, "@a https://example.org", DAY, author=account(1)) for n in range(3)]
    assert posts_by_day(counted(posts)) == {"2016-02-27": 3}


def test_count__leaves_reposts_out_where_asked():
    posts = [
        post(1, "ma bghatch", DAY),
        post(2, "ma bghatch", DAY, repost_of="twitter:1"),
        post(3, "RT @x: ma bghatch", DAY),
    ]
    found = counted(posts, reposts=False)
    assert (posts_by_day(found), found.left) == ({"2016-02-27": 1}, Left(reposts=2))


def test_count__makes_groups_of_hashtags_and_of_two_splits():
    posts = [
        post(1, "#Unlike #unlike inwi", DAY, hashtags=("Unlike",), towards={"inwi": "positive"}),
        post(2, "rien", DAY, language="fr", towards={"inwi": "negative"}),
    ]
    by_tag = {one.group: one.posts for one in counted(posts, ["hashtag"]).sums}
    assert by_tag == {"#unlike": 1, "—": 1}
    both = {(one.group, one.label) for one in counted(posts, ["entity", "language"]).sums}
    assert both == {("inwi · ary-Latn", "positive"), ("inwi · fr", "negative")}


# What many accounts copy


def chain(n, words=CHAIN, **more):
    return post(n, words, DAY + timedelta(minutes=10 * n), **more)


def test_find_copies__gathers_near_identical_texts_of_five_accounts_with_their_times():
    posts = [chain(n, f"@k{n} {CHAIN} {'!' * n}") for n in range(4)]
    posts.append(chain(4, f"{CHAIN} svp"))
    posts += [post(10 + n, f"un tout autre texte avec assez de mots numéro {n}") for n in range(9)]
    (found,) = [one for one in find_copies(posts) if "coupé" in one.value]
    assert (found.posts, found.authors) == (5, 5)
    assert found.ids == [one.id for one in posts[:5]]
    assert (found.first, found.last) == (DAY, DAY + timedelta(minutes=40))
    assert found.half_within_hours == pytest.approx(0.33, abs=0.01)


@pytest.mark.parametrize(
    "posts",
    [
        [chain(n) for n in range(4)],  # four accounts
        [chain(n, author=account(n % 2)) for n in range(8)],  # two accounts
        [chain(n, repost_of="twitter:1") for n in range(8)],
        [chain(n, "non à la coupure") for n in range(8)],  # a slogan
        [chain(n, " ".join(f"mot{n}{k}" for k in range(12))) for n in range(8)],  # other texts
    ],
)
def test_find_copies__finds_nothing_in(posts):
    assert find_copies(posts) == []


def test_find_copies__does_not_depend_on_the_order_of_posts():
    posts = [chain(n, f"{CHAIN} {'svp' if n % 2 else ''}") for n in range(8)]
    assert find_copies(posts) == find_copies(posts[::-1])


# Series and commands


@pytest.fixture
def path(tmp_path):
    posts = [chain(n, label="negative") for n in range(12)]
    posts += [post(100 + n, f"texte {n} whatsapp", DAY, label="positive") for n in range(12)]
    posts += [post(200 + n, f"@c{n} {TEMPLATE}", DAY, author=account(7)) for n in range(20)]
    return fill(tmp_path / "t.db", posts)


@pytest.fixture
def store(path):
    with SqliteStore(path, timezone=ZONE) as opened:
        yield opened


def test_series__counts_repeats_once_and_names_copies_with_their_evidence(store):
    found = trend_series(store, All(), "day", zone=ZoneInfo(ZONE))
    assert found.rows[0].posts == 25
    assert found.left.repeats == 19
    text = "\n".join(map(in_words, remarks(found)))
    assert "19 posts repeat a text of their own account" in text
    assert "12 posts are 1 near-identical texts" in text
    assert "by 12 accounts, half of them within 50 minutes" in text


def test_series__of_many_posts_says_that_repeats_count_each_time(store, monkeypatch):
    monkeypatch.setattr("pipelines.analysis.series.READ_UNASKED", 10)
    found = trend_series(store, All(), "day", zone=ZoneInfo(ZONE))
    assert found.rows[0].posts == 44
    assert "--repeats once" in "\n".join(map(in_words, remarks(found)))


def test_series__of_a_fixed_mix_weighs_languages_alike_in_all_buckets(tmp_path):
    posts = []
    for day, french in enumerate((10, 30)):
        at = DAY + timedelta(days=day)
        for n in range(40):
            said = n < french
            posts.append(
                post(100 * day + n, f"t {day} {n}", at, "negative" if said else "positive",
                     language="fr" if said else "ary")
            )  # fmt: skip
    with SqliteStore(fill(tmp_path / "m.db", posts), timezone=ZONE) as opened:
        zone = ZoneInfo(ZONE)
        own = trend_series(opened, All(), "day", zone=zone)
        fixed = trend_series(opened, All(), "day", zone=zone, counting=Counting(fixed_mix=True))
    # each language says the same every day: only the mix changes
    assert own.rows[0].negative == pytest.approx(0.275)
    assert own.rows[1].negative == pytest.approx(0.625)
    assert [row.negative for row in fixed.rows] == pytest.approx([0.45, 0.45])


def test_series__of_a_fixed_mix_has_no_shares_where_languages_are_missing(tmp_path):
    posts = [post(n, f"t {n}", DAY, language="fr") for n in range(20)]
    posts += [post(50 + n, f"u {n}", DAY + timedelta(days=1), language="ary") for n in range(20)]
    with SqliteStore(fill(tmp_path / "m.db", posts), timezone=ZONE) as opened:
        how = Counting(fixed_mix=True)
        found = trend_series(opened, All(), "day", zone=ZoneInfo(ZONE), counting=how)
    assert [row.negative for row in found.rows] == [None, None]


def test_compare__makes_a_group_of_each_query(store):
    queries = {"whatsapp": parse("whatsapp"), "coupé": parse("coupé")}
    found = compare(store, queries, "day", zone=ZoneInfo(ZONE))
    shares = {row.group: (row.posts, row.negative) for row in found.rows}
    assert shares["whatsapp"] == (12, pytest.approx(0.1))
    assert shares["coupé"] == (12, pytest.approx(0.8))


def test_with_and_without__reads_posts_once_to_compare_and_once_to_count(store, monkeypatch):
    read = []
    scan = store.scan
    monkeypatch.setattr(store, "scan", lambda query: read.append(query) or scan(query))
    found = with_and_without(store, All(), ("all", "without"), "day", zone=ZoneInfo(ZONE))
    assert {row.group: row.posts for row in found.rows} == {"all": 25, "without": 13}
    assert (found.left.repeats, found.left.copies) == (19, 12)
    assert len(read) == 2


def run(command, path, *arguments):
    result = CliRunner().invoke(command, [*arguments, "--store", str(path), "--json"])
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_trends__shows_lines_with_and_without_copies(path):
    rows = run(trends, path, "--copies", "both")
    assert {row["group"]: row["posts"] for row in rows} == {"all posts": 25, "without copies": 13}


def test_trends__says_which_part_of_all_posts_a_query_has(path):
    (row,) = run(trends, path, "whatsapp", "--of-all")
    assert row["of_all"] == pytest.approx(12 / 25, abs=1e-6)
    (row,) = run(trends, path, "whatsapp", "--of-all", "--repeats", "all")
    assert row["of_all"] == pytest.approx(12 / 44, abs=1e-6)


def test_trends__takes_two_splits_and_no_more(path):
    rows = run(trends, path, "--split", "language", "--split", "platform")
    assert {row["group"] for row in rows} == {"ary-Latn · twitter"}
    three = [part for name in ("language", "platform", "source") for part in ("--split", name)]
    result = CliRunner().invoke(trends, [*three, "--store", str(path)])
    assert (result.exit_code, "two splits at most" in result.output) == (2, True)


def test_top_copies__lists_texts_with_accounts_and_ids(path):
    (found,) = run(top, path, "copies")
    assert (found["posts"], found["authors"], len(found["ids"])) == (12, 12, 12)
    assert found["value"] == CHAIN
