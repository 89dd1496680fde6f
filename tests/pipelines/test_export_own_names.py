"""Two exports with pseudonyms of their own have no name of an account in common."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from zipfile import ZipFile

import msgspec
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from ingest.privacy.keyring import Key
from ingest.privacy.protector import Protector
from ingest.records import Gap, Post, encode
from ingest.sources.archive.source import ArchiveSource
from pipelines.commands.export import command
from pipelines.export.columns import Exported
from pipelines.export.options import changes, own_names
from pipelines.records import Batch, Position
from pipelines.stores.sqlite import SqliteStore
from tests.pipelines.stored_posts import fill
from tests.planted import ARCHIVES, shapes

NOW = datetime(2024, 1, 1, tzinfo=UTC)
PSEUDONYM = re.compile(rb"u_[a-z2-7]{16}")
#: Posts as live sources give them, whose ids and addresses hold accounts.
LIVE = [
    Post(id="telegram:canal/7", platform="telegram", author="canal", text="salam",
         url="https://t.me/canal/7", reply_to="telegram:autre/9", repost_of="telegram:autre/8",
         repost_author="autre"),
    Post(id="mastodon:https://b.example/users/nadir/statuses/1", platform="mastodon",
         author="nadir@b.example", text="salam", url="https://b.example/@nadir/1",
         reply_to="mastodon:https://b.example/users/samira/statuses/3"),
    Post(id="bluesky:at://did:plc:abcdefghijklmnopqrstuvwx/app.bsky.feed.post/3k",
         platform="bluesky", author="did:plc:abcdefghijklmnopqrstuvwx", text="salam"),
    Post(id="vk:-123456_7", platform="vk", author="123456", text="salam",
         url="https://vk.com/wall-123456_7"),
    Post(id="facebook:100044_55", platform="facebook", author="100044", text="salam",
         source="archive:100044"),
    Post(id="rss:https://blog.example/~nadir/1", platform="rss", author="nadir", text="salam",
         url="https://nadir.tumblr.com/post/1"),
]  # fmt: skip


def protected() -> list[Post]:
    """Return posts of all shapes of files and live sources, as stores hold them."""
    protect = Protector([Key("ktest", datetime(2016, 1, 1, tzinfo=UTC), "11" * 32)])
    found = [protect.protect(post).post for post in LIVE]
    for path in shapes():
        if not path.is_relative_to(ARCHIVES):
            continue
        try:
            items = list(ArchiveSource(path, dataset=path.stem, now=NOW).open(""))
        except Exception:  # a shape that is refused, as private conversations are
            continue
        found += [protect.protect(i.record).post for i in items if isinstance(i.record, Post)]
    return list({post.id: post for post in found}.values())


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    posts = [msgspec.structs.replace(post, language="fr", model="m") for post in protected()]
    assert len(posts) > 60
    return fill(tmp_path_factory.mktemp("store") / "t.db", posts)


def written(folder: Path) -> bytes:
    """Return all bytes of an export, packed ones unpacked."""
    parts = []
    for path in sorted(folder.iterdir()):
        parts.append(path.read_bytes())
        if path.suffix == ".xlsx":
            with ZipFile(path) as book:
                parts += [book.read(name) for name in book.namelist()]
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            parts += [repr(table.to_pylist()).encode(), repr(table.schema.metadata).encode()]
    return b"\n".join(parts)


def run(store: Path, folder: Path, *arguments: str) -> set[bytes]:
    given = [*arguments, "--store", str(store), "--to", str(folder)]
    result = CliRunner().invoke(command, ["--pseudonyms", "own", *given])
    assert result.exit_code == 0, result.output
    return set(PSEUDONYM.findall(written(folder)))


@pytest.mark.parametrize("level", ["pseudonymous", "unlinked", "ids"])
def test_two_exports_with_own_pseudonyms__have_none_in_common(
    store: Path, tmp_path: Path, level: str
) -> None:
    known = set(PSEUDONYM.findall(b"".join(encode(post) for post in protected())))
    asked = f"author:{sorted(known)[0].decode()} OR platform:telegram OR -platform:none"
    options = ("--level", level, "--format", "ndjson,csv,parquet,xlsx")
    one, two = (run(store, tmp_path / name, asked, *options) for name in "ab")
    assert one
    assert not one & two
    assert not (one | two) & known


FIELDS = st.lists(
    st.sampled_from([f"u_{letter * 16}" for letter in "abcd"]), min_size=9, max_size=9
)


@given(names=FIELDS, around=st.sampled_from(["", "/1", "wall", "@", "%20", "é", "\\", '"', "_"]))
def test_own_pseudonyms__stand_wherever_the_store_s_stood(names: list[str], around: str) -> None:
    text, *rest = (f"{around}{name}{around}" for name in names)
    post = Exported(
        id=rest[0], platform="p", text=text, author=names[1], url=rest[1], reply_to=rest[2],
        repost_of=rest[3], repost_author=rest[4], hashtags=(rest[5],), source=rest[6],
        counts={rest[7]: 1},
    )  # fmt: skip
    changed = changes("pseudonymous", own_names())(post)
    before = [found.decode() for found in PSEUDONYM.findall(encode(post))]
    after = [found.decode() for found in PSEUDONYM.findall(encode(changed))]
    assert not set(before) & set(after)
    assert (
        len(dict.fromkeys(zip(before, after, strict=True))) == len(set(before)) == len(set(after))
    )


def test_own_pseudonyms__come_in_an_order_that_tells_nothing(store: Path, tmp_path: Path) -> None:
    orders = []
    for name in "ab":
        run(store, tmp_path / name, "--format", "ndjson", "--level", "unlinked")
        lines = (tmp_path / name / "posts.ndjson").read_text("utf-8").splitlines()
        orders.append([json.loads(line)["platform"] for line in lines])
    assert sorted(orders[0]) == sorted(orders[1])
    assert orders[0] != orders[1]


def test_a_purge_list__says_which_rows_it_can_not_look_up(store: Path, tmp_path: Path) -> None:
    run(store, tmp_path / "out", "platform:twitter,telegram", "--format", "csv")
    arguments = ["purge-list", str(tmp_path / "out"), "--store", str(store)]
    result = CliRunner().invoke(command, arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "can't be looked up" in result.stderr


def test_an_export__names_no_source_that_was_asked_for(store: Path, tmp_path: Path) -> None:
    gap = Gap(
        source="telegram:canal_de_nadia", start=NOW, end=NOW.replace(hour=3),
        cause="SourceGone: there is no channel canal_de_nadia",
    )  # fmt: skip
    with SqliteStore(store) as opened:
        place = Position(key="live", name=gap.source, cursor="1")
        opened.accept(Batch(position=place, previous_cursor="", notices=[gap]))
    run(store, tmp_path / "out")
    content = written(tmp_path / "out")
    assert b"canal_de_nadia" not in content
    assert b"telegram, 2024-01-01 00:00 to 2024-01-01 03:00 UTC" in content
