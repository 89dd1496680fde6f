"""What people type as an author's name finds posts, and gets into no file for others."""

import json
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from ingest.privacy.keyring import Keyring
from ingest.privacy.protector import Protector
from pipelines.commands._shared.authors import told
from pipelines.commands.export import command as export
from pipelines.commands.trends import command as trends
from pipelines.stores.sqlite import SqliteStore
from tests.pipelines.stored_posts import fill, post


def called(number: int, name: str, platform: str = "twitter", *, kept: bool = False):
    shown = name if kept else Protector(Keyring().use()).pseudonyms(platform, name)[0]
    return msgspec.structs.replace(post(number, platform=platform), author=shown)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    posts = [called(1, "Karim_P"), called(2, "salma"), called(3, "salma", "youtube")]
    return fill(tmp_path / "t.db", [*posts, called(4, "Omar_K", kept=True)])


def run(command, store: Path, *arguments) -> None:
    done = CliRunner().invoke(command, ["--store", str(store), *map(str, arguments)])
    assert done.exit_code == 0, done.output


def pseudonym(name: str, platform: str = "twitter") -> str:
    return called(0, name, platform).author


QUERY = "author:KARIM_p", "OR", "-(author:Salma,leila_b OR lang:fr)"
#: One of the posts found carries the raw name of its author.
FULL = "--level", "full", "--reason", "Omar_K agreed to be named"


def test_no_file_of_an_export_holds_a_name_that_was_asked_for(store, tmp_path):
    run(export, store, *QUERY, *FULL, "--to", tmp_path / "out")
    for path in (tmp_path / "out").iterdir():
        content = path.read_bytes().lower()
        assert not [name for name in (b"karim", b"salma", b"leila") if name in content], path.name
    assert pseudonym("karim_p") in (tmp_path / "out" / "README.txt").read_text("utf-8")


def test_the_command_in_an_export_finds_the_same_posts_again(store, tmp_path):
    digests = []
    query = QUERY
    for name in ("first", "again"):
        run(export, store, *query, *FULL, "--to", tmp_path / name, "--format", "csv")
        manifest = json.loads((tmp_path / name / "manifest.json").read_bytes())
        digests.append(manifest["files"])
        query = (manifest["query"],)
    assert digests[0] == digests[1]


@pytest.mark.parametrize("form", ["svg", "png"])
def test_no_chart_holds_a_name_that_was_asked_for(store, tmp_path, form):
    chart = tmp_path / f"chart.{form}"
    run(trends, store, *QUERY, "--chart", chart)
    content = chart.read_bytes()
    assert not [name for name in (b"karim", b"salma", b"leila") if name in content.lower()]
    assert pseudonym("karim_p").encode() in content


def test_a_name_stands_as_the_pseudonyms_that_posts_have(store):
    on_two = f"author:{pseudonym('salma')},{pseudonym('salma', 'youtube')}"
    with SqliteStore(store, readonly=True) as opened:
        assert told(["author:Salma"], opened) == on_two
        assert told([on_two], opened) == on_two
        assert told(["author:leila_b"], opened) == "author:[user]"
        assert told(["inwi", "OR", "skype"], opened) == "inwi OR skype"


def test_a_name_that_the_data_carry_stays(store):
    with SqliteStore(store, readonly=True) as opened:
        assert told(["author:Omar_K"], opened) == "author:Omar_K"


def test_without_any_key_no_name_is_written_either(store, monkeypatch, tmp_path):
    monkeypatch.setenv("MARSAD_KEYS", str(tmp_path / "none.json"))
    with SqliteStore(store, readonly=True) as opened:
        assert told(["author:salma,Omar_K"], opened) == "author:[user],Omar_K"
