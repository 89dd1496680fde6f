"""Authors of feeds are the names beside their mail addresses, and known by earlier deletions."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ingest.privacy.keyring import Key
from ingest.privacy.protector import Protector, pseudonym
from ingest.records import Post, Tombstone, encode
from pipelines.records import CollectedTombstone
from pipelines.stores.raw_names import raw_names

OLD = Key("kold", datetime(2016, 1, 1, tzinfo=UTC), "11" * 32)
NEW = Key("knew", datetime(2017, 1, 1, tzinfo=UTC), "22" * 32)

#: Authors as feeds write them (RSS 2.0, `author`; mail's own form), and the names people see.
WRITTEN = [
    ("karim@mail.example (Karim F.)", "Karim F."),
    ("Karim F. <karim@mail.example>", "karim f."),
]


def of_a_feed(author: str, post_id: str = "rss:blog.example/Karim-F/1") -> Post:
    return Post(id=post_id, platform="rss", author=author, text="salam")


@pytest.mark.parametrize(("written", "shown"), WRITTEN)
def test_a_feed_s_author__is_the_name_beside_the_mail_address(written: str, shown: str) -> None:
    protect = Protector([NEW])
    stored = protect.protect(of_a_feed(written)).post
    assert stored.author == protect.pseudonyms("rss", shown)[0]
    assert "karim" not in encode(stored).decode().casefold()
    kept = Protector([NEW], keep_authors=True).protect(of_a_feed(written)).post
    assert kept.author.casefold() == shown.casefold()


@pytest.mark.parametrize(("written", "shown"), WRITTEN)
def test_a_feed_s_author__is_known_by_a_deletion_of_version_0_1(written: str, shown: str) -> None:
    """Pseudonyms were made of the whole ``mail (Name)`` then."""
    before = pseudonym(OLD.bytes(), "rss", written.casefold())
    protect = Protector([NEW, OLD])
    assert before in protect.protect(of_a_feed(written)).author_aliases
    deletion = Tombstone(platform="rss", author=written)
    assert before in protect.protect_tombstone(deletion).aliases
    assert before in protect.pseudonyms("rss", written)


def test_a_mail_address_beside_a_name__tells_accounts_apart_on_other_platforms() -> None:
    protect = Protector([NEW])
    names = ("a@mail.example (Karim)", "b@mail.example (Karim)")
    posts = [Post(id="forum:1", platform="forum", author=name, text="a") for name in names]
    assert len({protect.protect(post).post.author for post in posts}) == 2


@pytest.mark.parametrize(("written", "shown"), WRITTEN)
def test_a_kept_name_of_a_feed__is_found_as_it_is_written_and_shown(
    written: str, shown: str
) -> None:
    for stored in (written, shown):  # by version 0.1, and now
        for named in (written, shown):
            deletion = Tombstone(platform="rss", author=named)
            found = raw_names([CollectedTombstone(deletion, raw_name=named)])
            assert found.written_by("rss:1", stored)
