"""What every runner must do, whatever stands between the stages.

One story is told to each world (a runner with a store), step by step, by the installed commands;
what it answers is held against this file and against the embedded runner on SQLite. The fixtures
``story`` and ``other_story`` (that of any world but this one) give what it said.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Protocol

import msgspec

from tests.answers import difference, exported, table, without_times
from tests.conftest import Marsad, balanced

CASE = ("--watchlist", "morocco-2016")


class World(Protocol):
    """A collection that a runner works for."""

    marsad: Marsad

    def settle(self, received: int) -> dict[str, int]:
        """Wait until so many records have come to the store, and return its ledger."""


class Story(msgspec.Struct):
    """What a world said while the story was told to it."""

    world: Any
    outcomes: dict[str, dict[str, int]]


def row(number: str, text: str, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "platform": "forum",
        "text": text,
        "created_at": "2016-02-20T10:00:00Z",
        "author": f"somebody{number}",
        **more,
    }


FIRST: list[Any] = [
    row("1", "Inwi a coupé l'appel, quelle honte ! #OpeUnlike"),
    row("2", "علاش قطعتو واتساب على الناس", created_at="2016-02-20T23:30:00Z"),
    row("3", "3lach 9et3to watsap 3la nass", created_at="2016-02-21T00:30:00Z"),
    row("4", "Video calls on skype are blocked again, thank you inwi", platform="youtube"),
    row("5", "Merci à Méditel pour le wi-fi de la gare", author="somebody1"),
    row("6", "l'inwi d'une date inconnue", created_at=None),
    row("7", "inwi et une date de l'an 2099", created_at="2099-01-01T00:00:00Z"),
    row("8", "une recette de soupe, sans rien d'autre"),
    row("9", "viber ne marche plus", created_at="2016-02-28T12:00:00Z", author="leaver"),
    row("10", "skype ne marche plus", created_at="2016-02-29T12:00:00Z", author="leaver"),
    row("11", "whatsapp, première version", edited_at="2016-03-01T10:00:00Z"),
    row("1", "Inwi a coupé l'appel, quelle honte ! #OpeUnlike"),
]
BROKEN = '{"id": "half'
SECOND: list[Any] = [
    row("11", "whatsapp, deuxième version", edited_at="2016-03-01T11:00:00Z"),
    row("11", "whatsapp, une version d'avant", edited_at="2016-03-01T09:00:00Z"),
    row("12", "vpn li khdam m3a whatsapp, chokran", author="somebody2"),
    row("2", "علاش قطعتو واتساب على الناس", created_at="2016-02-20T23:30:00Z"),
]
THIRD: list[Any] = [
    row("4", "Video calls on skype are blocked again, thank you inwi", platform="youtube"),
    row("13", "viber revient pour leaver", author="leaver"),
    row("14", "skype revient pour un autre"),
]
#: What is in the store at the end, in the order of an export.
LEFT = [
    *("forum:1", "forum:11", "forum:12", "forum:14", "forum:2", "forum:3"),
    *("forum:5", "forum:6", "forum:7"),
]
QUERIES = [
    ("whatsapp",),
    ("inwi", "--sentiment", "negative"),
    ('"ne marche plus"',),
    ("--lang", "ary,ary-Latn"),
    ("--since", "2016-02-21", "--until", "2016-02-22"),
    ("entity:whatsapp", "-version"),
]


def tell(world: World) -> Story:
    """Tell the story, and wait after each step until everybody knows it."""
    marsad = world.marsad
    lines = [json.dumps(post, ensure_ascii=False) for post in FIRST]
    first = marsad.write("first.ndjson", "\n".join([*lines[:6], BROKEN, *lines[6:]]) + "\n")
    second = marsad.write("second.ndjson", SECOND)
    third = marsad.write("third.ndjson", THIRD)
    outcomes = {}
    marsad("ingest", "archive", first, *CASE)
    outcomes["first"] = world.settle(13)
    assert "read to its end before" in marsad("ingest", "archive", first, *CASE).stderr
    outcomes["again"] = world.settle(13)
    marsad("ingest", "archive", second, *CASE)
    outcomes["second"] = world.settle(17)
    marsad("delete", "youtube:4")
    outcomes["deleted"] = world.settle(18)
    marsad("delete", "--yes", "--author", "leaver", "--platform", "forum")
    outcomes["left"] = world.settle(19)
    marsad("ingest", "archive", third, *CASE)
    outcomes["third"] = world.settle(22)
    return Story(world, outcomes)


def answers(world: World, folder: Path) -> dict[str, Any]:
    """Everything that can be asked."""
    marsad = world.marsad
    said: dict[str, Any] = {}
    for query in QUERIES:
        found = marsad.rows("search", *query, "--json", code=None)
        said[" ".join(query)] = without_times(found)
    for options in ((), ("--by", "hour"), ("--split", "entity"), ("--split", "language")):
        said[" ".join(options)] = table(marsad("trends", *options, "--csv").stdout)
    marsad("export", "--to", folder, "--format", "ndjson,csv")
    said["export"] = exported(folder)
    said["targets"] = table((folder / "targets.csv").read_text(encoding="utf-8"))
    status = json.loads(marsad("status", "--json").stdout)
    said["status"] = {name: status[name] for name in ("posts", "languages", "platforms", "models")}
    return said


def ledger(**outcomes: int) -> dict[str, int]:
    names = ("received", "indexed", "duplicate", "filtered", "deleted", "dead", "pending")
    return {name: outcomes.get(name, 0) for name in names}


class Books:
    """Every record has one outcome, and the same one in every world."""

    def test_each_post_of_a_file_has_its_outcome(self, story: Story) -> None:
        assert story.outcomes["first"] == ledger(
            received=13, indexed=10, duplicate=1, filtered=1, dead=1
        )

    def test_a_file_that_was_read_is_recognised(self, story: Story) -> None:
        assert story.outcomes["again"] == story.outcomes["first"]

    def test_a_later_edit_is_indexed_and_an_older_version_is_a_duplicate(
        self, story: Story
    ) -> None:
        assert story.outcomes["second"] == ledger(
            received=17, indexed=12, duplicate=3, filtered=1, dead=1
        )

    def test_deletions_are_received_as_well(self, story: Story) -> None:
        assert story.outcomes["deleted"]["deleted"] == story.outcomes["second"]["deleted"] + 1
        assert story.outcomes["left"]["deleted"] == story.outcomes["deleted"]["deleted"] + 1

    def test_what_was_deleted_does_not_come_back(self, story: Story) -> None:
        assert story.outcomes["third"] == ledger(
            received=22, indexed=13, duplicate=3, filtered=1, deleted=4, dead=1
        )

    def test_the_ledger_adds_up_after_every_step(self, story: Story) -> None:
        assert all(map(balanced, story.outcomes.values()))

    def test_what_could_not_be_read_becomes_a_dead_letter_on_this_machine(
        self, story: Story
    ) -> None:
        (kept,) = story.world.marsad.rows("dead", "list", "--json")
        assert (kept["line"], kept["reason"]) == (7, "json-truncated")
        shown = story.world.marsad("dead", "show", str(kept["number"]))
        assert shown.stdout.strip() == BROKEN


class Answers:
    """What the story leaves behind can be found, and nothing else."""

    def test_the_same_posts_are_there(self, story: Story, tmp_path: Path) -> None:
        story.world.marsad("export", "--to", tmp_path / "all", "--format", "ndjson")
        assert [post["id"] for post in exported(tmp_path / "all")] == LEFT

    def test_the_latest_version_is_found_and_the_others_are_not(self, story: Story) -> None:
        (post,) = story.world.marsad.rows("search", "version", "--json")
        assert post["text"] == "whatsapp, deuxième version"

    def test_a_deleted_post_and_a_deleted_author_are_found_no_more(self, story: Story) -> None:
        for query in ("id:youtube:4", "blocked", '"ne marche plus"', '"revient pour leaver"'):
            story.world.marsad("search", query, code=3)


class SameAnswers:
    """Who asks can't tell which runner brought the posts, nor which store keeps them."""

    def test_every_question_has_the_answer_of_the_embedded_runner(
        self, other_story: Story, reference: dict[str, Any], tmp_path: Path
    ) -> None:
        said = answers(other_story.world, tmp_path / "export")
        assert said.keys() == reference.keys()
        for question, answer in said.items():
            assert not difference(answer, reference[question]), question
