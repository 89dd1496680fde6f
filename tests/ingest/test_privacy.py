"""Who wrote a post can't be read from what Marsad keeps."""

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.keyring import Key
from ingest.privacy import Protector, is_pseudonym
from ingest.records import Post, Tombstone, encode

OLD = Key("kold", datetime(2016, 1, 1, tzinfo=UTC), "11" * 32)
NEW = Key("knew", datetime(2017, 1, 1, tzinfo=UTC), "22" * 32)
HANDLES = frozenset({"inwi"})


def post(**fields: object) -> Post:
    values: dict[str, object] = {"id": "twitter:1", "platform": "twitter", "text": "salam"}
    return msgspec.convert(values | fields, Post)


def protector(*keys: Key, keep_authors: bool = False) -> Protector:
    return Protector(keys or (NEW,), handles=HANDLES, country="MA", keep_authors=keep_authors)


DID = "did:plc:abcdefghijklmnopqrstuvwx"


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("samira_92", {"author": "samira_92"}),
        ("samira_92", {"author": "@Samira_92", "url": "https://twitter.com/SAMIRA_92/status/1"}),
        ("nadir", {"author": "x", "url": "https://x.com/nadir/status/12"}),
        ("nadir", {"author": "x", "url": "https://mastodon.example/@nadir/110"}),
        ("nadir", {"author": "x", "url": "https://mastodon.example/users/nadir/statuses/110"}),
        ("nadir", {"author": "x", "url": "https://www.facebook.com/nadir/posts/9"}),
        ("nadir", {"author": "x", "url": "https://bsky.app/profile/nadir.bsky.example/post/3k"}),
        ("nadir", {"author": "x", "url": "https://t.me/nadir/77"}),
        ("nadir", {"author": "x", "url": "https://www.tiktok.com/@nadir/video/7"}),
        ("nadir", {"author": "x", "reply_to": "nadir"}),
        ("nadir", {"author": "x", "reply_to": "nadir2016"}),
        ("nadir", {"author": "x", "reply_to": "@nadir"}),
        ("nadir", {"author": "x", "text": "salut @nadir"}),
        (
            "abcdefghij",
            {
                "platform": "bluesky",
                "id": f"bluesky:at://{DID}/app.bsky.feed.post/3k",
                "author": DID,
                "reply_to": f"bluesky:at://{DID}/app.bsky.feed.post/3j",
                "repost_of": f"at://{DID}/app.bsky.feed.post/3j",
            },
        ),
        ("100044", {"platform": "facebook", "id": "facebook:100044_55", "author": "100044"}),
        ("nadir", {"platform": "telegram", "id": "telegram:nadir/7", "author": "nadir"}),
        ("nadir", {"platform": "telegram", "id": "telegram:nadir/8", "author": "x"}),
        ("nadir", {"platform": "telegram", "id": "telegram:x/8", "reply_to": "telegram:nadir/7"}),
        ("nadir", {"platform": "forum", "id": "forum:nadir-17", "author": "nadir"}),
    ],
)
def test_the_name_is_nowhere_in_what_is_kept(name: str, fields: dict[str, object]) -> None:
    kept = encode(protector().protect(post(**fields)).post).decode()
    assert name not in kept.lower()


def test_what_is_not_a_name_stays() -> None:
    kept = (
        protector()
        .protect(
            post(
                author="nadir",
                url="https://twitter.com/nadir/status/690000000000000001",
                reply_to="twitter:689999999999999999",
                text="@inwi rendez VoIP, 4086 signatures",
            )
        )
        .post
    )
    assert kept.id == "twitter:1"
    assert kept.url == f"https://twitter.com/{kept.author}/status/690000000000000001"
    assert kept.reply_to == "twitter:689999999999999999"
    assert kept.text == "@inwi rendez VoIP, 4086 signatures"


def test_the_name_of_a_data_set_is_not_taken_for_an_author() -> None:
    record = post(id="archive:nadir-2016:5", platform="archive", author="nadir")
    assert protector().protect(record).post.id == "archive:nadir-2016:5"


def test_one_account_has_one_pseudonym_however_it_is_written() -> None:
    pseudonyms = {
        protector().protect(post(author=name)).post.author for name in ("@Nadir", "nadir", "NADIR")
    }
    assert len(pseudonyms) == 1
    assert is_pseudonym(pseudonyms.pop())


def test_the_same_name_on_another_platform_is_another_pseudonym() -> None:
    here = protector().protect(post(author="nadir")).post.author
    there = protector().protect(post(author="nadir", platform="youtube", id="youtube:1")).post
    assert here != there.author


def test_a_handle_that_looks_like_a_pseudonym_is_replaced_too() -> None:
    assert protector().protect(post(author="u_" + "a" * 16)).post.author != "u_" + "a" * 16


def test_without_the_key_a_guess_cannot_be_tested() -> None:
    one = protector(OLD).protect(post(author="nadir")).post.author
    other = protector(NEW).protect(post(author="nadir")).post.author
    assert one != other


def test_after_rotation_a_post_tells_the_names_it_had_under_the_old_key() -> None:
    record = post(platform="bluesky", id=f"bluesky:at://{DID}/app.bsky.feed.post/3k", author=DID)
    before = protector(OLD).protect(record)
    after = protector(NEW, OLD).protect(record)
    assert after.post.id != before.post.id
    assert before.post.id in after.aliases
    assert before.post.author in after.author_aliases
    assert after.post.digest == before.post.digest


def test_after_the_old_key_is_destroyed_nothing_links_the_two() -> None:
    before = protector(OLD).protect(post(author="nadir"))
    after = protector(NEW).protect(post(author="nadir"))
    names = {after.post.author, *after.author_aliases}
    assert before.post.author not in names


def test_a_deletion_names_the_post_under_every_key() -> None:
    native = f"bluesky:at://{DID}/app.bsky.feed.post/3k"
    stored = protector(OLD).protect(post(platform="bluesky", id=native, author=DID))
    grave = protector(NEW, OLD).protect_tombstone(Tombstone(platform="bluesky", id=native))
    assert stored.post.id in {grave.tombstone.id, *grave.aliases}


def test_a_deletion_of_an_account_finds_its_pseudonyms() -> None:
    stored = protector(OLD).protect(post(author="nadir")).post.author
    grave = protector(NEW, OLD).protect_tombstone(Tombstone(platform="twitter", author="@Nadir"))
    assert "nadir" not in encode(grave.tombstone).decode().lower()
    assert stored in grave.aliases


def test_the_digest_does_not_depend_on_which_handles_the_watchlist_keeps() -> None:
    record = post(text="@inwi @nadir bonjour")
    with_handle = protector().protect(record).post
    without = Protector([NEW]).protect(record).post
    assert with_handle.text != without.text
    assert with_handle.digest == without.digest


def test_a_post_without_an_id_gets_one_from_its_content() -> None:
    first = protector().protect(post(id="forum:", author="nadir", text="a")).post.id
    again = protector().protect(post(id="forum:", author="nadir", text="a")).post.id
    other = protector().protect(post(id="forum:", author="salma", text="a")).post.id
    assert first == again
    assert first != other
    assert first.startswith("forum:~")


def test_an_id_from_content_is_found_again_after_rotation() -> None:
    record = post(id="forum:", author="nadir", text="a")
    assert protector(OLD).protect(record).post.id in protector(NEW, OLD).protect(record).aliases


def test_kept_authors_stay_plain_but_texts_are_masked_and_pseudonyms_are_aliases() -> None:
    record = post(author="nadir", text="@salma salut", url="https://x.com/nadir/status/1")
    kept = protector(keep_authors=True).protect(record)
    assert kept.post.author == "nadir"
    assert kept.post.url == "https://x.com/nadir/status/1"
    assert kept.post.text == "[user] salut"
    assert protector().protect(record).post.author in kept.author_aliases


@given(st.from_regex(r"[a-z][a-z0-9_.]{2,14}", fullmatch=True), st.text(max_size=30))
def test_no_plain_author_survives_in_ids_and_urls(name: str, text: str) -> None:
    name = name.rstrip("._")
    if len(name) < 3 or name in "https://twitter.com/status/forum post url platform version":
        return
    record = post(
        platform="forum",
        id=f"forum:{name}/77",
        author=name,
        url=f"https://forum.example/{name}/77",
        text=text,
    )
    kept = protector().protect(record).post
    assert not kept.id.startswith(f"forum:{name}/")
    assert not kept.url.endswith(f"/{name}/77")
