import csv
import hashlib
import io
import json
import os
import subprocess
import sys
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path
from zipfile import ZipFile
from zoneinfo import ZoneInfo

import msgspec
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from ingest.mapping.spreadsheets import join_list, split_list
from ingest.records import Sentiment
from pipelines.commands.export import command
from pipelines.errors import DeletedMeanwhile, OutputError
from pipelines.export import (
    COLUMNS,
    FORMATS,
    TARGET_COLUMNS,
    Account,
    Options,
    export,
    folder,
    guard,
    meanwhile,
    unguard,
)
from pipelines.export.options import own_names
from pipelines.records import Hit, Ledger
from pipelines.stores.sqlite import SqliteStore
from tests.conformance.corpus import tombstone
from tests.pipelines import export_facts
from tests.pipelines.stored_posts import fill, post

FACTS = msgspec.structs.replace(export_facts.FACTS, filters={"lang": ("fr",)})
ALL = tuple(FORMATS)
ENTITIES = ("inwi", "voip")
COUNTS = ("likes", "reposts", "replies", "views", "quotes", "views_granularity")
ABOUT = [
    "CITATION.cff",
    "DATASHEET.md",
    "README.txt",
    "datapackage.json",
    "manifest.json",
    "ro-crate-metadata.json",
]
NASTY = [
    "=HYPERLINK(1)",
    "+212",
    "-1",
    "@inwi",
    "\t=1",
    "'=1",
    "''@x",
    "＝1",
    'quote " and, comma; semicolon',
    "line\nline\r\nline\rend",
    "nul \x00 inside",
    "حيد لايك 😡 \u200f\u202e",
    "",
    " leading",
    "\ufeffmark",
    "1e10",
]


def hits(texts=NASTY, **more):
    return [Hit(post(n, text, **more), "2016-02-27") for n, text in enumerate(texts)]


def read_ndjson(folder):
    return [json.loads(line) for line in (folder / "posts.ndjson").read_text("utf-8").splitlines()]


def read_csv(folder, name="posts.csv"):
    with (folder / name).open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def full(line):
    """Return a line of NDJSON with the columns of CSV and Parquet, defaults filled in."""
    sentiment = line.pop("sentiment", {})
    line |= {f"sentiment_{name}": sentiment[name] for name in sentiment if name != "label"}
    line |= {"sentiment": sentiment.get("label")}
    known = line.get("counts", {})
    line |= {name: known.get(name) for name in COUNTS}
    line |= {"weight": line.get("weight")}
    empty = {"text": "", "day": "", "integer": 0, "number": 0.0, "time": None, "json": {}}
    return {
        column.name: line.get(
            column.name,
            None if column.name.startswith("sentiment") else empty.get(column.kind, []),
        )
        for column in COLUMNS
    }


def flat(line):
    """Return a line with the columns of CSV: an attitude for each entity in place of targets."""
    towards = {one["entity"]: one["label"] for one in line["targets"]}
    own = {f"attitude:{entity}": towards.get(entity, "") for entity in ENTITIES}
    return {name: value for name, value in line.items() if name not in {"targets", "counts"}} | own


def from_csv(cells):
    kinds = {column.name: column.kind for column in COLUMNS}
    values = {}
    for name, cell in cells.items():
        kind = kinds.get(name, "text")
        if kind == "list":
            values[name] = split_list(unguard(cell))
        elif cell == "" and (kind not in {"text", "day"} or name == "sentiment"):
            values[name] = None
        elif kind in {"integer", "number"}:
            values[name] = int(cell) if kind == "integer" else float(cell)
        else:
            values[name] = cell if kind == "time" else unguard(cell)
    return values


def from_parquet(row):
    times = {column.name for column in COLUMNS if column.kind == "time"}
    row = {
        k: v.isoformat().replace("+00:00", "Z") if k in times and v else v for k, v in row.items()
    }
    # NULL stands for what is empty elsewhere
    text = {column.name for column in COLUMNS if column.kind in {"text", "day"}} - {"sentiment"}
    row = {k: "" if k in text and v is None else v for k, v in row.items()}
    return row | {"counts": json.loads(row["counts"]), "day": str(row["day"])}


# The values


def test_the_three_formats_hold_the_same_values(tmp_path):
    rich = post(
        99,
        at=datetime(2016, 2, 27, 12, 0, 0, 123000, tzinfo=UTC),
        towards={"inwi": "negative", "voip": "positive"},
        hashtags=("=OpeUnlike", "حيد_لايك", "a|b", "100%", "%7C"),
        counts={"likes": 3, "quotes": 2, "views": 1200, "views_granularity": 100},
        url="https://example.org/1",
        reply_to="twitter:1",
        source="s",
        collected_at=datetime(2026, 1, 1, tzinfo=UTC),
        watchlist="w@1",
    )
    bare = msgspec.structs.replace(
        post(100, at=None), sentiment=None, language="", language_confidence=0.0, model=""
    )
    both = [Hit(rich, "2016-02-27"), Hit(bare, "")]
    export([*hits(), *both], tmp_path, ALL, FACTS, options=Options(entities=ENTITIES))
    lines = [full(line) for line in read_ndjson(tmp_path)]
    assert [from_csv(cells) for cells in read_csv(tmp_path)] == list(map(flat, lines))
    assert [from_parquet(r) for r in pq.read_table(tmp_path / "posts.parquet").to_pylist()] == lines
    assert [line["text"] for line in lines[: len(NASTY)]] == NASTY


def test_ids_of_any_length_stay_exact_and_look_like_text_to_a_spreadsheet(tmp_path):
    long = msgspec.structs.replace(post(0), id="twitter:6901234567890123456789")
    export([Hit(long, "2016-02-27")], tmp_path, ALL, FACTS)
    cell = read_csv(tmp_path)[0]["id"]
    assert cell == read_ndjson(tmp_path)[0]["id"] == "twitter:6901234567890123456789"
    assert pq.read_table(tmp_path / "posts.parquet")["id"].to_pylist() == [cell]


def test_one_row_for_every_post_and_entity_stands_beside_the_csv(tmp_path):
    attitudes = hits(["a", "b"], towards={"inwi": "negative", "voip": "positive"})
    export(attitudes, tmp_path, ALL, FACTS, options=Options(entities=ENTITIES))
    rows = read_csv(tmp_path, "targets.csv")
    assert list(rows[0]) == list(TARGET_COLUMNS)
    assert [(row["entity"], row["label"], row["negative"]) for row in rows] == [
        ("inwi", "negative", "0.7"),
        ("voip", "positive", repr((1 - 0.7) / 2)),
    ] * 2


# The CSV


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_comes_back_from_a_cell(text):
    stream = io.StringIO(newline="")
    csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\n").writerow([guard(text), "end"])
    ((cell, _),) = csv.reader(io.StringIO(stream.getvalue(), newline=""))
    assert unguard(cell) == text


@given(st.sampled_from(["", "'", "''"]), st.sampled_from("=+-@\t\r\n＝＋－＠"), st.text(max_size=5))
def test_no_cell_begins_as_a_formula(quotes, sign, rest):
    cell = guard(quotes + sign + rest)
    assert cell.startswith("'")
    assert unguard(cell) == quotes + sign + rest


@pytest.mark.parametrize("text", ["plain", "'quoted'", "a=b", " =1", "3ndi", "#OpeUnlike"])
def test_what_is_no_formula_stays_as_it_is(text):
    assert guard(text) == text == unguard(text)


@given(st.lists(st.text(min_size=1, max_size=5)))
def test_the_items_of_a_list_come_back_from_a_cell(items):
    assert split_list(join_list(items)) == items
    assert join_list(items).split("|") == [join_list([item]) for item in items] or not items


def test_the_csv_has_a_flat_column_for_each_count_and_entity_and_no_json(tmp_path):
    rich = post(1, towards={"inwi": "negative"}, hashtags=("a", "b"), counts={"likes": 3})
    export([Hit(rich, "")], tmp_path, ["csv"], FACTS, options=Options(entities=ENTITIES))
    (row,) = read_csv(tmp_path)
    assert (row["hashtags"], row["likes"], row["views"]) == ("a|b", "3", "")
    assert (row["attitude:inwi"], row["attitude:voip"]) == ("negative", "")
    assert not {"counts", "targets"} & row.keys()
    assert not any(cell.startswith(("[", "{")) for cell in row.values())


def test_an_attitude_without_a_column_of_its_own_is_not_lost_unsaid(tmp_path):
    late = Hit(post(1, towards={"voip": "negative"}), "")
    with pytest.raises(OutputError, match="an attitude to voip came while the export ran"):
        export([late], tmp_path, ["csv"], FACTS, options=Options(entities=("inwi",)))
    assert not list(tmp_path.iterdir())


def test_numbers_are_not_guarded(tmp_path):
    old = msgspec.structs.replace(post(0), version=-5)
    export([Hit(old, "")], tmp_path, ["csv"], FACTS)
    assert read_csv(tmp_path)[0]["version"] == "-5"


def test_a_byte_order_mark_tells_excel_the_encoding(tmp_path):
    export(hits(), tmp_path, ["csv"], FACTS)
    for name in ("posts.csv", "targets.csv"):
        assert (tmp_path / name).read_bytes().startswith(b"\xef\xbb\xbf")


# What stands beside


def manifest(folder):
    return json.loads((folder / "manifest.json").read_bytes())


def test_the_manifest_says_what_how_when_and_the_checksums(tmp_path):
    undated = Hit(post(70, at=None, towards={"inwi": "negative"}), "")
    options = Options(entities=("inwi",))
    account = export([*hits(), undated], tmp_path, ALL, FACTS, options=options)
    found = manifest(tmp_path)
    assert found["posts"] == account.posts == len(NASTY) + 1
    assert found["without_day"] == 1
    assert (found["first_day"], found["last_day"]) == ("2016-02-27", "2016-02-27")
    assert found["query"] == "inwi"
    assert found["filters"] == {"lang": ["fr"]}
    assert found["models"] == {"test-1": account.posts}
    assert found["watchlists"] == {"none": account.posts}
    assert found["store"]["ledger"] == msgspec.to_builtins(Ledger())
    assert set(found["columns"]) == {*read_csv(tmp_path)[0], *(one.name for one in COLUMNS)}
    assert set(found["files"]) == {
        "posts.ndjson", "posts.csv", "targets.csv", "posts.parquet", "posts.xlsx",
    }  # fmt: skip
    for name, file in found["files"].items():
        content = (tmp_path / name).read_bytes()
        assert file["sha256"] == hashlib.sha256(content).hexdigest()
        assert file["bytes"] == len(content)
    assert found["files"]["targets.csv"]["rows"] == 1


def test_the_readme_says_how_to_cite_and_to_reproduce(tmp_path):
    export(hits(), tmp_path, ALL, FACTS)
    text = (tmp_path / "README.txt").read_text()
    digest = manifest(tmp_path)["files"]["posts.ndjson"]["sha256"]
    for words in ("marsad export inwi --to DIR", "Cite", digest[:16], "pseudonyms", "test-1"):
        assert words in text
    for column in COLUMNS:
        assert column.name in text


def test_raw_names_of_authors_are_told(tmp_path):
    plain = msgspec.structs.replace(post(0), author="somebody")
    facts = msgspec.structs.replace(FACTS, reason="interviews, with consent")
    options = Options(level="full")
    account = export([Hit(plain, "")], tmp_path, ALL, facts, options=options)
    assert account.plain_authors == 1
    told = manifest(tmp_path)
    assert (told["level"], told["reason"]) == ("full", "interviews, with consent")
    readme = (tmp_path / "README.txt").read_text().replace("\n", " ")
    assert "for this reason: interviews, with consent." in readme
    assert (
        "1 post carries the raw account name of its author, for this reason: interviews, with "
        "consent" in (tmp_path / "DATASHEET.md").read_text()
    )
    assert "targets.csv" in told["files"]
    assert "1 post carries the raw account names" in told["privacy"]
    assert told["columns"]["author"].startswith("name of the account")
    assert "without its author's name" not in (tmp_path / "README.txt").read_text()
    assert "pseudonyms" not in manifest(tmp_path)["privacy"]


@pytest.mark.parametrize("level", ["pseudonymous", "unlinked"])
def test_raw_names_of_authors_are_in_no_export_below_the_level_full(tmp_path, level):
    plain = msgspec.structs.replace(post(0), author="somebody")
    with pytest.raises(OutputError, match="1 of these posts carry the raw account names"):
        export([Hit(plain, "")], tmp_path / "x", ALL, FACTS, options=Options(level=level))
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("invented", "words"),
    [(2, "2 fictional posts"), (1, "2 posts, 1 of them fictional"), (0, "")],
)
def test_what_is_invented_can_not_be_taken_for_evidence(tmp_path, invented, words):
    found = [
        Hit(
            msgspec.structs.replace(hit.post, flags=("fictional",) if n < invented else ()), hit.day
        )
        for n, hit in enumerate(hits("ab"))
    ]
    export(found, tmp_path, ALL, FACTS)
    text = (tmp_path / "README.txt").read_text()
    assert text.count(words) == 2 if words else "ictional post" not in text
    assert ("FICTIONAL." in text) == ("no evidence" in manifest(tmp_path)["fiction"]) == bool(words)
    assert manifest(tmp_path)["fictional"] == invented
    assert ["fictional" in row["flags"] for row in read_csv(tmp_path)].count(True) == invented


# The folder


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_same_posts_give_the_same_bytes(tmp_path):
    for name in "ab":
        export(hits(), tmp_path / name, ALL, FACTS)
    for file in names(tmp_path / "a"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_xlsx__holds_the_time_of_the_export_not_that_of_saving(tmp_path):
    options = Options(created_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    export(hits(), tmp_path, ["xlsx"], FACTS, options=options)
    core = ZipFile(tmp_path / "posts.xlsx").read("docProps/core.xml").decode()
    assert core.count("2026-01-02T03:04:05Z") == 2


def test_an_older_export_is_replaced_as_a_whole_and_other_files_stay(tmp_path):
    export(hits(), tmp_path, ALL, FACTS)
    (tmp_path / "notes.txt").write_text("mine")
    export(hits(["one"]), tmp_path, ["csv"], FACTS)
    assert names(tmp_path) == sorted([*ABOUT, "notes.txt", "posts.csv", "targets.csv"])
    assert len(read_csv(tmp_path)) == 1


@pytest.mark.parametrize("name", ["posts.csv", "README.txt", "manifest.json"])
def test_a_file_in_the_way_that_is_not_ours_stops_the_export(tmp_path, name):
    (tmp_path / name).write_text("{}")
    with pytest.raises(OutputError, match=f"holds {name}, which no export of Marsad left there"):
        export(hits(), tmp_path, ALL, FACTS)
    assert names(tmp_path) == [name]


def test_a_manifest_can_not_have_other_files_removed(tmp_path):
    export(hits(), tmp_path, ALL, FACTS)
    mine = tmp_path.parent / f"{tmp_path.name}-mine.txt"
    mine.write_text("mine")
    found = manifest(tmp_path)
    found["files"][f"../{mine.name}"] = {}
    (tmp_path / "manifest.json").write_text(json.dumps(found))
    export(hits(), tmp_path, ALL, FACTS)
    assert mine.exists()


def test_a_failure_on_the_way_leaves_the_older_export_as_it_was(tmp_path):
    export(hits(), tmp_path, ALL, FACTS)
    before = {name: (tmp_path / name).read_bytes() for name in names(tmp_path)}

    def failing():
        yield from hits(["one"])
        raise OutputError("the disk is full")

    with pytest.raises(OutputError, match="full"):
        export(failing(), tmp_path, ALL, FACTS)
    assert {name: (tmp_path / name).read_bytes() for name in names(tmp_path)} == before


def test_a_first_export_that_fails_leaves_nothing(tmp_path):
    def failing():
        yield from hits(["one"])
        raise OutputError("the disk is full")

    with pytest.raises(OutputError):
        export(failing(), tmp_path / "new", ALL, FACTS)
    assert names(tmp_path) == []


def test_without_a_post_nothing_is_written_or_removed(tmp_path):
    assert export([], tmp_path / "new", ALL, FACTS) == Account()
    assert names(tmp_path) == []
    export(hits(), tmp_path, ALL, FACTS)
    before = names(tmp_path)
    export([], tmp_path, ALL, FACTS)
    assert names(tmp_path) == before


def test_a_second_export_to_the_same_folder_is_refused_while_one_runs(tmp_path):
    def meanwhile():
        yield from hits(["one"])
        with pytest.raises(OutputError, match="another export writes to"):
            export(hits(), tmp_path, ALL, FACTS)

    assert export(meanwhile(), tmp_path, ALL, FACTS).posts == 1
    assert len(read_csv(tmp_path)) == 1


def test_a_killed_export_is_cleared_away_by_the_next(tmp_path):
    script = (
        "import os, signal\n"
        "from pathlib import Path\n"
        "from pipelines.export import export\n"
        "from tests.pipelines.test_export import ALL, FACTS, hits\n"
        "def dying():\n"
        "    yield from hits()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        f"export(dying(), Path({str(tmp_path)!r}), ALL, FACTS)\n"
    )
    root = Path(__file__).parents[2]
    environ = {**os.environ, "PYTHONPATH": str(root)}
    assert subprocess.run([sys.executable, "-c", script], env=environ, cwd=root).returncode == -9
    assert names(tmp_path) == [".marsad-export"]
    export(hits(), tmp_path, ["ndjson"], FACTS)
    assert names(tmp_path) == sorted([*ABOUT, "posts.ndjson"])


def test_a_folder_that_can_not_be_made_is_explained(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="choose another folder"):
        export(hits(), tmp_path / "file" / "folder", ALL, FACTS)


def test_memory_stays_flat(tmp_path):
    def many(posts):
        return (Hit(post(n, "x" * 40_000), "2016-02-27") for n in range(posts))

    peaks = []
    for posts in (250, 800):
        tracemalloc.start()
        export(many(posts), tmp_path, ALL, FACTS)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.3 * peaks[0]


# The command, on a real store


@pytest.fixture
def store(tmp_path):
    posts = [post(3), post(1, "la connexion inwi", language="fr"), post(2, at=None)]
    return fill(tmp_path / "t.db", posts, unscored=[post(9)])


def run(store, *arguments):
    return CliRunner().invoke(command, ["--store", str(store), *map(str, arguments)])


def test_all_formats_are_written_ordered_by_id_and_stdout_stays_empty(store, tmp_path):
    result = run(store, "--to", tmp_path / "out")
    assert (result.exit_code, result.stdout) == (0, "")
    assert [line["id"][-1] for line in read_ndjson(tmp_path / "out")] == ["1", "2", "3"]
    assert "1 post waits to be scored and is not exported." in result.stderr
    assert manifest(tmp_path / "out")["pending"] == 1
    assert manifest(tmp_path / "out")["timezone"] == "Africa/Casablanca"


def test_filters_hold_and_stand_in_the_manifest_with_the_command(store, tmp_path):
    out = tmp_path / "out"
    assert run(store, "inwi", "--lang", "fr", "--to", out, "--format", "csv").exit_code == 0
    assert [row["text"] for row in read_csv(out)] == ["la connexion inwi"]
    assert manifest(out)["filters"] == {"lang": ["fr"]}
    command = "marsad export --store t.db --lang fr --to out --format csv -- inwi"
    assert manifest(out)["command"] == command
    assert "query: inwi, lang: fr" in (out / "README.txt").read_text().replace("\n", " ")
    assert str(tmp_path) not in "".join(path.read_text("utf-8") for path in out.iterdir())


def test_nothing_found_is_exit_code_3_and_writes_nothing(store, tmp_path):
    result = run(store, "nosuchword", "--to", tmp_path / "out")
    assert result.exit_code == 3
    assert not (tmp_path / "out").exists()


def test_a_format_that_does_not_exist_is_wrong_usage(store, tmp_path):
    result = run(store, "--to", tmp_path / "out", "--format", "csv,ods")
    assert result.exit_code == 2
    assert "choose from ndjson,csv,parquet,xlsx" in result.stderr


def test_a_deleted_post_is_not_in_the_next_export(store, tmp_path):
    from ingest.records import Tombstone
    from pipelines.records import CollectedTombstone

    out = tmp_path / "out"
    run(store, "--to", out)
    gone = read_ndjson(out)[0]["id"]
    with SqliteStore(store) as opened:
        opened.delete([CollectedTombstone(Tombstone(platform="twitter", id=gone))])
    run(store, "--to", out)
    assert gone not in [line["id"] for line in read_ndjson(out)]
    assert gone.encode() not in b"".join(path.read_bytes() for path in out.iterdir())


def test_a_post_without_sentiment_is_exported_too(tmp_path):
    unscored = msgspec.structs.replace(post(1), sentiment=None)
    scored = msgspec.structs.replace(post(2), sentiment=Sentiment("neutral", 0.1, 0.8, 0.1))
    export([Hit(unscored, ""), Hit(scored, "")], tmp_path, ALL, FACTS)
    assert [row["sentiment"] for row in read_csv(tmp_path)] == ["", "neutral"]


def test_the_ndjson_can_be_read_again_as_an_archive(tmp_path):
    from ingest.sources.archive.source import ArchiveSource

    rich = post(70, towards={"inwi": "negative"}, hashtags=("a",), counts={"likes": 3})
    made_up = msgspec.structs.replace(post(3), flags=("fictional",))
    sent = [made_up, post(1, "la connexion inwi"), post(2, "ما كاين والو"), rich, post(71, at=None)]
    export([Hit(one, "") for one in sent], tmp_path, ["ndjson"], FACTS)
    read = [item.record for item in ArchiveSource(tmp_path / "posts.ndjson").open("")]
    assert [one.flags for one in read][:2] == [("fictional",), ()]
    for field in ("id", "platform", "text", "created_at", "author", "hashtags", "counts"):
        assert [getattr(one, field) for one in read] == [getattr(one, field) for one in sent], field


def test_every_column_is_documented():
    text = (Path(__file__).parents[2] / "docs/export.md").read_text()
    for name in [column.name for column in COLUMNS] + list(TARGET_COLUMNS):
        assert f"`{name}`" in text


# Sheets, levels and what makes an export citable


def test_xlsx__holds_text_as_text_dates_as_dates_and_attitudes_in_columns(tmp_path):
    from openpyxl import load_workbook

    late = post(
        1,
        "=SUM(1)",
        at=datetime(2016, 2, 27, 23, 30, tzinfo=UTC),
        towards={"inwi": "negative"},
        counts={"likes": 7},
    )
    zone = ZoneInfo("Europe/Paris")
    options = Options(zone=zone, entities=("inwi",), about=(("query", "inwi"),))
    arabic = post(2, "حيد لايك", language="ary")
    export([Hit(late, "2016-02-28"), Hit(arabic, "2016-02-27")], tmp_path, ["xlsx"], FACTS,
           options=options)  # fmt: skip
    book = load_workbook(tmp_path / "posts.xlsx")
    assert book.sheetnames == ["posts", "columns", "query"]
    sheet = book["posts"]
    heads = [cell.value for cell in sheet[1]]
    row = dict(zip(heads, sheet[2], strict=True))
    assert row["id"].value == "twitter:690000000000000001"
    assert (row["text"].value, row["text"].data_type) == ("=SUM(1)", "s")
    assert row["day"].value == datetime(2016, 2, 28)
    assert row["created_at"].value == datetime(2016, 2, 28, 0, 30)  # in the zone's time
    assert (row["likes"].value, row["views"].value) == (7, None)
    assert row["attitude:inwi"].value == "negative"
    assert sheet.freeze_panes == "A2"
    text = sheet.cell(3, heads.index("text") + 1)
    assert (text.alignment.readingOrder, text.alignment.wrap_text) == (2, True)
    assert book["query"]["B1"].value == "inwi"


def test_xlsx__shows_whole_texts_and_whole_headers(tmp_path):
    from openpyxl import load_workbook

    texts = ["court", "une phrase. " * 20, "un\ndeux\ntrois", "\ufffe\uffff\x01"]
    export(hits(texts), tmp_path, ["xlsx"], FACTS)
    sheet = load_workbook(tmp_path / "posts.xlsx")["posts"]
    heights = [sheet.row_dimensions[row].height for row in range(2, 6)]
    assert heights == [None, 4 * 15, 3 * 15, None]  # LibreOffice shows one line without
    for cell in sheet[1]:
        assert sheet.column_dimensions[cell.column_letter].width > len(cell.value)
    assert {cell.alignment.vertical for cell in sheet[2] if cell.value} == {"top"}
    assert sheet.cell(5, 7).value == "���"  # signs that XML can't hold


@pytest.mark.parametrize("options", [(), ("--level", "ids", "--rare", "suppress")])
def test_xlsx__of_more_posts_than_a_sheet_holds_is_refused_before_it_is_written(
    store, tmp_path, monkeypatch, options
):
    monkeypatch.setattr(
        "pipelines.export.options.ROWS", 3
    )  # of its heads and two posts; there are three
    monkeypatch.setattr(folder, "_write", None)
    done = run(store, "--to", tmp_path / "out", "--format", "csv,xlsx", *options)
    assert isinstance(done.exception, OutputError)
    assert "export as Parquet or CSV" in str(done.exception)
    assert not (tmp_path / "out").exists()


def test_csv__for_a_french_excel_has_semicolons_and_decimal_commas(tmp_path):
    export(hits(["a;b"]), tmp_path, ["csv"], FACTS, options=Options(csv_for="fr"))
    with (tmp_path / "posts.csv").open(encoding="utf-8-sig", newline="") as stream:
        (row,) = csv.DictReader(stream, delimiter=";")
    assert (row["text"], row["sentiment_negative"]) == ("a;b", "0,8")


def test_parquet__has_days_as_dates_and_null_for_what_is_missing(tmp_path):
    export([Hit(post(1, at=None), "")], tmp_path, ["parquet"], FACTS)
    table = pq.read_table(tmp_path / "posts.parquet")
    assert str(table.schema.field("day").type) == "date32[day]"
    (row,) = table.to_pylist()
    assert (row["day"], row["url"], row["likes"]) == (None, None, None)


def test_level_ids__holds_ids_alone(tmp_path):
    options = Options(level="ids")
    export(hits(["secret text"]), tmp_path, ["csv", "ndjson"], FACTS, options=options)
    assert read_csv(tmp_path) == [{"id": "twitter:690000000000000000", "platform": "twitter"}]
    whole = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"secret text" not in whole
    assert b"u_aaaa" not in whole


def test_level_unlinked__holds_nothing_that_leads_back_to_a_post(tmp_path):
    one = post(7, "secret text", url="https://example.org/x", counts={"likes": 12345})
    export([Hit(one, "2016-02-27")], tmp_path, ALL, FACTS, options=Options(level="unlinked"))
    for path in tmp_path.iterdir():
        content = path.read_bytes()
        for finder in (b"secret", b"example.org", b"690000000000000007", b"12345", b"12:00"):
            assert finder not in content, (path, finder)
    (row,) = pq.read_table(tmp_path / "posts.parquet").to_pylist()
    assert (str(row["day"]), row["sentiment"]) == ("2016-02-27", "negative")


def test_pseudonyms__of_their_own_join_no_two_exports(tmp_path):
    found = []
    for name in "ab":
        export(hits(["x", "y"]), tmp_path / name, ["csv"], FACTS, rename=own_names())
        found.append({row["author"] for row in read_csv(tmp_path / name)})
    assert [len(authors) for authors in found] == [2, 2]
    assert not found[0] & found[1]
    assert all(author.startswith("u_") for author in found[0] | found[1])


def test_files__are_for_their_owner_alone(tmp_path):
    export(hits(["x"]), tmp_path, ALL, FACTS)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_citable__files_name_every_file_with_its_hash(tmp_path):
    export(hits(["x"]), tmp_path, ALL, FACTS)
    files = manifest(tmp_path)["files"]
    package = json.loads((tmp_path / "datapackage.json").read_bytes())
    assert {one["path"]: one["hash"] for one in package["resources"]} == {
        name: f"sha256:{file['sha256']}" for name, file in files.items()
    }
    crate = json.loads((tmp_path / "ro-crate-metadata.json").read_bytes())
    by_id = {one["@id"]: one for one in crate["@graph"]}
    assert {part["@id"] for part in by_id["./"]["hasPart"]} >= set(files)
    assert by_id["posts.csv"]["sha256"] == files["posts.csv"]["sha256"]
    assert (tmp_path / "CITATION.cff").read_text().startswith("cff-version: 1.2.0\n")


def test_citable__the_data_package_is_valid(tmp_path):
    frictionless = pytest.importorskip("frictionless")
    export(hits(["x", "y"]), tmp_path, ["csv", "ndjson"], FACTS)
    descriptor = json.loads((tmp_path / "datapackage.json").read_bytes())
    assert list(frictionless.Package.metadata_validate(descriptor)) == []


@pytest.mark.parametrize("reader", ["pandas", "polars", "duckdb"])
def test_parquet__opens_in_the_programs_of_researchers(tmp_path, reader):
    library = pytest.importorskip(reader)
    export(hits(["x", "حيد لايك"]), tmp_path, ["parquet"], FACTS)
    path = str(tmp_path / "posts.parquet")
    if reader == "duckdb":
        rows = library.sql(f"SELECT text, day FROM '{path}' ORDER BY id").fetchall()
        assert [text for text, _ in rows] == ["x", "حيد لايك"]
    else:
        table = library.read_parquet(path)
        assert list(table["text"]) == ["x", "حيد لايك"]


def test_verify__tells_which_file_was_changed(store, tmp_path):
    out = tmp_path / "out"
    run(store, "--to", out)
    assert run(store, "verify", out).exit_code == 0
    with (out / "posts.csv").open("a") as stream:
        stream.write("more")
    result = run(store, "verify", out)
    assert result.exit_code == 1
    assert "posts.csv: was changed" in result.stdout
    assert "posts.ndjson: whole" in result.stdout
    assert "is no export of Marsad" in str(run(store, "verify", tmp_path).exception)


@pytest.mark.parametrize("at_once", [1, 2, 10_000])
def test_purge_list__names_the_rows_of_deleted_posts_without_their_text(
    store, tmp_path, monkeypatch, at_once
):
    from ingest.records import Tombstone
    from pipelines.export import check
    from pipelines.records import CollectedTombstone

    monkeypatch.setattr(check, "_CHUNK", at_once)
    out = tmp_path / "out"
    run(store, "--to", out)
    assert run(store, "purge-list", out).exit_code == 0
    second = read_ndjson(out)[1]
    with SqliteStore(store) as opened:
        tombstone = Tombstone(platform="twitter", id=second["id"], deleted_at=datetime.now(UTC))
        opened.delete([CollectedTombstone(tombstone)])
    result = run(store, "purge-list", out)
    assert result.exit_code == 1
    assert result.stdout == f"2\t{second['id']}\tdeleted\n"
    assert result.stderr == f"1 row of {out} must go.\n"


def test_sample__is_the_same_with_the_same_seed(store, tmp_path):
    for name in "ab":
        run(store, "--to", tmp_path / name, "--sample", 2, "--seed", 5)
    one, two = read_ndjson(tmp_path / "a"), read_ndjson(tmp_path / "b")
    assert len(one) == 2
    assert one == two


@pytest.mark.parametrize("options", [(), ("--level", "unlinked"), ("--sample", 2)])
def test_an_export__holds_no_post_that_was_deleted_while_it_ran(
    store, tmp_path, monkeypatch, options
):
    """It reads one state of the store, and looks again before its files are put in place."""
    write, named = folder._write, [post(1).id, post(2).id]

    def deleting(*given):
        if named:
            with SqliteStore(store) as opened:
                opened.delete([tombstone(named.pop())])
        return write(*given)

    monkeypatch.setattr(folder, "_write", deleting)
    done = run(store, "--to", tmp_path / "out", "--format", "ndjson", *options)
    assert done.stderr.count("deleted while the export ran") == 2
    assert "1 post written" in done.stderr
    assert len((tmp_path / "out" / "posts.ndjson").read_text().splitlines()) == 1
    assert not (tmp_path / "out" / ".marsad-export").exists()


def test_an_export__begins_anew_where_a_post_with_a_new_entity_came_while_it_ran(
    tmp_path, monkeypatch
):
    """The columns of its tables are those of the posts that it counted before."""
    store = fill(tmp_path / "t.db", [post(1, towards={"inwi": "negative"})])
    found, counted = folder.count_rare, []

    def earlier(hits, place):
        counted.append(found(hits, place))
        return counted[0] if len(counted) > 1 else found([], place)

    monkeypatch.setattr(folder, "count_rare", earlier)
    done = run(store, "--to", tmp_path / "out", "--format", "csv")
    assert done.exit_code == 0, done.output
    assert "came while the export ran" in done.stderr
    assert "The export begins anew." in done.stderr
    assert "export again" not in done.stderr
    assert len(counted) == 2


@pytest.mark.parametrize("size", [3, 50])
def test_sample__of_all_posts_that_match_is_told_as_all_of_them(store, tmp_path, size):
    done = run(store, "--to", tmp_path / "out", "--sample", size, "--format", "ndjson")
    assert "3 posts match: all are in the export, and none stands for others." in done.stderr
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["sample"] == ""


def test_sample__of_no_post_says_only_that_none_matches(store, tmp_path):
    done = run(store, "nosuchword", "--to", tmp_path / "out", "--sample", 2)
    assert "match:" not in done.stderr


def test_an_export__is_not_written_while_deletions_never_end(store, tmp_path, monkeypatch):
    monkeypatch.setattr(meanwhile, "absent_from", lambda store: len)
    done = run(store, "--to", tmp_path / "out", "--format", "ndjson")
    assert isinstance(done.exception, DeletedMeanwhile)
    assert str(done.exception).endswith("export again when the store changes less")
    assert "export again" not in done.stderr
    assert not (tmp_path / "out").exists()
