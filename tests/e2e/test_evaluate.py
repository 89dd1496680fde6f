"""``marsad evaluate``: labelled posts in, figures and error tables out."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
from typing import Any

import msgspec
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from ingest.sources.archive.lines import Line
from nlp.error_tables import ErrorFile
from nlp.evaluation import Attitude, Judgement, attitudes
from pipelines.evaluation_table import _ways
from pipelines.labelled import Labelled, Unlabelled, read_row
from tests.conftest import CASE, Marsad

MOODS = [
    {"text": "réseau nul, honte à vous", "label": "negative", "lang": "fr", "source": "forum"},
    {"text": "la nouvelle offre sort jeudi", "label": "neutral", "lang": "fr", "source": "forum"},
    {
        "text": "chokran bzaf, lconnexion zwina",
        "label": "positive",
        "lang": "ary-Latn",
        "source": "forum",
    },
    {"text": "خدمة خايبة بزاف", "label": "negative", "lang": "arq", "source": "polar"},
    {"text": "برافو عليكم", "label": "positive", "lang": "arq", "source": "polar"},
]
LANGUAGES = [
    {"text": "je ne sais pas quoi faire ce soir", "lang": "fr", "source": "words"},
    {"text": "I have no idea what this is about", "lang": "en", "source": "words"},
]
SAMPLE = [
    {
        "id": "1",
        "platform": "twitter",
        "text": "Inwi bloque WhatsApp, honte à vous",
        "labels": {
            "language": "fr",
            "sentiment": "negative",
            "targets": {"inwi": "negative", "whatsapp": "neutral"},
        },
    },
    {
        "id": "2",
        "platform": "twitter",
        "text": "Skype marche encore ?",
        "labels": {"targets": {"viber": "neutral", "telegram": "neutral"}},
    },
]


def evaluated(marsad: Marsad, *arguments: Any, code: int = 0) -> dict[str, Any]:
    (report,) = marsad.rows("evaluate", "--json", *arguments, code=code)
    return report


def test_each_row_is_measured_on_what_it_labels(marsad: Marsad) -> None:
    path = marsad.write("mixed.ndjson", [*MOODS, *LANGUAGES, *SAMPLE])
    report = evaluated(marsad, "--watchlist", "morocco-2016", path)
    assert report["data"]["rows"] == 9
    assert report["bad"] == 0
    assert report["sentiment"]["all"]["posts"] == 6
    assert set(report["sentiment"]["language"]) == {"fr", "ary-Latn", "arq"}
    assert set(report["sentiment"]["script"]) == {"arabic", "latin"}
    assert set(report["sentiment"]["source"]) == {"forum", "polar", "twitter"}
    assert report["language"]["all"]["posts"] == 3
    assert report["targets"]["model"]["all"]["judgements"] == 2
    assert report["targets"]["compared"]["by-kind"]["all"]["accuracy"]["value"] == 1
    assert report["targets"]["compared"]["by-kind"]["differing"]["posts"] == 1
    assert report["entities"] == {
        "both": 2,
        "missed": 1,
        "extra": 1,
        "unknown": {"telegram": 1},
    }


def test_the_report_names_the_model_and_the_bytes_that_were_measured(marsad: Marsad) -> None:
    path = marsad.write("moods.ndjson", MOODS)
    report = evaluated(marsad, path)
    assert report["model"]
    assert report["data"]["name"] == "moods.ndjson"
    assert report["data"]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_evaluate__lists_the_surest_errors_with_the_words_that_moved_them(marsad: Marsad) -> None:
    wrong = [{**MOODS[0], "label": "positive"}, {**MOODS[2], "label": "negative"}, MOODS[1]]
    path = marsad.write("wrong.ndjson", wrong)
    assert evaluated(marsad, path)["worst"] == []
    worst = evaluated(marsad, path, "--worst", "5")["worst"]
    assert {one["text"] for one in worst} == {wrong[0]["text"], wrong[1]["text"]}
    assert worst[0]["confidence"] - worst[0]["of_gold"] >= (
        worst[1]["confidence"] - worst[1]["of_gold"]
    )
    french = next(one for one in worst if one["text"] == wrong[0]["text"])
    assert (french["gold"], french["said"]) == ("positive", "negative")
    assert {word["word"] for word in french["words"]} <= {"réseau", "nul", "honte", "à", "vous"}
    assert max(word["effect"] for word in french["words"]) > 0
    shown = marsad("evaluate", path, "--worst", "1").stdout
    assert "The surest errors of sentiment" in shown


def test_packed_files_and_standard_input_give_the_same_figures(marsad: Marsad) -> None:
    plain = marsad.write("moods.ndjson", MOODS).read_bytes()
    packed = [
        evaluated(marsad, marsad.write("moods.gz", gzip.compress(plain))),
        evaluated(marsad, marsad.write("moods.zst", zstandard.compress(plain))),
        json.loads(marsad("evaluate", "--json", "-", stdin=plain).stdout),
    ]
    expected = evaluated(marsad, "moods.ndjson")
    assert expected["sentiment"]["all"]["posts"] == len(MOODS)
    for report in packed:
        assert report["sentiment"] == expected["sentiment"]


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ('{"text": "a", "label": "angry"}', "'angry'; known are negative, neutral, positive"),
        ('{"text": "a", "label": 1}', "`label` is"),
        ('{"text": "a", "lang": "arq"}', "known are fr, ar, ary"),
        ('{"text": "a", "lang": "tlh"}', "'tlh'"),
        ('{"text": "a", "label": "neutral", "lang": 3}', "`lang` is no string"),
        ('{"text": "a"}', "no label"),
        ('{"text": "a", "labels": {}}', "neither"),
        ('{"text": "a", "labels": []}', "no object"),
        ('{"text": "a", "labels": {"targets": ["inwi"]}}', "no object of entities"),
        ('{"text": "a", "labels": {"targets": {"inwi": "bad"}}}', "labels.targets.inwi"),
        ('{"text": "a", "labels": {"sentiment": null}}', "labels.sentiment"),
        ('{"label": "neutral"}', "no text"),
        ('{"text": 5, "label": "neutral"}', "not a JSON string"),
        ('{"text": "a", "label": "neu', "ends in the middle"),
        ("[1]", "no object"),
    ],
)
def test_a_row_without_a_known_label_is_told(row: str, told: str) -> None:
    found = read_row(Line(row.encode(), 7, 0))
    assert isinstance(found, Unlabelled)
    assert found.line == 7
    assert told in found.reason


def test_bad_rows_are_told_and_counted_and_change_no_figure(marsad: Marsad) -> None:
    good = [json.dumps(row) for row in MOODS]
    clean = evaluated(marsad, marsad.write("clean.ndjson", "\n".join(good)))
    torn = [good[0], '{"text": "a", "label": "angry"}', "", *good[1:], '{"text": "b", "la']
    done = marsad("evaluate", "--json", marsad.write("torn.ndjson", "\n".join(torn)), code=1)
    report = json.loads(done.stdout)
    assert report["bad"] == 2
    assert report["sentiment"] == clean["sentiment"]
    assert "line 2: `label` is 'angry'" in done.stderr
    assert f"line {len(torn)}: " in done.stderr
    assert "5 rows measured, 2 could not be" in done.stderr


def test_a_damaged_archive_is_measured_as_far_as_it_goes(marsad: Marsad) -> None:
    raw = gzip.compress("\n".join(map(json.dumps, MOODS * 50)).encode())
    done = marsad("evaluate", "--json", marsad.write("cut.gz", raw[: len(raw) // 2]), code=1)
    assert 0 < json.loads(done.stdout)["data"]["rows"] < len(MOODS) * 50
    assert "the file ends in the middle" in done.stderr


def test_attitudes_wait_for_a_watchlist(marsad: Marsad) -> None:
    path = marsad.write("sample.ndjson", SAMPLE)
    done = marsad("evaluate", "--json", path)
    report = json.loads(done.stdout)
    assert report["targets"] is None
    assert report["entities"] is None
    assert "--watchlist" in done.stderr


def test_people_get_tables_of_80_columns(marsad: Marsad) -> None:
    path = marsad.write("mixed.ndjson", [*MOODS, *LANGUAGES, *SAMPLE])
    done = marsad("evaluate", "--watchlist", "morocco-2016", path)
    shown = done.stdout
    assert all(len(line) <= 80 for line in shown.splitlines())
    assert "flatter" not in done.stderr
    for expected in (
        "luck",
        "Sentiment",
        "Language",
        "Attitudes to entities",
        "ary-Latn",
        "telegram",
    ):
        assert expected in shown
    words = " ".join(shown.split())
    assert "polar: none of 2 posts is labelled neutral" in words


def test_a_table_without_posts_whose_attitudes_differ_has_no_empty_part_for_them() -> None:
    def shown(*gold: str) -> str:
        rows = [Attitude(Judgement(0, one, "neutral"), {"rule": "neutral"}) for one in gold]
        told = io.StringIO()
        _ways(attitudes(rows), Console(file=told, width=80))
        return told.getvalue()

    assert "posts whose attitudes differ" in shown("negative", "neutral")
    assert "posts whose attitudes differ" not in shown("negative", "negative")


def test_attitudes_measured_where_they_were_learned_are_told(marsad: Marsad) -> None:
    (learned, *_) = (CASE / "sample.ndjson").read_text(encoding="utf-8").splitlines()
    path = marsad.write("some.ndjson", "\n".join([learned, *map(json.dumps, SAMPLE)]))
    done = marsad("evaluate", "--watchlist", "morocco-2016", "--json", path)
    assert json.loads(done.stdout)["learned"] == 1
    assert "learned from 1 of these posts" in done.stderr


def test_error_tables_count_every_usable_post_once(marsad: Marsad) -> None:
    path = marsad.write("many.ndjson", MOODS * 10)
    marsad("evaluate", path, "--errors", "errors.json")
    file = msgspec.json.decode((marsad.folder / "errors.json").read_bytes(), type=ErrorFile)
    assert file.schema == 1
    assert file.left_out == {"polar": 20}
    table = file.sentiment["all"]["all"]
    assert table.posts == 30
    assert [sum(row) for row in table.confusion] == [10, 10, 10]
    for row in table.probability:
        assert sum(row) == pytest.approx(1, abs=1e-3)
    assert set(file.sentiment["language"]) == {"fr"}  # ary-Latn has 10 posts: too few
    assert set(file.sentiment) == {"all", "language", "script", "identified"}
    assert file.targets == {}
    assert file.data.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_attitudes_have_error_tables_of_their_own(marsad: Marsad) -> None:
    path = marsad.write("sample.ndjson", SAMPLE * 12)
    marsad("evaluate", path, "--watchlist", "morocco-2016", "--errors", "errors.json")
    file = msgspec.json.decode((marsad.folder / "errors.json").read_bytes(), type=ErrorFile)
    assert file.targets["all"]["all"].posts == 24
    assert file.left_out == {"twitter": 12}


def test_error_tables_that_could_not_be_made_or_written_are_told(marsad: Marsad) -> None:
    done = marsad("evaluate", marsad.write("l.ndjson", LANGUAGES), "--errors", "e.json", code=1)
    assert "need posts labelled with sentiment" in done.stderr
    assert not (marsad.folder / "e.json").exists()
    moods = marsad.write("moods.ndjson", MOODS)
    done = marsad("evaluate", moods, "--errors", "no/such/folder.json", code=1)
    assert "can't be written" in done.stderr


def test_a_file_without_rows_is_nothing_found_and_a_missing_one_a_failure(marsad: Marsad) -> None:
    assert "no rows" in marsad("evaluate", marsad.write("empty", "\n\n"), code=3).stderr
    assert "can't be read" in marsad("evaluate", "missing.ndjson", code=1).stderr
    done = marsad("evaluate", marsad.write("bad.ndjson", '{"a": 1}\n'), code=1)
    assert done.stdout == ""
    assert "0 rows measured, 1 could not be" in done.stderr


@given(st.binary(max_size=80) | st.text(max_size=40).map(str.encode))
def test_any_bytes_are_a_labelled_post_or_have_a_reason(raw: bytes) -> None:
    found = read_row(Line(raw, 1, len(raw)))
    assert isinstance(found, Labelled) or found.reason


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["negative", "fr"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["language", "sentiment", "targets", "inwi"]), inner)
    ),
    max_leaves=6,
)


@given(
    st.dictionaries(
        st.sampled_from(["text", "label", "lang", "source", "labels", "platform"]), json_values
    )
)
def test_any_object_is_a_labelled_post_or_has_a_reason(row: dict[str, Any]) -> None:
    found = read_row(Line(json.dumps(row).encode(), 1, 0))
    if isinstance(found, Labelled):
        assert found.text == row["text"]
        assert found.sentiment or found.language or found.targets is not None
    else:
        assert found.reason
