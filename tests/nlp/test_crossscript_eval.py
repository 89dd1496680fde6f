"""The measure of the cross-script keys counts what it says it counts."""

import gzip
import json
from pathlib import Path

from click.testing import CliRunner

from nlp.training.crossscript_eval import aligned, collisions, main, measure


def test_spellings_that_meet_are_recall_and_other_words_found_cost_precision() -> None:
    report = measure([("watsap", "واتساب"), ("wtsap", "واتساب"), ("bonjour", "سلام")])
    assert report.same_key == report.meeting == 2 / 3
    assert (report.precision_from_arabic, report.recall_from_arabic) == (1.0, 0.5)

    crowded = measure([("dir", "دير"), ("dar", "در")])
    assert crowded.same_key == 1.0
    assert crowded.precision_from_arabic == 0.5  # both words have the key of the other


def test_a_word_does_not_collide_with_itself() -> None:
    assert collisions(["inwi"], ["inwi", "انوي", "bonjour"]) == 1.0


def test_only_sentences_of_good_sources_with_as_many_words_are_aligned(tmp_path: Path) -> None:
    good = "smartly-sentences"
    write(
        tmp_path / "text" / "pairs.jsonl.gz",
        {"latin": "wach kayn", "arabic": "واش كاين", "source": good},
        {"latin": "wach", "arabic": "واش كاين", "source": good},
        {"latin": "wach", "arabic": "واش", "source": "somewhere-else"},
    )
    assert aligned(tmp_path) == [(good, [("wach", "واش"), ("kayn", "كاين")])]


def test_the_command_prints_the_held_out_half(tmp_path: Path) -> None:
    pair = {"latin": "wach kayn", "arabic": "واش كاين", "source": "smartly-sentences"}
    write(tmp_path / "text" / "pairs.jsonl.gz", *[pair] * 4)
    write(tmp_path / "text" / "unlabelled.jsonl.gz", {"text": "wach واش kayn"})
    result = CliRunner().invoke(main, ["--data", str(tmp_path), "--least", "1"])
    assert result.exit_code == 0, result.output
    assert "held out:\n  words                  4\n" in result.output
    assert "vocabulary: 3 words" in result.output


def write(path: Path, *rows: dict[str, str]) -> None:
    path.parent.mkdir(exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8") as stream:
        stream.writelines(json.dumps(row) + "\n" for row in rows)
