"""``marsad score``: NDJSON in, the same objects with their scores out."""

import json
import stat
import subprocess
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from nlp.score import Scored, Scorer
from pipelines.scoring import ADDED, BadLine, score_lines
from pipelines.stages import Finder
from tests.conftest import COMMAND, Marsad


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return Scorer()


def test_objects_come_back_in_order_with_their_scores(marsad: Marsad) -> None:
    lines = [
        {"id": "b", "text": "Inwi bloque WhatsApp, honte à vous", "mine": [1, {"x": None}]},
        {"id": "a", "text": "شكرا بزاف"},
    ]
    done = marsad("score", "--watchlist", "morocco-2016", stdin="\n".join(map(json.dumps, lines)))
    out = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["id"] for row in out] == ["b", "a"]
    assert out[0]["mine"] == [1, {"x": None}]
    assert out[0]["language"] == "fr"
    assert {"inwi", "whatsapp"} <= set(out[0]["entities"])
    assert {target["entity"] for target in out[0]["targets"]} == set(out[0]["entities"])
    assert out[1]["entities"] == []
    assert out[1]["targets"] == []


def test_nothing_is_filtered(marsad: Marsad) -> None:
    done = marsad("score", "--watchlist", "morocco-2016", stdin='{"id": 1, "text": "plage"}')
    assert json.loads(done.stdout)["entities"] == []


@pytest.mark.parametrize(
    "text", ["", " ", "\u0000", "\ud800", "😂" * 50, "\u200f", "https://x.y/z"]
)
def test_any_json_string_is_a_text(text: str, scorer: Scorer) -> None:
    line = json.dumps({"id": "1", "text": text}).encode()
    (out,) = score_lines([line], scorer, Finder(None), 8)
    assert isinstance(out, bytes)
    row = json.loads(out)
    assert row["text"] == text
    assert row["language"] == "other"
    probabilities = [row["sentiment"][label] for label in ("negative", "neutral", "positive")]
    assert sum(probabilities) == pytest.approx(1, abs=1e-3)


def test_numbers_and_escapes_pass_through_as_they_came(scorer: Scorer) -> None:
    line = (
        rb'{"id": 690000000000000000001, "n": 1.10, "e": 1E400, "u": "\u00e9\ud83d", "text": "a"}'
    )
    (out,) = score_lines([line], scorer, Finder(None), 8)
    assert isinstance(out, bytes)
    assert out.startswith(line[:-1])


def test_scores_that_stand_there_already_are_replaced_and_the_rest_stays_exact(
    scorer: Scorer,
) -> None:
    line = (
        rb'{ "id": 1, "language" : {"x": [1]}, "n": 1.10 ,"e":1E400, "text": "bonjour tout le '
        rb'monde", "u": "\ud83d", "model": 3 }'
    )
    (out,) = score_lines([line], scorer, Finder(None), 8)
    assert isinstance(out, bytes)
    assert out.startswith(
        rb'{"id": 1, "n": 1.10, "e":1E400, "text": "bonjour tout le monde", "u": '
    )
    assert out.count(b'"language":') == 1
    assert json.loads(out)["language"] == "fr"


def test_a_scored_line_can_be_scored_again(scorer: Scorer) -> None:
    (once,) = score_lines([b'{"id": "1", "text": "salut"}'], scorer, Finder(None), 8)
    assert isinstance(once, bytes)
    assert list(score_lines([once], scorer, Finder(None), 8)) == [once]


def test_a_mark_of_utf_8_before_the_first_line_does_no_harm(scorer: Scorer) -> None:
    (out,) = score_lines([b'\xef\xbb\xbf{"id": "1", "text": "salut"}'], scorer, Finder(None), 8)
    assert isinstance(out, bytes)


def test_the_file_that_is_read_is_not_overwritten(marsad: Marsad) -> None:
    path = marsad.write("in.ndjson", '{"id": 1, "text": "ok"}\n')
    with path.open("rb") as stream:
        done = subprocess.run(
            [str(COMMAND), "score", "--dead", str(path)], stdin=stream, check=False
        )
    assert done.returncode == 2
    assert path.read_text() == '{"id": 1, "text": "ok"}\n'


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b'{"id": "1", "te', "not JSON"),
        (b'["id", "text"]', "an array"),
        (b'"text"', "a string"),
        (b'{"text": "a"}', "no `id`"),
        (b'{"id": null, "text": "a"}', "no `id`"),
        (b'{"id": "1"}', "found: none"),
        (b'{"id": "1", "text": null}', "found: null"),
        (b'{"id": "1", "text": 5}', "found: a number"),
        (b'{"id": "1", "text": NaN}', "NaN"),
        (b'{"id": "1", "text": "\xff"}', "UTF-8"),
        (b"[" * 100_000, "nested"),
        (b'{"id": ' + b"9" * 5000 + b', "text": "a"}', "not JSON"),
    ],
)
def test_a_line_that_is_no_post_is_told_and_the_rest_goes_on(
    line: bytes, told: str, scorer: Scorer
) -> None:
    good = b'{"id": "2", "text": "bonjour"}'
    bad, scored = score_lines([line, good], scorer, Finder(None), 8)
    assert isinstance(bad, BadLine)
    assert told in bad.reason
    assert bad.line == 1
    assert isinstance(scored, bytes)


def test_a_line_that_the_model_fails_on_is_told_and_the_others_go_on(
    scorer: Scorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = scorer.score

    def failing(texts: list[str], mentions: list[Any]) -> list[Scored]:
        if "impossible" in texts:
            raise ValueError("impossible")
        return whole(texts, mentions)

    monkeypatch.setattr(scorer, "score", failing)
    lines = [json.dumps({"id": n, "text": t}).encode() for n, t in enumerate(["a", "impossible"])]
    first, bad, last = score_lines([*lines, lines[0]], scorer, Finder(None), 8)
    assert first == last
    assert bad == BadLine(2, "the model fails on this text", lines[1])


def test_bad_lines_go_to_standard_error_and_the_exit_code_is_1(marsad: Marsad) -> None:
    done = marsad("score", stdin='{"id": 1\n\n{"id": 2, "text": "ok"}\n', code=1)
    assert len(done.stdout.splitlines()) == 1
    assert "line 1" in done.stderr
    assert "1 of 2 lines scored, 1 could not be." in done.stderr


def test_bad_lines_can_be_kept_in_a_file_of_the_owner(marsad: Marsad) -> None:
    marsad(
        "score", "--dead", "dead.ndjson", stdin=b'{"id": "\xff"}\n{"id": 2, "text": "ok"}', code=1
    )
    path = marsad.folder / "dead.ndjson"
    (row,) = [json.loads(line) for line in path.read_text().splitlines()]
    assert row["line"] == 1
    assert row["raw"].encode("utf-8", "surrogateescape") == b'{"id": "\xff"}'
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_line_of_20_mb_is_told_and_the_next_one_is_scored(marsad: Marsad) -> None:
    long = b'{"id": 1, "text": "' + b"a" * 20_000_000 + b'"}\n'
    done = marsad("score", stdin=long + b'{"id": 2, "text": "ok"}\n', code=1)
    assert json.loads(done.stdout)["id"] == 2
    assert "line 1" in done.stderr
    assert "line 2" not in done.stderr


def test_the_batch_size_changes_nothing(marsad: Marsad) -> None:
    texts = ["bonjour", "khayb bzaf", "زوين", "hello", "ok" * 200]
    lines = "\n".join(json.dumps({"id": i, "text": t}) for i, t in enumerate(texts))
    one = [
        json.loads(x) for x in marsad("score", "--batch-size", "1", stdin=lines).stdout.splitlines()
    ]
    all_ = [json.loads(x) for x in marsad("score", stdin=lines).stdout.splitlines()]
    for left, right in zip(one, all_, strict=True):
        for label in ("negative", "neutral", "positive"):
            assert left["sentiment"][label] == pytest.approx(right["sentiment"][label], abs=1e-3)
        assert left["language"] == right["language"]


def test_no_input_is_no_output(marsad: Marsad) -> None:
    assert marsad("score", stdin="").stdout == ""


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(st.binary(max_size=60).map(lambda line: line.replace(b"\n", b""))))
@example(lines=[b"\xef\xbb\xbf"])
@example(lines=[b"", b"\xef\xbb\xbf"])
def test_every_line_that_is_not_blank_has_one_result(lines: list[bytes], scorer: Scorer) -> None:
    results = list(score_lines(lines, scorer, Finder(None), 4))
    # A mark of UTF-8 before the first line is no part of it: a file of nothing else is empty.
    bare = [line.removeprefix(b"\xef\xbb\xbf") for line in lines[:1]] + lines[1:]
    assert len(results) == sum(bool(line.strip()) for line in bare)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    row=st.dictionaries(
        st.text(max_size=5).filter(lambda name: name not in {"id", "text", *ADDED}),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=9),
            lambda inner: st.lists(inner, max_size=3),
            max_leaves=5,
        ),
        max_size=4,
    ),
    text=st.text(max_size=40),
)
def test_every_other_field_passes_through(
    row: dict[str, object], text: str, scorer: Scorer
) -> None:
    whole = {**row, "id": "1", "text": text}
    (out,) = score_lines([json.dumps(whole).encode()], scorer, Finder(None), 4)
    assert isinstance(out, bytes)
    result = json.loads(out)
    assert {name: result[name] for name in whole} == whole
