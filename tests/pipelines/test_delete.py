"""What ``marsad delete`` takes for a name, and where it looks for an account."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from ingest.privacy.keyring import Keyring
from ingest.privacy.protector import Protector
from ingest.records import Post
from pipelines.commands import ingest
from pipelines.commands.delete import command
from pipelines.query import All
from pipelines.records import Collected
from pipelines.stores.sqlite import SqliteStore
from tests.pipelines.stored_posts import fill, post


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "a.db"


def delete(path: Path, *arguments: str) -> Result:
    return CliRunner().invoke(command, [*arguments, "--store", str(path)])


def pseudonym(platform: str, name: str) -> str:
    return Protector(Keyring().use()).pseudonyms(platform, name)[0]


def by(author: str, number: int, platform: str) -> Post:
    return msgspec.structs.replace(post(number, platform=platform), author=author)


def there(path: Path) -> list[str]:
    with SqliteStore(path, readonly=True) as store:
        return [hit.post.id for hit in store.scan(All())]


@pytest.mark.parametrize("nobody", ["", "  ", "@", " @ "])
def test_a_name_that_is_empty_deletes_no_post_of_strangers(path: Path, nobody: str) -> None:
    fill(path, [by("", 1, "forum"), by("", 2, "forum")])
    refused = delete(path, "--author", nobody)
    assert refused.exit_code == 2
    assert "names nobody" in refused.output
    assert len(there(path)) == 2


@pytest.mark.parametrize("arguments", [("forum:",), (":1",), ("forum:1", "--platform", "x")])
def test_half_an_id_and_a_platform_without_an_account_are_refused(
    path: Path, arguments: tuple[str, ...]
) -> None:
    fill(path, [post(1)])
    assert delete(path, *arguments).exit_code == 2


def test_an_account_is_deleted_also_where_all_its_posts_still_wait(path: Path) -> None:
    waits = by(pseudonym("forum", "karim"), 2, "forum")
    fill(path, [post(1)], unscored=[waits])
    told = delete(path, "--yes", "--author", "karim").output
    assert "3 tombstones written." in told
    assert "deleted on archive, forum, twitter" in told
    with SqliteStore(path) as store:
        assert store.pending(9) == []
        assert store.deleted_ids([Collected(waits)]) == [waits.id]


def test_a_name_is_found_however_its_letters_are_composed(path: Path) -> None:
    fill(path, [by(pseudonym("forum", "Me\u0301diane Alami"), 1, "forum")])
    told = delete(path, "--yes", "--author", "\u200fMédiane  Alami").output
    assert "1 post deleted" in told
    assert "No post of this account" not in told
    assert there(path) == []


def test_a_deletion_by_a_name_that_finds_nothing_says_so(path: Path) -> None:
    fill(path, [post(1, platform="forum")])
    told = delete(path, "--yes", "--author", "nobody").output
    assert "0 posts deleted" in told
    assert "No post of this account was found" in told
    assert "No post of" not in delete(path, "forum:404").output


def test_an_account_is_deleted_on_every_platform_that_is_to_be_read(path: Path) -> None:
    path.with_name("marsad.toml").write_text('[[sources]]\nsource = "bluesky"\n')
    fill(path, [post(1)])
    assert (
        "deleted on archive, bluesky, twitter" in delete(path, "--yes", "--author", "karim").output
    )


def test_a_platform_is_known_by_its_other_name(path: Path) -> None:
    fill(path, [by(pseudonym("twitter", "karim"), 1, "twitter")])
    told = delete(path, "--yes", "--author", "karim", "--platform", "X").output
    assert "\n1 post deleted" in told
    assert "deleted on twitter." in told


def test_delete__takes_a_search_for_no_id(path: Path) -> None:
    refused = delete(path, "author:karim")
    assert refused.exit_code == 2
    assert "--author karim" in refused.output


def test_delete__refuses_a_platform_that_is_none(path: Path) -> None:
    fill(path, [post(1)])
    refused = delete(path, "twiter:1")
    assert refused.exit_code == 2
    assert "twitter" in refused.output


def test_delete__of_an_author_asks_and_shows_what_it_hits(path: Path) -> None:
    fill(path, [by(pseudonym("forum", "karim"), 1, "forum")])
    shown = delete(path, "--author", "karim", "--dry-run")
    assert (shown.exit_code, "This deletes" in shown.output) == (0, True)
    refused = delete(path, "--author", "karim")
    assert (refused.exit_code, "--yes" in refused.output) == (2, True)
    assert len(there(path)) == 1
    assert "deleted" in delete(path, "--yes", "--author", "karim").output


@pytest.mark.parametrize(
    ("first", "then"), [(["--platform", "twitter"], []), ([], ["--platform", "twitter"])]
)
def test_a_deleted_post__does_not_come_back_from_its_file_under_another_id(
    path: Path, first: list[str], then: list[str]
) -> None:
    table = path.with_name("posts.csv")
    table.write_text(
        "id,author,text,date\n"
        "1,samira,cut my calls &amp; data,2016-02-27T10:15:30Z\n"
        "2,karim,boycott,2016-02-27T10:15:31Z\n"
    )

    def imported(*options: str) -> str:
        given = ["archive", str(table), "--store", str(path), "--later", *options]
        return CliRunner().invoke(ingest.command, given).output

    imported(*first)
    waiting = "twitter:1" if first else "archive:posts:1"
    assert "1 post deleted" in delete(path, waiting).output
    assert "1 deleted" in imported(*then)
    assert {name.rpartition(":")[2] for name in there(path)} == {"2"}


def test_a_list__may_tell_people_of_its_ids(path: Path) -> None:
    fill(path, [post(number) for number in range(4)])
    first, second, third, _ = there(path)
    path.with_name("ids.txt").write_text(
        f'\ufeff# a list\n{first}  # asked on 3 May\n "{second}" \n{third}\r\n', encoding="utf-8"
    )
    assert "3 posts deleted" in delete(path, "--from", str(path.with_name("ids.txt"))).output


@pytest.mark.parametrize("line", ["1\ttwitter:1\tdeleted", "twitter:1,deleted", '"twitter:1";x'])
def test_a_list__of_several_columns_is_refused_as_it_would_delete_nothing(
    path: Path, line: str
) -> None:
    fill(path, [post(1)])
    path.with_name("ids.txt").write_text(f"twitter:2\n{line}\n")
    told = delete(path, "--from", str(path.with_name("ids.txt")))
    assert told.exit_code == 2
    assert "line 2 of the list holds more than an id" in told.output
