"""Exports that say who may be recognised, samples with weights, and levels that need a reason."""

import contextlib
import csv
import json
import sqlite3
import tempfile
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from pipelines.commands.export import command
from pipelines.errors import OutputError
from pipelines.export import rare as counting
from pipelines.export.folder import count_rare
from pipelines.export.rare import K
from pipelines.records import Hit
from tests.pipelines.stored_posts import fill, post

DAY = "2016-02-27"


def hits(count, first=0, day=DAY, **more):
    return [Hit(post(first + n, f"text {n}", **more), day) for n in range(count)]


def find(given):
    with tempfile.TemporaryDirectory() as folder:
        return counting.find(given, Path(folder))


def test_find__calls_rare_what_fewer_than_five_accounts_share():
    usual = hits(K)
    alone = hits(K - 1, first=50, towards={"inwi": "negative"})
    found = find([*usual, *alone])
    assert found.posts == K - 1
    assert not found.is_common(alone[0].post, DAY)
    assert found.is_common(usual[0].post, DAY)


def test_find__counts_accounts_not_posts():
    chatty = hits(20, author="u_aaaaaaaaaaaaaaaa")
    assert find(chatty).posts == 20
    nameless = hits(20, author="")
    assert find(nameless).posts == 0


def test_find__keeps_no_more_accounts_than_decide():
    many = (Hit(post(n, "text", author=f"u_{n:016}"), DAY) for n in range(20_000))
    tracemalloc.start()
    try:
        assert find(many).posts == 0
        assert tracemalloc.get_traced_memory()[1] < 500_000  # the names alone are 1.3 MB
    finally:
        tracemalloc.stop()


def test_find__takes_little_memory_however_many_combinations_there_are():
    def most(count):
        days = (f"{1000 + n}-01-01" for n in range(count // 20))
        given = (
            Hit(post(n, "text", towards={name: "negative"}, language=language), day)
            for day in days
            for n, name in enumerate(("inwi", "anrt", "voip", "orange"))
            for language in ("fr", "ar", "ary", "en", "mixed")
        )
        tracemalloc.start()
        try:
            assert find(given).posts == count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    most(20)  # what is loaded and kept once
    # a day's name is 180 bytes, and each has 20 posts; as sets of names these took 628 bytes each
    assert (most(8_000) - most(2_000)) / 6_000 < 30


def nameless():
    """Return the files without a name that this process has open."""
    names = []
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the folder that is being read
            names.append(str(link.readlink()))
    return {name for name in names if name.endswith(" (deleted)")}


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc, as Linux has it")
def test_find__writes_to_the_folder_alone_and_leaves_nothing_in_it(tmp_path, monkeypatch):
    """Other folders for temporary files may be small, or lie in memory."""
    monkeypatch.setattr(counting, "_CACHE", 100)
    given = (Hit(post(n, "", author=f"u_{n * 7919 % 60_013:016}"), DAY) for n in range(60_000))
    before = nameless()
    with counting._sorted(counting.Vocabulary(), given, tmp_path) as rows:
        assert next(rows)[-1] == 1
        (opened,) = nameless() - before
        assert opened.startswith(f"{tmp_path}/")
        assert list(tmp_path.iterdir()) == []


def test_count_rare__makes_a_folder_for_us_alone_and_removes_it(tmp_path, monkeypatch):
    found, seen = counting.find, []

    def noting(given, folder):
        seen.append((folder.parent, folder.stat().st_mode & 0o777))
        return found(given, folder)

    monkeypatch.setattr("pipelines.export.folder.find", noting)
    folder = tmp_path / "out"
    assert count_rare(hits(K - 1), folder).posts == K - 1
    assert seen == [(folder, 0o700)]
    assert count_rare([], tmp_path / "more" / "out").posts == 0
    monkeypatch.setattr("pipelines.export.folder.find", lambda *given: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        count_rare(hits(1), folder)
    assert list(tmp_path.iterdir()) == []


def test_find__says_that_there_is_no_room_where_there_is_none(tmp_path, monkeypatch):
    connect = sqlite3.connect

    def small(*given, **more):
        connection = connect(*given, **more)
        connection.execute("PRAGMA max_page_count = 5")
        return connection

    monkeypatch.setattr(sqlite3, "connect", small)
    with pytest.raises(OutputError, match=r"no room in .* \(database or disk is full\): make room"):
        counting.find(hits(2_000), tmp_path)


def test_find__says_what_else_failed_in_the_words_of_sqlite(tmp_path, monkeypatch):
    def failing(*given, **more):
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(sqlite3, "connect", failing)
    with pytest.raises(OutputError, match=r"failed \(disk I/O error\): choose") as raised:
        counting.find(hits(1), tmp_path)
    assert "room" not in str(raised.value)


def test_suppress__takes_day_and_entities_and_leaves_out_what_is_still_rare():
    from pipelines.export.columns import exported

    rare = hits(K - 1, first=50, towards={"inwi": "negative"})
    rare += hits(1, first=60, day="2016-02-28")
    alone = hits(1, first=70, language="zgh")
    everything = [*hits(K), *rare, *alone]
    suppress = find(everything).suppress()
    made = [suppress(exported(hit.post, hit.day)) for hit in everything]
    assert [post.day for post in made[:K]] == [DAY] * K
    for one in made[K:-1]:
        assert (one.day, one.created_at, one.entities, one.targets) == ("", None, (), ())
        assert (one.collected_at, one.version) == (None, 0)  # these tell the day, too
    assert made[-1] is None


def test_suppress__leaves_out_what_came_after_the_count():
    from pipelines.export.columns import exported

    (late,) = hits(1, first=90, language="zgh")
    assert find(hits(K)).suppress()(exported(late.post, late.day)) is None


@pytest.fixture
def store(tmp_path):
    noon = datetime(2016, 2, 27, 12, tzinfo=UTC)
    posts = [post(n, f"text {n}", noon) for n in range(40)]
    posts += [post(100 + n, f"autre {n}", noon, language="fr") for n in range(3)]
    return str(fill(tmp_path / "t.db", posts))


def run(store, tmp_path, *arguments, code=0):
    folder = tmp_path / "out"
    options = ["--store", store, "--to", str(folder), "--format", "csv"]
    result = CliRunner().invoke(command, [*options, *arguments])
    assert result.exit_code == code, result.output
    return result, folder


def rows(folder):
    with (folder / "posts.csv").open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def manifest(folder):
    return json.loads((folder / "manifest.json").read_bytes())


def test_export__warns_of_rare_posts_where_nothing_else_leads_to_people(store, tmp_path):
    result, folder = run(store, tmp_path, "--level", "unlinked")
    assert "3 posts have a platform, day, language and entities" in result.stderr
    assert manifest(folder)["rare_posts"] == 3
    assert len(rows(folder)) == 43


def test_export__says_1_post_not_1_posts(tmp_path):
    noon = datetime(2016, 2, 27, 12, tzinfo=UTC)
    store = str(fill(tmp_path / "t.db", [post(1, "un", noon)]))
    result, folder = run(store, tmp_path, "--level", "unlinked")
    assert "1 post has a platform, day, language and entities" in result.stderr
    for name in ("README.txt", "DATASHEET.md"):
        words = (folder / name).read_text()
        assert "1 post" in words
        assert "1 posts" not in words
    posts = [post(n, "un", noon) for n in range(20)]
    posts.append(post(30, "deux", noon, towards={"inwi": "negative"}))
    (tmp_path / "more").mkdir()
    store = str(fill(tmp_path / "more" / "t.db", posts))
    result, _ = run(store, tmp_path / "more", "--rare", "suppress")
    assert "1 post is rare by platform, day, language and entities" in result.stderr
    assert "attitudes are left out, and so is the whole post." in result.stderr


def test_export__suppresses_rare_posts_where_asked(store, tmp_path):
    result, folder = run(store, tmp_path, "--level", "unlinked", "--rare", "suppress")
    assert "3 of them as a whole" in result.stderr
    assert {row["language"] for row in rows(folder)} == {"ary-Latn"}
    told = manifest(folder)
    assert (told["rare_suppressed"], told["left_out"], told["posts"]) == (True, 3, 40)
    assert "--rare suppress" in told["command"]


def test_export__has_no_column_for_an_entity_that_is_suppressed(tmp_path):
    noon = datetime(2016, 2, 27, 12, tzinfo=UTC)
    posts = [post(n, "a", noon, towards={"inwi": "negative"}) for n in range(6)]
    posts += [post(n, "a", noon, towards={"anrt": "negative"}) for n in range(10, 14)]
    posts += [post(n, "a", noon, towards={"voip": "negative"}) for n in range(20, 24)]
    store = str(fill(tmp_path / "t.db", posts))
    _, folder = run(store, tmp_path, "--rare", "suppress")
    assert [name for name in rows(folder)[0] if "attitude" in name] == ["attitude:inwi"]
    assert not any(word in (folder / "manifest.json").read_text() for word in ("anrt", "voip"))
    _, folder = run(store, tmp_path)
    names = [name for name in rows(folder)[0] if "attitude" in name]
    assert names == ["attitude:anrt", "attitude:inwi", "attitude:voip"]


def test_export__of_a_sample_has_a_weight_for_each_post(store, tmp_path):
    _, folder = run(store, tmp_path, "--sample", "20", "--stratify", "language", "--seed", "7")
    weights = [float(row["weight"]) for row in rows(folder)]
    assert len(weights) == 20
    assert sum(weights) == pytest.approx(43)
    assert "20 of 43 posts" in manifest(folder)["sample"]
    assert "--sample 20 --stratify language --seed 7" in manifest(folder)["command"]
    assert {row["language"] for row in rows(folder)} == {"ary-Latn", "fr"}


def test_export__of_all_posts_has_no_weights(store, tmp_path):
    _, folder = run(store, tmp_path)
    assert {row["weight"] for row in rows(folder)} == {""}


@pytest.mark.parametrize("arguments", [["--level", "full"], ["--reason", "because"]])
def test_export__of_names_needs_level_and_reason_together(store, tmp_path, arguments):
    result, _ = run(store, tmp_path, *arguments, code=2)
    assert "belong together" in result.output


def test_export__of_an_unknown_stratum_is_refused(store, tmp_path):
    result, _ = run(store, tmp_path, "--sample", "5", "--stratify", "moon", code=2)
    assert "choose from language" in result.output


def test_datasheet__says_denominator_model_errors_and_what_is_not_known(store, tmp_path):
    _, folder = run(store, tmp_path, "autre", "--since", "2016-02-01")
    text = (folder / "DATASHEET.md").read_text(encoding="utf-8")
    assert "3 posts, 2016-02-27 to 2016-02-27" in text
    assert "Denominator: 43 posts in the store in these days." in text
    assert "Query: autre; since: 2016-02-01" in text
    assert "- fr: 3 posts" in text
    assert "(found: negative" in text
    assert "Licence of the weights: " in text
    assert "not opinions of a population" in text
    assert (
        "DATASHEET.md"
        in json.loads((folder / "ro-crate-metadata.json").read_text())["@graph"][1][
            "hasPart"
        ].__repr__()
    )
