"""Sheets of labels go out, come back, and say what people and the model disagree about."""

import csv
import hashlib
import io
import json
from datetime import UTC, datetime

import msgspec
import pytest
from click.testing import CliRunner
from openpyxl import load_workbook

from pipelines.commands.export import command as export
from pipelines.commands.label import command
from pipelines.commands.trends import command as trends
from pipelines.errors import OutputError
from pipelines.labels.agreement import agreement, report
from pipelines.labels.sampling import sample, stratum_of
from pipelines.labels.sheets import columns, read
from pipelines.labels.words import WORDS, label_of
from pipelines.query import All, parse
from pipelines.records import HumanLabel
from pipelines.stores.sqlite import SqliteStore
from tests.pipelines.stored_posts import fill, post

NOW = datetime(2016, 3, 1, tzinfo=UTC)


@pytest.fixture
def store(tmp_path):
    posts = [
        post(
            n,
            f"=texte {n} واتساب",
            label="negative" if n % 4 else "positive",
            language="fr" if n % 2 else "ary",
            at=datetime(2016, 2, 1 + n % 28, 12, tzinfo=UTC),
        )
        for n in range(240)
    ]
    return fill(tmp_path / "t.db", posts)


def run(store, action, *arguments):
    return CliRunner().invoke(command, [action, "--store", str(store), *map(str, arguments)])


def opened(store):
    return SqliteStore(store, readonly=True)


# Sampling


def test_sample__each_stratum_has_its_share_and_every_post_the_same_weight(store):
    with opened(store) as found:
        posts = sample(found, All(), 60, strata=("language", "predicted"), seed=3)
    strata = [one.stratum for one in posts]
    assert len({one.hit.post.id for one in posts}) == 60
    assert {one.weight for one in posts} == {4.0}
    shares = {"ary|negative": 15, "ary|positive": 15, "fr|negative": 30}
    for stratum, share in shares.items():
        assert abs(strata.count(stratum) - share) <= 1
    assert strata != sorted(strata)  # coders do not see them in the order of the strata


def test_sample__the_same_seed_gives_the_same_posts_and_another_seed_others(store):
    with opened(store) as found:
        one, same, other = (sample(found, All(), 20, seed=seed) for seed in (5, 5, 6))
    assert one == same
    assert {o.hit.post.id for o in one} != {o.hit.post.id for o in other}


def test_sample__is_drawn_by_steps_in_the_order_of_strata_and_chance(store):
    strata, seed, size = ("language", "week"), 7, 50
    with opened(store) as found:
        drawn = {one.hit.post.id: one.stratum for one in sample(found, All(), size, strata=strata,
                                                                seed=seed)}  # fmt: skip
        places = sorted(
            (stratum_of(hit, strata), chance(seed, hit.post.id), hit.post.id)
            for hit in found.scan(All())
        )
    start = int(chance(seed, "start")[:12], 16) / 16**12
    step = len(places) / size
    chosen = [places[int((number + start) * step)] for number in range(size)]
    assert drawn == {name: stratum for stratum, _, name in chosen}


def chance(seed, name):
    return hashlib.blake2b(f"{seed}:{name}".encode(), digest_size=12).hexdigest()


def test_sample__of_few_posts_is_all_of_them(store):
    with opened(store) as found:
        assert len(sample(found, parse("day:2016-02-03"), 50)) == 9
        assert sample(found, parse("nosuchword"), 50) == []


# Sheets


@pytest.mark.parametrize("suffix", ["xlsx", "csv", "ndjson"])
@pytest.mark.parametrize("ui", ["en", "fr", "ar"])
def test_sheet__goes_out_is_filled_and_comes_back(store, tmp_path, suffix, ui):
    sheet = tmp_path / f"sheet.{suffix}"
    result = run(store, "sample", "--n", 30, "--to", sheet, "--lang-ui", ui, "--entity", "inwi")
    assert result.exit_code == 3  # no post mentions it
    result = run(store, "sample", "--n", 30, "--to", sheet, "--lang-ui", ui)
    assert result.exit_code == 0, result.output
    assert sheet.stat().st_mode & 0o777 == 0o600
    assert [one.labels for one in read(sheet)] == [{}] * 30
    fill_sheet(sheet, [WORDS[ui][label] for label in ("negative", "neutral", "unclear")])
    answers = list(read(sheet))
    assert [one.labels["sentiment"] for one in answers[:3]] == ["negative", "neutral", "unclear"]
    assert all(one.digest and one.weight == 8 for one in answers)
    assert answers[0].text.startswith("=texte")
    result = run(store, "import", sheet, "--coder", "Sara")
    assert result.exit_code == 0, result.output
    assert "3 labels of Sara stored; 27 rows have none." in result.output
    with opened(store) as found:
        assert sum(len(labels) for _, labels in found.labelled(All())) == 3


def fill_sheet(path, words):
    """Write words into the column of labels, as a person would."""
    if path.suffix == ".xlsx":
        book = load_workbook(path)
        column = [cell.value for cell in book["posts"][1]].index(book["posts"]["E1"].value) + 1
        for row, word in enumerate(words, start=2):
            book["posts"].cell(row, column).value = word
        book.save(path)
    elif path.suffix == ".csv":
        rows = list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"))))
        for row, word in zip(rows, words, strict=False):
            row["sentiment"] = word
        with path.open("w", encoding="utf-8-sig", newline="") as stream:
            # Excel in French writes semicolons
            writer = csv.DictWriter(stream, rows[0].keys(), delimiter=";")
            writer.writeheader()
            writer.writerows(rows)
    else:
        rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        for row, word in zip(rows, words, strict=False):
            row["sentiment"] = word
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


def test_sheet__of_posts_on_an_entity_asks_for_the_attitude_to_it_alone():
    """They are no sample of all posts, so their mood would skew the labels of the study."""
    assert "sentiment" in columns([], predicted=False)
    assert "sentiment" not in columns(["inwi"], predicted=False)
    assert "target:inwi" in columns(["inwi"], predicted=False)


def test_sheet__hides_what_the_model_says_unless_it_is_asked_for(store, tmp_path):
    sheet = tmp_path / "sheet.xlsx"
    run(store, "sample", "--n", 5, "--to", sheet)
    page = load_workbook(sheet)["posts"]
    assert "predicted" not in [cell.value for cell in page[1]]
    assert page.freeze_panes == "A2"
    assert page["D2"].data_type == "s"  # "=texte" is no formula
    (choices,) = page.data_validations.dataValidation
    assert choices.formula1 == '"negative,neutral,positive,unclear"'
    run(store, "sample", "--n", 5, "--to", sheet, "--show-predicted")
    assert "predicted" in [cell.value for cell in load_workbook(sheet)["posts"][1]]


def test_sample__leaves_out_what_is_labelled(store, tmp_path):
    first, second = tmp_path / "a.csv", tmp_path / "b.csv"
    run(store, "sample", "--n", 230, "--to", first)
    fill_sheet(first, ["negative"] * 230)
    run(store, "import", first, "--coder", "Sara")
    result = run(store, "sample", "--n", 230, "--to", second)
    assert "Only 10 posts match" in result.output
    assert not {one.id for one in read(first)} & {one.id for one in read(second)}


def test_import__rows_that_can_not_be_read_are_told_and_the_others_taken(store, tmp_path):
    sheet = tmp_path / "sheet.csv"
    run(store, "sample", "--n", 3, "--to", sheet)
    fill_sheet(sheet, ["negative", "angry", "Négatif"])
    result = run(store, "import", sheet, "--coder", "Sara")
    assert result.exit_code == 1
    assert "row 3: sentiment is 'angry', which is no label" in result.output
    assert "2 labels of Sara stored" in result.output


@pytest.mark.parametrize("form", ["csv", "xlsx", "ndjson"])
def test_import__of_an_export_is_refused_since_its_labels_are_the_model_s(store, tmp_path, form):
    made = CliRunner().invoke(
        export, ["--store", str(store), "--to", str(tmp_path / "out"), "--format", form]
    )
    assert made.exit_code == 0
    result = run(store, "import", tmp_path / "out" / f"posts.{form}", "--coder", "a")
    assert "what the model predicted" in str(result.exception)
    with opened(store) as found:
        assert not list(found.labelled(All()))


def test_import__labels_of_other_posts_are_counted(store, tmp_path):
    sheet = tmp_path / "sheet.ndjson"
    sheet.write_text('{"id": "twitter:1", "label": "negative"}\n')
    result = run(store, "import", sheet, "--coder", "Sara")
    assert "1 labels are of posts that the store does not hold" in result.output


@pytest.mark.parametrize("name", ["a.xlsx", "a.ods", "missing.csv"])
def test_import__what_is_no_sheet_is_refused_in_words(tmp_path, name):
    if "missing" not in name:
        (tmp_path / name).write_bytes(b"PK\x03\x04 not a sheet")
    with pytest.raises(OutputError, match=name.partition(".")[0]):
        list(read(tmp_path / name))


@pytest.mark.parametrize(
    ("word", "label"),
    [("NÉGATIF", "negative"), (" سلبي ", "negative"), ("neutre", "neutral"), ("angry", "")],
)
def test_label_of__knows_words_of_three_languages(word, label):
    assert label_of(word) == label


# Agreement


def said(name, label, coder):
    return HumanLabel(post=name, coder=coder, aspect="sentiment", label=label, at=NOW)


def test_agreement__is_kappa_and_alpha_by_hand():
    # Two coders, ten posts: 3 neg/neg, 2 pos/pos, 3 neu/neu, 2 neg/neu. Observed 0.8; expected
    # by Cohen 0.5*0.3 + 0.3*0.5 + 0.2*0.2 = 0.34; kappa = 0.46/0.66.
    pairs = [("negative",) * 2] * 3 + [("positive",) * 2] * 2 + [("neutral",) * 2] * 3
    pairs += [("negative", "neutral")] * 2
    found = agreement([[said("x", a, "A"), said("x", b, "B")] for a, b in pairs])
    assert found.posts == 10
    assert found.kappa == pytest.approx(0.46 / 0.66)
    # Krippendorff: 1 - (n - 1) * observed / expected disagreements, values 8, 8, 4 of 20
    expected = (20 * 20 - 64 - 64 - 16) / (20 * 19)
    assert found.alpha == pytest.approx(1 - 0.2 / expected)


def test_agreement__without_posts_of_two_coders_has_no_figures():
    found = agreement([[said("x", "negative", "A")]])
    assert (found.posts, found.kappa, found.alpha) == (0, None, None)


def test_report__lists_the_surest_errors_of_the_model_first(store):
    with opened(store) as found:
        hits = list(found.search(All(), 4).hits)
    sure = msgspec.structs.replace(
        hits[1].post.sentiment, negative=0.95, neutral=0.03, positive=0.02
    )
    hits[1] = msgspec.structs.replace(
        hits[1], post=msgspec.structs.replace(hits[1].post, sentiment=sure)
    )
    pairs = [(hit, [said(hit.post.id, "neutral", "A")]) for hit in hits]
    result = report(pairs, "sentiment")
    assert result.model["all"].accuracy == 0
    assert [one.people for one in result.wrong] == ["neutral"] * 4
    assert result.wrong[0].id == hits[1].post.id
    assert result.coders == {"A": 4}


def test_labels__correct_the_trends_from_then_on(store, tmp_path):
    sheet = tmp_path / "sheet.csv"
    run(store, "sample", "--n", 120, "--to", sheet)
    fill_sheet(sheet, ["negative"] * 120)
    run(store, "import", sheet, "--coder", "Sara")
    result = CliRunner().invoke(trends, ["--store", str(store), "--by", "month", "--json"])
    (row,) = map(json.loads, result.stdout.splitlines())
    assert row["corrected"] is True
    assert row["negative"] > 0.9
    shown = run(store, "report").output
    assert "120 labelled posts (Sara 120)" in shown


def test_labelled_sheet__is_what_evaluate_measures_on(store, tmp_path):
    from pipelines.labelled import Labelled
    from pipelines.labels.labelled import LabelledSheet

    sheet = tmp_path / "sheet.xlsx"
    run(store, "sample", "--n", 4, "--to", sheet)
    fill_sheet(sheet, ["negative", "unclear", "positive"])
    rows = list(LabelledSheet(sheet).rows())
    assert all(isinstance(row, Labelled) for row in rows)
    assert [row.sentiment for row in rows] == ["negative", "positive"]
    assert {row.group for row in rows} <= {"fr", "ary"}


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_labelled_table__is_grouped_by_its_languages_and_sources(tmp_path, suffix):
    from openpyxl import Workbook

    from pipelines.labels.labelled import LabelledSheet

    table = [
        ["text", "label", "lang", "source"],
        ["réseau nul", "negative", "fr", "forum"],
        ["شبكة", "neutral", "arq", ""],
        ["azul", "positive", "zgh", "forum"],
    ]
    path = tmp_path / f"table{suffix}"
    if suffix == ".csv":
        path.write_text("\n".join(map(",".join, table)), encoding="utf-8")
    else:
        book = Workbook()
        for row in table:
            book.active.append(row)
        book.save(path)
    rows = list(LabelledSheet(path).rows())
    assert [(row.group, row.source) for row in rows] == [
        ("fr", "forum"),
        ("arq", path.name),
        ("zgh", "forum"),
    ]
