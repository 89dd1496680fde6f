"""Who wrote a post can't be read from what Marsad keeps."""

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.privacy.keyring import Key
from ingest.privacy.protector import Protector, is_pseudonym, pseudonym
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


def test_a_data_set_named_after_its_author__names_nobody() -> None:
    record = post(
        id="archive:nadir-2016:5", platform="archive", author="nadir", source="archive:nadir-2016"
    )
    kept = protector().protect(record).post
    assert kept.id == f"archive:{kept.author}-2016:5"
    assert kept.source == f"archive:{kept.author}-2016"


def test_one_account_has_one_pseudonym_however_it_is_written() -> None:
    pseudonyms = {
        protector().protect(post(author=name)).post.author for name in ("@Nadir", "nadir", "NADIR")
    }
    assert len(pseudonyms) == 1
    assert is_pseudonym(pseudonyms.pop())


#: One shown name as several tools write it, beside the form that pseudonyms were made of at first.
SHOWN = [
    ("Me\u0301diane Alami", "M\u00e9diane  Alami ", "me\u0301diane alami"),
    ("\u200fكريم\u200f", "كريم", "\u200fكريم\u200f"),
    ("Ｋａｒｉｍ", "karim", "ｋａｒｉｍ"),
    ("\u2068karim.a\u2069", "@KARIM.A", "\u2068karim.a\u2069"),
]


@pytest.mark.parametrize(("written", "typed", "earlier"), SHOWN)
def test_a_name_that_looks_the_same_is_one_account_and_a_deletion_finds_it(
    written: str, typed: str, earlier: str
) -> None:
    stored = protector().protect(post(author=written))
    protected = protector().protect_tombstone(Tombstone(platform="twitter", author=typed))
    assert stored.post.author == protected.tombstone.author
    assert protector().pseudonyms("twitter", typed)[0] == stored.post.author


@pytest.mark.parametrize(("written", "typed", "earlier"), SHOWN)
def test_a_name_stored_under_the_pseudonym_of_an_earlier_version_is_still_found(
    written: str, typed: str, earlier: str
) -> None:
    before = pseudonym(OLD.bytes(), "twitter", earlier)
    protected = protector(NEW, OLD).protect_tombstone(Tombstone(platform="twitter", author=written))
    assert before in protected.aliases
    assert before in protector(NEW, OLD).pseudonyms("twitter", written)
    # What the account wrote later is known by the tombstone of the earlier pseudonym, too.
    assert before in protector(NEW, OLD).protect(post(author=written)).author_aliases
    record = post(id="forum:", author=written, text="a", platform="forum")
    assert len(protector().protect(record).aliases) == 1  # the id made of its content


def test_the_same_name_on_another_platform_is_another_pseudonym() -> None:
    here = protector().protect(post(author="nadir")).post.author
    there = protector().protect(post(author="nadir", platform="youtube", id="youtube:1")).post
    assert here != there.author


ADDRESSES = [
    "https://www.facebook.com/Nadir%20Alami/posts/1",
    "https://www.facebook.com/%D9%86%D8%A7%D8%AF%D8%B1nadir/posts/1",
    "https://facebook.com/people/Nadir/123",
    "https://facebook.com/people/Some/100044777",
    "https://facebook.com/story.php?story_fbid=1&id=100044777",
    "https://m.facebook.com/photo.php?fbid=7&set=a.1.2.100044777",
    "https://m.facebook.com/x/photos/a.1.2.100044777/55",
    "https://facebook.com/groups/9/user/100044777",
    "https://instagram.com/stories/nadir/1",
    "https://twitter.com/intent/user?user_id=100044777",
    "https://twitter.com/i/status/1?author=nadir",
    "https://youtube.com/Nadir",
    "https://www.youtube.com/watch?v=1&ab_channel=Nadir#nadir",
    "https://linkedin.com/in/nadir-x-1",
    "https://www.linkedin.com/posts/nadir-x_slug-activity-1",
    "https://vk.com/nadir",
    "https://vk.com/wall100044777_2",
    "https://nadir.tumblr.com/post/12/about-nadir",
    "http://nadir.blogspot.co.uk/2016/01/x.html",
    "https://plus.google.com/+Nadir/posts/abc",
    "https://forum.example/members/nadir.55/",
    "https://forum.example/profile/Nadir+Alami",
    "https://forum.example/%40nadir/5",
    "https://forum.example/viewtopic.php?t=55&u=nadir",
    "https://nadir:secret@host.example/a",
    "www.facebook.com/nadir/posts/1",
    "nadir sur le forum",
    "tg://resolve?domain=nadir",
    "https://[nadir",
]


@pytest.mark.parametrize("url", ADDRESSES)
@pytest.mark.parametrize("author", ["x", "", "Nadir Alami"])
def test_no_account_survives_in_an_address(url: str, author: str) -> None:
    kept = protector().protect(post(author=author, url=url)).post.url.lower()
    assert not [name for name in ("nadir", "100044777", "secret") if name in kept]


@pytest.mark.parametrize(
    "url",
    [
        "https://twitter.com/i/status/690",
        "https://www.facebook.com/groups/voip/permalink/77",
        "https://www.youtube.com/watch?v=dQ_-4w&lc=Ug1",
        "https://www.instagram.com/p/B_1-x",
        "https://www.reddit.com/r/morocco/comments/4ab",
        "https://news.example:8080/2016/02/voip-bloque.html",
        "https://forum.example/viewtopic.php?t=55#p123",
        "https://blog.example/?p=12#comment-4",
        "",
    ],
)
def test_an_address_without_an_account_stays(url: str) -> None:
    kept = protector().protect(post(author="nadir", url=url)).post.url
    assert kept == url


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("100044", {"platform": "facebook", "id": "facebook:100044_55"}),
        ("100044", {"platform": "facebook", "id": "facebook:1", "reply_to": "100044_55"}),
        ("100044", {"platform": "archive", "id": "archive:set:100044_55"}),
        ("100044", {"platform": "instagram", "id": "instagram:55_100044"}),
        ("secretname", {"platform": "facebook", "id": "facebook:SecretName_123",
                        "author": "SecretName"}),
        ("karim", {"platform": "rss", "id": "rss:https://a.example/?by=karim", "author": "x"}),
        ("karim", {"platform": "rss", "id": "rss:https://a.example/Karim%20A/1",
                   "author": "karim a"}),
        ("karim", {"hashtags": ("@karim",)}),
    ],
)  # fmt: skip
def test_no_account_survives_in_an_id_or_hashtag(name: str, fields: dict[str, object]) -> None:
    assert name not in encode(protector().protect(post(**fields)).post).decode().lower()


def test_ids_that_differ_in_what_is_dropped_stay_different() -> None:
    ids = [f"rss:https://a.example/x?{end}" for end in ("n=Ab", "n=aB", "n=1#a", "n=1#b", "p=1")]
    kept = {protector().protect(post(id=one, platform="rss")).post.id for one in ids}
    assert len(kept) == len(ids)


@pytest.mark.parametrize(
    ("platform", "reference"),
    [("facebook", "100044_55"), ("instagram", "55_100044"), ("facebook", "salma")],
)
def test_a_reply_refers_to_the_same_when_an_export_is_read_again(
    platform: str, reference: str
) -> None:
    record = post(id=f"{platform}:1", platform=platform, author="nadir", reply_to=reference)
    first = protector(OLD).protect(record).post
    assert protector(NEW).protect(first).post.reply_to == first.reply_to


def test_a_pseudonym_stays_as_it_is_when_an_export_is_read_again() -> None:
    record = post(
        id="facebook:100044_55", platform="facebook", author="nadir", reply_to="salma",
        url="https://www.facebook.com/nadir/posts/55", repost_of="facebook:100045_7",
    )  # fmt: skip
    first = protector(OLD).protect(record).post
    assert protector(NEW).protect(first).post == first


@given(
    st.sampled_from([u for u in ADDRESSES if "[" not in u]),
    st.sampled_from(["Nadir Alami", "nadir", "x"]),
)
def test_protecting_twice_is_protecting_once(url: str, author: str) -> None:
    record = post(platform="rss", id=f"rss:{url}", url=url, author=author, reply_to=url)
    once = protector().protect(record).post
    assert protector().protect(once).post == once


@pytest.mark.parametrize("by", ["pseudonym", "name"])
def test_a_deleted_author_does_not_come_back_with_an_export(by: str) -> None:
    exported = protector(OLD).protect(post(author="nadir")).post
    name = exported.author if by == "pseudonym" else "Nadir"
    protected = protector(NEW, OLD).protect_tombstone(Tombstone(platform="twitter", author=name))
    again = protector(NEW, OLD).protect(exported)
    assert {again.post.author, *again.author_aliases} & {
        protected.tombstone.author,
        *protected.aliases,
    }


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


def test_whom_a_post_repeats__has_the_pseudonym_of_that_account_under_every_key() -> None:
    fields = {"id": "twitter:2", "platform": "twitter", "author": "other"}
    given = Post(text="RT", repost_of="@karim_a", repost_author="Karim_A", **fields)
    protected = protector(NEW, OLD).protect(given)
    account = protector(NEW, OLD).pseudonyms("twitter", "karim_a")
    assert protected.post.repost_author == protected.post.repost_of == account[0]
    assert protected.repost_aliases == tuple(account[1:])
    assert b"arim_" not in encode(protected.post)
    assert protector(NEW, OLD).protect(Post(text="own", **fields)).repost_aliases == ()


def test_after_the_old_key_is_destroyed_nothing_links_the_two() -> None:
    before = protector(OLD).protect(post(author="nadir"))
    after = protector(NEW).protect(post(author="nadir"))
    names = {after.post.author, *after.author_aliases}
    assert before.post.author not in names


def test_a_deletion_names_the_post_under_every_key() -> None:
    native = f"bluesky:at://{DID}/app.bsky.feed.post/3k"
    stored = protector(OLD).protect(post(platform="bluesky", id=native, author=DID))
    protected = protector(NEW, OLD).protect_tombstone(Tombstone(platform="bluesky", id=native))
    assert stored.post.id in {protected.tombstone.id, *protected.aliases}


def test_a_deletion_of_an_account_finds_its_pseudonyms() -> None:
    stored = protector(OLD).protect(post(author="nadir")).post.author
    protected = protector(NEW, OLD).protect_tombstone(
        Tombstone(platform="twitter", author="@Nadir")
    )
    assert "nadir" not in encode(protected.tombstone).decode().lower()
    assert stored in protected.aliases


@pytest.mark.parametrize(
    "tombstone",
    [
        Tombstone(platform="telegram", id="telegram:nadir/7"),
        Tombstone(platform="telegram", author="@Nadir"),
    ],
)
def test_a_tombstone_names_nobody_in_plain(tombstone: Tombstone) -> None:
    protected = protector(NEW, OLD).protect_tombstone(tombstone)
    kept = [encode(protected.tombstone).decode(), *protected.aliases]
    assert not [name for name in kept if "nadir" in name.lower()]


def test_a_deletion_stops_what_is_imported_later_with_its_author_in_plain() -> None:
    record = post(id="telegram:nadir/7", platform="telegram", author="Nadir")
    later = protector(NEW, keep_authors=True).protect(record)
    by_id = protector(NEW).protect_tombstone(Tombstone(platform="telegram", id=record.id))
    by_name = protector(NEW).protect_tombstone(Tombstone(platform="telegram", author="nadir"))
    assert by_id.tombstone.id in later.aliases
    assert by_name.tombstone.author in later.author_aliases


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


def test_a_number_that_a_post_answers_is_a_post_and_stays() -> None:
    answered = "690000000000000001"
    assert protector().protect(post(reply_to=answered)).post.reply_to == answered


def test_what_a_post_repeats_is_known_under_each_form_of_its_name() -> None:
    repeated = post(platform="rss", id="rss:1", repost_author="nadia@example.org (Nadia Fictive)")
    found = protector().protect(repeated)
    assert found.repost_aliases
    assert found.post.repost_author not in found.repost_aliases
