"""What a search says that finds nothing, or that is a cry for help."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from pipelines.commands.export import command as export
from pipelines.commands.rescore import command as rescore
from pipelines.commands.search import command
from pipelines.commands.top import command as top
from pipelines.commands.trends import command as trends
from tests.pipelines.stored_posts import fill, post


@pytest.fixture
def path(tmp_path: Path) -> Path:
    posts = [
        post(1, source="archive:tweets", towards={"inwi": "negative"}),
        post(2, "salam l #WhatsApp", platform="mastodon", source="mastodon"),
    ]
    return fill(tmp_path / "a.db", posts)


def search(path: Path, *words: str) -> Result:
    return CliRunner().invoke(command, [*words, "--store", str(path)])


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("source:tweet", "is of the source tweet. Its newest posts are of: archive:tweets, masto"),
        ("platform:facbook", "the platform facbook. It has posts of: mastodon, twitter."),
        ("entity:inwy", "mentions inwy. It has posts on: inwi."),
        ("platform:x entity:inwi merci", "No post matches."),
    ],
)
def test_a_name_that_no_post_has_is_told_with_those_there_are(
    path: Path, query: str, told: str
) -> None:
    result = search(path, query)
    assert result.exit_code == 3
    assert told in result.output


def test_a_data_set_is_found_by_its_name_and_a_platform_by_its_other_name(path: Path) -> None:
    assert "1 post matches" in search(path, "source:tweets", "platform:X").output


def test_the_same_spelling_in_a_hashtag_is_no_other_spelling(path: Path) -> None:
    assert "other spellings" not in search(path, "whatsapp").output
    assert "1 post matches" in search(path, "=whatsapp").output
    assert "in other spellings only" in search(path, "watsap").output


def test_posts_without_the_count_that_is_asked_for_are_told(tmp_path: Path) -> None:
    counted = [msgspec.structs.replace(post(n), counts={"likes": n}) for n in range(1, 4)]
    path = fill(tmp_path / "b.db", [*counted, post(4, "salam"), post(5)])
    told = "2 posts are left out since the query asks for a number that they do not tell"
    for one, words in (
        (command, ["likes>2"]),
        (trends, ["likes>2"]),
        (top, ["authors", "likes>2"]),
        (export, ["likes>2", "--to", str(tmp_path / "out"), "--format", "csv"]),
    ):
        result = CliRunner().invoke(one, [*words, "--store", str(path)])
        assert result.exit_code == 0
        assert told in result.output
    assert "1 post matches" in search(path, "likes>2").output
    assert "left out" not in search(path, "salam").output
    assert "1 post is left out" in search(path, "salam", "likes>2").output


def test_h_alone_is_a_call_for_help_and_no_letter_to_leave_out(path: Path) -> None:
    for one in (command, export, rescore, trends):
        assert CliRunner().invoke(one, ["-h"]).output.startswith("Usage:")
        assert "Examples:" in CliRunner().invoke(one, ["whatsapp", "-h"]).output
    assert "No post matches" in search(path, "-honte", "salam", "merci").output
