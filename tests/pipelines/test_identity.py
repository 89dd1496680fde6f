"""Posts of different authors are never one post, whatever ids their files gave them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ingest.records import Post
from pipelines.identity import counts_within_a_file, separated
from pipelines.records import Collected

MORNING = datetime(2016, 2, 27, 10, tzinfo=UTC)
EVENING = datetime(2016, 3, 9, 20, tzinfo=UTC)


def post(native: str, text: str, author: str = "", at: datetime | None = MORNING) -> Post:
    return Post(
        id=native, platform=native.partition(":")[0], text=text, author=author, created_at=at
    )


def kept(known: list[Post], *new: Post, names: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    """Return ids and texts of what is kept of a batch, beside stored posts."""
    found = separated(
        [Collected(one, author_aliases=names) for one in new],
        lambda ids: [one for one in known if one.id in ids],
    )
    return [(collected.post.id, collected.post.text) for collected in found.posts]


def test_posts__of_one_number_and_two_authors_both_stay() -> None:
    known = [post("archive:export:1", "the first", "u_a")]
    assert kept(known, post("archive:export:1", "another", "u_b")) == [
        ("archive:export:1~u_b", "another")
    ]


def test_posts__that_met_are_flagged_on_both_sides() -> None:
    known = post("archive:export:1", "the first", "u_a")
    new = Collected(post("archive:export:1", "another", "u_b"))
    found = separated([new], lambda ids: [known])
    assert [one.flags for one in found.flagged] == [("id-suspect",)]
    assert found.posts[0].post.flags == ("id-suspect",)
    assert found.met == 1


def test_posts__of_one_batch_are_kept_apart_as_well() -> None:
    new = [post("vk:5", "one wall", "u_a"), post("vk:5", "another wall", "u_b")]
    assert kept([], *new) == [("vk:5", "one wall"), ("vk:5~u_b", "another wall")]


def test_edit__has_the_author_of_its_post() -> None:
    known = [post("archive:export:1", "the first", "u_a")]
    edit = post("archive:export:1", "the first, corrected", "u_a", EVENING)
    assert kept(known, edit) == [("archive:export:1", "the first, corrected")]


def test_author__under_an_older_key_is_the_same() -> None:
    known = [post("archive:export:1", "the first", "u_old")]
    again = post("archive:export:1", "the first, corrected", "u_new")
    assert kept(known, again, names=("u_old",)) == [("archive:export:1", "the first, corrected")]


def test_posts__without_authors_are_told_apart_by_text_and_date() -> None:
    known = [post("archive:export:1", "the first")]
    assert kept(known, post("archive:export:1", "another", at=EVENING))[0][0] != "archive:export:1"
    assert kept(known, post("archive:export:1", "corrected")) == [("archive:export:1", "corrected")]


def test_tweet__of_an_account_with_a_new_handle_is_one_post() -> None:
    known = [post("twitter:703500000000000101", "hello", "u_old_handle")]
    new = post("twitter:703500000000000101", "hello", "u_new_handle")
    assert kept(known, new) == [("twitter:703500000000000101", "hello")]


def test_long_number__of_two_authors_two_texts_and_two_dates_is_no_id_of_a_post() -> None:
    new = [
        post("twitter:703500000000000101", "hello", "u_a"),
        post("twitter:703500000000000101", "bye", "u_b", EVENING),
    ]
    assert len({name for name, _ in kept([], *new)}) == 2


@pytest.mark.parametrize(
    ("native", "short"),
    [
        *(("archive:set:1", True), ("twitter:12", True), ("vk:-44_5", True)),
        *(("twitter:703500000000000101", False), ("telegram:u_abcdefghijklmnop/7", False)),
        *(("mastodon:a.example/113", False), ("youtube:dQw4w9WgXcQ", False)),
    ],
)
def test_ids__that_count_within_a_file_are_known(native: str, short: bool) -> None:
    assert counts_within_a_file(post(native, "text")) is short
