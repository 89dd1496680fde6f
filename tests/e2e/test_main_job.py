"""From posts in a file to search, trends and an export, through the installed command."""

import csv
import gzip
import json
import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import CASE, ROOT, Marsad, balanced

POSTS: list[dict[str, Any]] = [
    {
        "id": "1",
        "platform": "twitter",
        "author": "nadir_k",
        "created_at": "2016-02-27T20:00:00Z",
        "text": "Inwi bloque WhatsApp, honte à vous ! @salma_b #OpeUnlike",
    },
    {
        "id": "2",
        "platform": "twitter",
        "author": "salma_b",
        "created_at": "2016-02-27T23:30:00Z",
        "text": "حشومة عليكم، الواتساب ما بقاش خدام مع اتصالات المغرب",
    },
    {
        "id": "3",
        "platform": "youtube",
        "author": "yto",
        "created_at": "2016-02-28T10:00:00Z",
        "text": "watsap mab9ach khdam m3a inwi, hchouma 3likom bzaf",
    },
    {
        "id": "4",
        "platform": "facebook",
        "author": "omar",
        "created_at": "2016-02-28T12:00:00Z",
        "text": "belle journée à la plage avec les enfants",
    },
]


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the posts were imported once, by the installed command, with its keys."""
    folder = tmp_path_factory.mktemp("imported")
    marsad = Marsad(folder, MARSAD_KEYS=str(folder / "keys" / "keyring.json"))
    marsad.forks = False
    marsad.write("posts.ndjson", POSTS)
    marsad("ingest", "archive", "posts.ndjson", "--watchlist", "morocco-2016")
    return folder


@pytest.fixture
def study(marsad: Marsad, imported: Path) -> Marsad:
    """A copy of it for one test."""
    shutil.copytree(imported, marsad.folder, dirs_exist_ok=True)
    return marsad


def test_posts_without_a_watchword_are_counted_and_not_stored(study: Marsad) -> None:
    ledger = study.ledger()
    assert ledger == {
        "received": 4,
        "indexed": 3,
        "duplicate": 0,
        "filtered": 1,
        "deleted": 0,
        "dead": 0,
        "pending": 0,
    }


def test_without_a_watchlist_every_post_is_kept(marsad: Marsad) -> None:
    marsad.write("posts.ndjson", POSTS)
    marsad("ingest", "archive", "posts.ndjson")
    assert marsad.ledger()["indexed"] == 4
    assert all("entities" not in post for post in marsad.rows("search", "--json"))


def test_the_same_file_again_adds_nothing_and_changes_no_book(study: Marsad) -> None:
    before = study.ledger()
    again = study("ingest", "archive", "posts.ndjson", "--watchlist", "morocco-2016")
    assert "nothing to add" in again.stderr
    assert study.ledger() == before


def test_the_same_file_elsewhere_is_recognised_by_its_content(study: Marsad) -> None:
    (study.folder / "elsewhere").mkdir()
    (study.folder / "posts.ndjson").rename(study.folder / "elsewhere" / "posts.ndjson")
    before = study.ledger()
    study("ingest", "archive", "elsewhere/posts.ndjson", "--watchlist", "morocco-2016")
    assert study.ledger() == before


def test_a_word_finds_its_spellings_in_every_script(study: Marsad) -> None:
    for word in ("whatsapp", "واتساب", "watsap"):
        assert {post["id"] for post in study.rows("search", word, "--json")} == {
            "twitter:1",
            "twitter:2",
            "youtube:3",
        }


def test_hits_come_newest_first_with_what_made_them_match(study: Marsad) -> None:
    hits = study.rows("search", "whatsapp", "--json")
    assert [hit["id"] for hit in hits] == ["youtube:3", "twitter:2", "twitter:1"]
    for hit in hits:
        assert hit["highlights"]
    start, end = hits[0]["highlights"][0]
    assert hits[0]["text"][start:end] == "watsap"


def test_a_scored_post_has_the_documented_shape(study: Marsad) -> None:
    (post,) = study.rows("search", "id:twitter:1", "--json")
    assert post["language"] == "fr"
    assert 0 <= post["language_confidence"] <= 1
    sentiment = post["sentiment"]
    assert set(sentiment) == {"label", "negative", "neutral", "positive"}
    assert sum(v for k, v in sentiment.items() if k != "label") == pytest.approx(1, abs=1e-3)
    assert {"inwi", "whatsapp"} <= set(post["entities"])
    assert {target["entity"] for target in post["targets"]} == set(post["entities"])
    assert post["model"]


def test_filters_narrow_a_search(study: Marsad) -> None:
    def ids(*arguments: str) -> set[str]:
        return {post["id"] for post in study.rows("search", *arguments, "--json", code=None)}

    assert ids("--platform", "youtube") == {"youtube:3"}
    assert ids("--lang", "ary") == {"twitter:2"}
    assert ids("--entity", "maroc-telecom") == {"twitter:2"}
    assert ids("--since", "2016-02-28") == {"youtube:3"}
    assert ids("--until", "2016-02-28") == {"twitter:1", "twitter:2"}
    assert ids('"bloque WhatsApp"') == {"twitter:1"}
    assert ids("whatsapp", "-inwi") == {"twitter:2"}


def test_days_begin_where_the_watchlist_says_unless_a_setting_or_the_store_does(
    marsad: Marsad,
) -> None:
    late = {"id": "1", "platform": "forum", "created_at": "2019-10-17T21:30:00Z"}
    marsad.write("late.ndjson", [late | {"text": "WhatsApp ma 3am yemshi"}])
    ingest = ("ingest", "archive", "late.ndjson", "--watchlist")
    marsad(*ingest, "lebanon-2019")
    (post,) = marsad.rows("search", "day:2019-10-18", "--json")
    assert post["day"] == "2019-10-18"
    shown = marsad("search")
    assert shown.stdout.startswith("2019-10-18 00:30  forum")
    assert "Asia/Beirut" in shown.stderr
    told = marsad(*ingest, "morocco-2016").stderr
    assert "Asia/Beirut" in told
    assert "Africa/Casablanca" in told
    marsad.environment["MARSAD_TIMEZONE"] = "UTC"
    marsad(*ingest, "lebanon-2019", code=1)
    marsad(*ingest, "lebanon-2019", "--store", "utc.db")
    assert "2019-10-17 21:30" in marsad("search", "--store", "utc.db").stdout


def test_words_found_in_other_spellings_only_are_told_with_the_way_to_the_exact_one(
    study: Marsad,
) -> None:
    told = study("search", "hchouma").stderr
    assert "hchouma stands in 1 of 2 posts in other spellings only" in told
    assert "=hchouma finds this spelling alone" in told
    assert "spelling" not in study("search", "=hchouma").stderr


def test_other_spellings_that_the_watchlist_knows_are_no_other_words(study: Marsad) -> None:
    told = study("search", "whatsapp").stderr
    assert "3 posts match" in told
    assert "spelling" not in told
    assert "spelling" not in study("search", "inwi").stderr


def test_an_entity_is_named_by_its_id_or_as_people_write_it(study: Marsad) -> None:
    for words in (["--entity", "Maroc Telecom"], ['entity:"Maroc Télécom"']):
        assert [post["id"] for post in study.rows("search", *words, "--json")] == ["twitter:2"]
    rows = study.rows("trends", "--split", "entity", "--entity", "Inwi", "--json")
    assert {row["group"] for row in rows} == {"inwi"}


def test_nothing_found_is_exit_code_3_and_tells_what_may_be_wrong(study: Marsad) -> None:
    nothing = study("search", "zzzzzz", code=3)
    assert (nothing.stdout, nothing.stderr) == ("", "No post matches.\n")
    for command in (["search"], ["trends"], ["export", "--to", "out"]):
        told = study(*command, "--entity", "nobody", code=3).stderr
        assert "none in the store mentions nobody." in told
        assert "inwi, maroc-telecom" in told
        told = study(*command, "--since", "2016-03-04", "--until", "2016-02-29", code=3).stderr
        assert "no day is since 2016-03-04 and before 2016-02-29" in told


def test_a_wrong_query_is_explained(study: Marsad) -> None:
    failed = study("search", "colour:red", code=2)
    assert "colour" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_no_name_is_in_any_file_of_the_store(study: Marsad) -> None:
    kept = b"".join(path.read_bytes() for path in study.folder.glob("marsad.db*") if path.is_file())
    assert b"hchouma" in kept
    for name in (b"nadir_k", b"salma_b"):
        assert name not in kept


def test_the_store_is_the_owners_alone(study: Marsad) -> None:
    for path in study.folder.glob("marsad.db*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_trends_count_each_post_for_each_entity(study: Marsad) -> None:
    rows = study.rows("trends", "--split", "entity", "--json")
    counts = {(row["bucket"], row["group"]): row["posts"] for row in rows}
    assert counts["2016-02-27", "inwi"] == 1
    assert counts["2016-02-28", "inwi"] == 1
    assert counts["2016-02-27", "maroc-telecom"] == 1


def test_an_export_holds_the_subset_in_three_formats(study: Marsad) -> None:
    study("export", "entity:inwi", "--to", "out")
    rows = [json.loads(line) for line in (study.folder / "out/posts.ndjson").open()]
    assert {row["id"] for row in rows} == {"twitter:1", "youtube:3"}
    with (study.folder / "out/posts.csv").open(encoding="utf-8-sig", newline="") as stream:
        assert len(list(csv.DictReader(stream))) == 2
    assert (study.folder / "out/posts.parquet").exists()


def test_a_deleted_post_is_gone_everywhere_and_stays_away(study: Marsad) -> None:
    study("delete", "youtube:3")
    study("export", "--to", "out")
    for path in [*study.folder.glob("marsad.db*"), *study.folder.glob("out/posts.*")]:
        assert b"mab9ach" not in path.read_bytes(), path
    study("ingest", "archive", "posts.ndjson", "--watchlist", "morocco-2016", "--dataset", "again")
    assert study("search", "id:youtube:3", code=3).stdout == ""
    ledger = study.ledger()
    assert ledger["deleted"] == 2  # the deletion, and the post that came after it
    assert balanced(ledger)
    study("delete", "youtube:3")
    # It came again; what was indexed stays so in the ledger, and what is there now beside them.
    assert study.ledger() == ledger | {"received": ledger["received"] + 1, "deleted": 3}
    assert ledger["indexed"] == 3
    assert "\n2 posts now, " in study("status").stdout


def test_an_author_is_deleted_by_name(study: Marsad) -> None:
    study("delete", "--yes", "--author", "@Nadir_K", "--platform", "twitter")
    assert study("search", "id:twitter:1", code=3).stdout == ""
    study.write("later.ndjson", [POSTS[0] | {"id": "9"}])
    study("ingest", "archive", "later.ndjson", "--watchlist", "morocco-2016")
    assert study("search", "id:twitter:9", code=3).stdout == ""


def test_an_author_is_deleted_by_the_pseudonym_in_the_data(study: Marsad) -> None:
    (post,) = study.rows("search", "id:twitter:1", "--json")
    study("delete", "--yes", "--author", post["author"])
    assert study("search", "id:twitter:1", code=3).stdout == ""


def test_after_rotation_a_post_is_neither_doubled_nor_outlives_its_deletion(marsad: Marsad) -> None:
    did = "did:plc:abcdefghijklmnopqrstuvwx"
    native = f"at://{did}/app.bsky.feed.post/3k"
    post = {"id": native, "platform": "bluesky", "author": did, "text": "salam"}
    marsad.write("a.ndjson", [post])
    marsad.write("b.ndjson", [post | {"likes": 0}])
    marsad("ingest", "archive", "a.ndjson")
    marsad("keys", "rotate")
    marsad("ingest", "archive", "b.ndjson")
    (stored,) = marsad.rows("search", "--json")
    assert did not in json.dumps(stored)
    marsad("delete", f"bluesky:{native}")
    marsad("search", code=3)
    marsad("ingest", "archive", "b.ndjson", "--dataset", "again")
    marsad("search", code=3)


def test_a_later_edit_replaces_and_an_older_version_does_not(marsad: Marsad) -> None:
    base = {"id": "1", "platform": "forum", "created_at": "2016-02-27T20:00:00Z"}
    marsad.write("a.ndjson", [base | {"text": "avant", "edited_at": "2016-02-27T21:00:00Z"}])
    marsad.write("b.ndjson", [base | {"text": "après", "edited_at": "2016-02-27T22:00:00Z"}])
    for name in ("b", "a"):
        marsad("ingest", "archive", f"{name}.ndjson")
    (post,) = marsad.rows("search", "--json")
    assert post["text"] == "après"
    assert marsad.ledger()["duplicate"] == 1


def test_a_forgotten_time_zone_is_told_and_the_same_command_with_it_mends_the_dates(
    marsad: Marsad,
) -> None:
    local = {"id": "1", "platform": "forum", "created_at": "2016-02-27 23:30", "text": "tard"}
    marsad.write("local.ndjson", [local])
    told = marsad("ingest", "archive", "local.ndjson").stderr
    assert "The dates of 1 post name no time zone, and UTC was assumed (days of this" in told
    assert [post["day"] for post in marsad.rows("search", "flag:zone-assumed", "--json")] == [
        "2016-02-27"
    ]
    given = marsad("ingest", "archive", "local.ndjson", "--timezone", "-05:00").stderr
    assert "assumed" not in given
    mended = marsad.rows("search", "--json")
    assert [(post["day"], "flags" in post) for post in mended] == [("2016-02-28", False)]
    marsad.write("local.ndjson", [local, local])
    marsad("ingest", "archive", "local.ndjson")  # and without it there is no way back
    assert marsad.rows("search", "--json") == mended


def test_a_changed_watchlist_examines_again_what_was_filtered(study: Marsad) -> None:
    study.write(
        "beach.toml",
        (CASE / "watchlist.toml").read_text(encoding="utf-8")
        + '\n[[entities]]\nid = "beach"\nkind = "topic"\nname = "Beach"\n'
        'aliases = { latin = ["plage"] }\n',
    )
    study("ingest", "archive", "posts.ndjson", "--watchlist", "beach.toml")
    assert {post["id"] for post in study.rows("search", "entity:beach", "--json")} == {"facebook:4"}
    assert balanced(study.ledger())
    assert study.ledger()["indexed"] == 4


def test_rescore_matches_stored_posts_again(marsad: Marsad) -> None:
    marsad.write("posts.ndjson", POSTS)
    marsad("ingest", "archive", "posts.ndjson")
    before = marsad.ledger()
    marsad("rescore", "--watchlist", "morocco-2016")
    assert len(marsad.rows("search", "entity:inwi", "--json")) == 2
    assert marsad.ledger() == before


def test_an_interrupted_import_says_so_and_goes_on(marsad: Marsad) -> None:
    marsad.write("posts.ndjson", POSTS)
    first = marsad("ingest", "archive", "posts.ndjson", "--limit", "3")
    assert "not at its end" in first.stderr
    marsad("ingest", "archive", "posts.ndjson")
    assert marsad.ledger()["indexed"] == 4
    assert marsad.ledger()["duplicate"] == 0


def test_bad_lines_become_dead_letters_and_the_rest_arrives(marsad: Marsad) -> None:
    good = json.dumps(POSTS[0]).encode()
    marsad.write("mixed.ndjson", b"\n".join([b'{"id": 1, "te', good, b'{"id": 2}']) + b"\n")
    marsad("ingest", "archive", "mixed.ndjson")
    assert marsad.ledger()["dead"] == 2
    dead = marsad.rows("dead", "list", "--json")
    assert [entry["line"] for entry in dead] == [1, 3]
    assert "te" not in json.dumps([entry["detail"] for entry in dead]).split()
    assert {entry["input"] for entry in dead} == {"mixed.ndjson"}
    listed = marsad("dead", "list").stdout.splitlines()
    assert [line.split()[1] for line in listed] == ["input", "mixed.ndjson", "mixed.ndjson"]
    shown = marsad("dead", "show", str(dead[0]["number"]))
    assert shown.stdout == '{"id": 1, "te\n'
    assert "mixed.ndjson, line 1: json-truncated" in shown.stderr
    left = marsad("dead", "retry", code=1).stderr
    assert "mixed.ndjson, line 1: json-truncated" in left
    assert "mixed.ndjson, line 3: no-text" in left


def test_what_became_a_dead_letter_can_be_retried_with_another_mapping(marsad: Marsad) -> None:
    rows = [{"id": "1", "text": "salam"}, {"id": "2", "corps": "labas"}]
    marsad.write("posts.ndjson", rows)
    marsad("ingest", "archive", "posts.ndjson")
    assert marsad.ledger()["dead"] == 1
    marsad("dead", "retry", "--map", "text=corps")
    assert marsad.ledger() | {"received": 2, "indexed": 2, "dead": 0} == marsad.ledger()
    marsad("dead", "list", code=3)


def test_a_deletion_reaches_what_becomes_a_dead_letter(marsad: Marsad) -> None:
    marsad.write("bad.ndjson", b'{"id": "77", "author": "nadir_k", "text": "khbar\n')
    marsad("ingest", "archive", "bad.ndjson", "--platform", "twitter", code=1)
    assert b"nadir_k" in (marsad.folder / "marsad.db.dead").read_bytes()
    marsad("delete", "--yes", "--author", "nadir_k", "--platform", "twitter")
    assert b"nadir_k" not in (marsad.folder / "marsad.db.dead").read_bytes()


def test_keeping_authors_needs_a_reason_that_is_recorded(marsad: Marsad) -> None:
    marsad.write("posts.ndjson", POSTS)
    marsad("ingest", "archive", "posts.ndjson", "--keep-authors", code=2)
    marsad("ingest", "archive", "posts.ndjson", "--keep-authors", "consent of all authors")
    assert {post["author"] for post in marsad.rows("search", "--json")} >= {"nadir_k", "omar"}
    assert "names of accounts were kept: consent of all authors" in marsad("status").stdout
    (status,) = marsad.rows("status", "--json")
    (read,) = status["inputs"]
    assert read["details"]["keep_authors"] == "consent of all authors"
    assert read["details"]["timezone"] == "UTC"


def test_a_file_that_cannot_be_read_does_not_stop_the_others(marsad: Marsad) -> None:
    marsad.write("posts.ndjson", POSTS)
    marsad.write("picture.png", b"\x89PNG\r\n\x1a\n" + b"\0" * 100)
    failed = marsad("ingest", "archive", "picture.png", "missing.csv", "posts.ndjson", code=1)
    assert "picture.png" in failed.stderr
    assert "missing.csv" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert marsad.ledger()["indexed"] == 4


def test_names_of_data_are_shown_as_they_are(marsad: Marsad) -> None:
    marsad.write("kenya.ndjson", POSTS[:1])
    marsad("ingest", "archive", "kenya.ndjson", "--store", "[i].db")
    shown = marsad("status", "--store", "[i].db").stdout
    assert shown.startswith("[i].db  (UTC, zone data ")
    assert "input archive:kenya: read to its end" in shown


def test_an_empty_file_and_settings_without_sources_are_told_by_their_names(
    marsad: Marsad,
) -> None:
    assert (
        "empty.ndjson: holds no record"
        in marsad("ingest", "archive", marsad.write("empty.ndjson", "\n")).stderr
    )
    marsad.environment["MARSAD_CONFIG"] = marsad.write("mine.toml", "").name
    assert "mine.toml has no [[sources]]" in marsad("ingest", "all", code=1).stderr


def test_standard_input_and_compressed_files_are_read(marsad: Marsad) -> None:
    data = "\n".join(json.dumps(post) for post in POSTS).encode()
    marsad("ingest", "archive", "-", stdin=gzip.compress(data))
    assert marsad.ledger()["indexed"] == 4


def test_a_reader_without_a_store_is_told_what_to_do(marsad: Marsad) -> None:
    for arguments in (
        ["search"],
        ["trends"],
        ["export", "--to", "x"],
        ["status"],
        ["dead", "list"],
    ):
        failed = marsad(*arguments, code=1)
        assert "marsad ingest" in failed.stderr


def test_wrong_usage_is_exit_code_2(marsad: Marsad) -> None:
    for arguments in (["ingest", "archive"], ["delete"], ["search", "--limit", "0"], ["nonsense"]):
        marsad(*arguments, code=2)


def test_without_colours_signs_show_what_was_found_and_whether_it_is_spelt_so(
    study: Marsad,
) -> None:
    shown = study("search", "whatsapp").stdout
    assert "\n*watsap* mab9ach" in shown
    assert "bloque **WhatsApp**, " in shown


def test_a_word_with_a_minus_is_part_of_the_query_and_a_mistyped_option_is_told(
    study: Marsad,
) -> None:
    found = study.rows("search", "-lang:fr", "whatsapp", "--json")
    assert {post["id"] for post in found} == {"twitter:2", "youtube:3"}
    assert "--limt" in study("search", "whatsapp", "--limt", "5", code=2).stderr


def test_an_option_cannot_smuggle_in_a_query(study: Marsad) -> None:
    study("search", "--lang", "fr) OR (lang:ary", code=2)


def test_posts_of_an_author_are_found_by_name(study: Marsad) -> None:
    assert [post["id"] for post in study.rows("search", "author:Nadir_K", "--json")] == [
        "twitter:1"
    ]


def test_a_mistyped_store_is_told_and_not_made(study: Marsad) -> None:
    for arguments in (["delete", "twitter:1"], ["rescore"], ["dead", "retry"]):
        failed = study(*arguments, "--store", "typo.db", code=1)
        assert "typo.db" in failed.stderr
    assert not (study.folder / "typo.db").exists()


def test_a_blank_reason_keeps_no_author(marsad: Marsad) -> None:
    marsad.write("posts.ndjson", POSTS)
    for reason in ("", "  "):
        marsad("ingest", "archive", "posts.ndjson", "--keep-authors", reason, code=2)
    assert not (marsad.folder / "marsad.db").exists()


def test_kept_authors_are_deleted_by_name(marsad: Marsad) -> None:
    marsad.write("posts.ndjson", POSTS)
    marsad("ingest", "archive", "posts.ndjson", "--keep-authors", "consent")
    marsad("delete", "--yes", "--author", "NADIR_K", "--platform", "twitter")
    assert marsad("search", "id:twitter:1", code=3).stdout == ""


def test_destroying_a_key_is_asked_and_without_an_answer_not_done(marsad: Marsad) -> None:
    marsad("keys", "rotate")
    key = marsad("keys", "list").stdout.split()[0]
    assert "--yes" in marsad("keys", "destroy", key, code=2).stderr
    refused = marsad("keys", "destroy", key, stdin="n\n", code=1).stderr
    assert refused.endswith("Nothing was destroyed.\n")
    assert "Usage" not in refused
    marsad("keys", "destroy", "k0", code=1)
    marsad("keys", "destroy", key, "--yes")
    marsad("keys", "list", code=3)


def test_an_export_read_back_keeps_its_pseudonyms_and_its_deletions(study: Marsad) -> None:
    study("export", "--to", "out", "--format", "ndjson")
    (post,) = study.rows("search", "id:twitter:1", "--json")
    study("delete", "--yes", "--author", "nadir_k", "--platform", "twitter")
    study("ingest", "archive", "out/posts.ndjson")
    study("search", "id:twitter:1", code=3)
    study("ingest", "archive", "out/posts.ndjson", "--store", "other.db")
    (again,) = study.rows("search", "id:twitter:1", "--store", "other.db", "--json")
    assert again["author"] == post["author"]


def test_a_watchlist_with_a_mistake_is_explained(marsad: Marsad) -> None:
    marsad.write("bad.toml", "name = 3\n")
    failed = marsad("watchlist", "check", "bad.toml", "lebanon-2019", code=1)
    assert "lebanon-2019: fine" in failed.stdout
    assert "bad.toml" in failed.stderr
    assert re.search(r"\bname\b", failed.stderr)


def test_make_run_shows_the_main_job_and_repeated_adds_nothing(tmp_path: Path) -> None:
    """`make run` of a checkout, without its installation."""
    checkout = tmp_path / "marsad"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(checkout)], check=True)
    script = ROOT / "deploy" / "run-sample.sh"
    runs = [
        subprocess.run(
            ["sh", str(script)],
            cwd=ROOT if not (checkout / "ingest").exists() else checkout,
            env={
                "PATH": f"{ROOT / '.venv/bin'}:/usr/bin:/bin",
                "MARSAD_KEYS": str(tmp_path / "keyring.json"),
                "HOME": str(tmp_path),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        for _ in range(2)
    ]
    for done in runs:
        assert done.returncode == 0, done.stderr
        assert "How to go on" in done.stdout
        assert re.search(r"\n\$ marsad trends .* --chart out/trends.png >/dev/null\n", done.stdout)
        assert "--to out/study\n\n$ marsad status" in done.stdout
    assert "nothing to add" in runs[1].stderr
    assert "\n$ marsad export 'entity:anrt sentiment:negative' --to out/study\n" in runs[0].stdout
    for name in ("trends.svg", "trends.png", "study/posts.csv"):
        assert (checkout / "out" / name).stat().st_size > 0
    study = checkout / "out" / "study"
    (told,) = [
        line for line in runs[0].stderr.splitlines() if " posts written to out/study" in line
    ]
    files = told.partition(": ")[2].rstrip(".").split(", ")
    assert sorted(files) == sorted(path.name for path in study.iterdir())
    assert "fictional posts" in (study / "README.txt").read_text()
    manifest = json.loads((study / "manifest.json").read_bytes())
    assert manifest["fictional"] == manifest["posts"]


def test_store__knows_names_and_events_of_a_watchlist_that_is_gone(marsad: Marsad) -> None:
    folder = marsad.folder / "case"
    folder.mkdir()
    (folder / "watchlist.toml").write_text(
        'name = "brume-2031"\ntitle = "Invented"\ncountry = "FR"\ntimezone = "UTC"\n'
        'languages = ["fr"]\n[[entities]]\nid = "glacio"\nkind = "operator"\n'
        'name = "Glacio S.A."\n[entities.aliases]\nlatin = ["glacio"]\n',
        encoding="utf-8",
    )
    (folder / "events.csv").write_text("date;label\n27/02/2016;The cut\n", encoding="utf-8")
    posts = [
        POSTS[0] | {"id": str(n), "text": f"glacio est en panne, honte {n}", "author": f"a{n}"}
        for n in range(12)
    ]
    marsad.write("glacio.ndjson", posts)
    marsad("ingest", "archive", "glacio.ndjson", "--watchlist", "case", "--store", "g.db")
    (folder / "watchlist.toml").unlink()
    (folder / "events.csv").unlink()
    shown = marsad("trends", "--split", "entity", "--chart", "c.svg", "--store", "g.db")
    assert "Glacio S.A." in shown.stdout
    assert "not at hand" not in shown.stderr
    chart = (marsad.folder / "c.svg").read_text(encoding="utf-8")
    assert "The cut" in chart
