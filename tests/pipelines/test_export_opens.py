"""Exports open where they go: validators, LibreOffice, pandas, polars, DuckDB and R.

What is not installed is skipped with its name; the development extra brings the Python ones.
"""

import csv
import datetime as dt
import json
import shutil
import subprocess

import pytest
import yaml

from pipelines.export import Options, export
from pipelines.records import Hit
from tests.pipelines.export_facts import FACTS
from tests.pipelines.stored_posts import post

DAY = "2016-02-27"
TEXT = '=ma bghatch; "تخدم", l\'été\nça va\t0612'
FORMATS = ("ndjson", "csv", "parquet", "xlsx")


@pytest.fixture(scope="module", params=["en", "fr"])
def folder(request, tmp_path_factory):
    made = tmp_path_factory.mktemp(f"export-{request.param}")
    hits = [
        Hit(
            post(
                n,
                TEXT,
                towards={"inwi": "negative"},
                counts={"likes": 1234 + n},
                url="x",
                hashtags=("unlike", "حيد_لايك"),
            ),
            DAY,
        )
        for n in range(12)
    ]
    hits.append(Hit(post(99, "sans date", at=None), ""))
    options = Options(csv_for=request.param, entities=("inwi",))
    export(hits, made / "x", FORMATS, FACTS, options=options)
    return made / "x"


@pytest.fixture
def english(folder):
    if "export-en" not in str(folder):
        pytest.skip("the French CSV is for spreadsheets")
    return folder


# Validators


def test_datapackage__is_valid_with_all_its_files_by_frictionless(folder):
    frictionless = pytest.importorskip("frictionless")
    with frictionless.system.use_context(trusted=True):
        report = frictionless.Package(str(folder / "datapackage.json")).validate()
    assert report.valid, report.flatten(["type", "message"])
    assert [task.type for task in report.tasks] == ["file", "table", "table", "file", "file"]


def test_datapackage__with_a_changed_file_is_not_valid(folder, tmp_path):
    frictionless = pytest.importorskip("frictionless")
    copy = shutil.copytree(folder, tmp_path / "copy")
    with (copy / "posts.csv").open("a", encoding="utf-8") as stream:
        stream.write("one cell\n")
    assert not frictionless.Package(str(copy / "datapackage.json")).validate().valid


def test_crate__is_read_by_ro_crate_py_with_every_file_there(folder):
    rocrate = pytest.importorskip("rocrate.rocrate")
    crate = rocrate.ROCrate(str(folder))
    named = {entity.id for entity in crate.get_entities() if entity.type == "File"}
    assert named == {path.name for path in folder.iterdir()} - {"ro-crate-metadata.json"}
    assert crate.name.startswith("Study subset of social media posts: 13 posts")


def test_crate__has_what_ro_crate_1_1_requires_and_recommends(folder):
    # The validator, roc-validator, needs rich before version 14. By hand, in an environment of its
    # own, it finds all that is required; recommended, an address of the publisher is missing.
    graph = json.loads((folder / "ro-crate-metadata.json").read_text("utf-8"))["@graph"]
    by_id = {entity["@id"]: entity for entity in graph}
    root = by_id["./"]
    assert {"name", "description", "datePublished"} <= set(root)
    for role in ("license", "author", "publisher"):
        assert by_id[root[role]["@id"]]["name"]
    files = [by_id[part["@id"]] for part in root["hasPart"]]
    assert all(entity["encodingFormat"].count("/") == 1 for entity in files)


def test_citation__is_yaml_with_what_the_format_requires(folder):
    # The validator, cffconvert, had its last release in 2021 and needs libraries of that time.
    # By hand, in an environment of its own, it finds files valid by version 1.2.0.
    found = yaml.load((folder / "CITATION.cff").read_text("utf-8"), Loader=yaml.BaseLoader)
    assert {"cff-version", "message", "title", "authors"} <= set(found)
    assert (found["cff-version"], found["type"]) == ("1.2.0", "dataset")
    assert all("name" in author for author in found["authors"])
    assert dt.date.fromisoformat(found["date-released"])


# Programs


def test_pandas__reads_ids_texts_days_and_counts(english):
    pandas = pytest.importorskip("pandas")
    parquet = pandas.read_parquet(english / "posts.parquet")
    assert list(parquet["likes"][:2]) == [1234, 1235]
    assert parquet["day"][0] == dt.date(2016, 2, 27)
    assert parquet["text"][0] == TEXT
    sheet = pandas.read_excel(english / "posts.xlsx", dtype={"id": str})
    assert sheet["id"][0] == "twitter:690000000000000000"
    assert sheet["day"][0] == pandas.Timestamp("2016-02-27")
    assert sheet["attitude:inwi"][0] == "negative"
    table = pandas.read_csv(english / "posts.csv")
    assert len(table) == 13
    assert table["likes"].sum() == sum(range(1234, 1246))
    assert list(table["attitude:inwi"][:1]) == ["negative"]
    assert table["hashtags"].str.split("|")[0] == ["unlike", "حيد_لايك"]


def test_polars__reads_days_as_days(english):
    polars = pytest.importorskip("polars")
    parquet = polars.read_parquet(english / "posts.parquet")
    assert parquet.schema["day"] == polars.Date
    assert parquet["likes"].sum() == sum(range(1234, 1246))
    assert parquet["day"].null_count() == 1
    assert polars.read_csv(english / "posts.csv", infer_schema_length=None).height == 13


def test_duckdb__counts_by_day(english):
    duckdb = pytest.importorskip("duckdb")
    query = f"SELECT day, count(*), sum(likes) FROM '{english / 'posts.parquet'}' GROUP BY 1"
    assert set(duckdb.sql(query).fetchall()) == {
        (dt.date(2016, 2, 27), 12, sum(range(1234, 1246))),
        (None, 1, None),
    }


def test_r__reads_the_csv(english):
    if not shutil.which("Rscript"):
        pytest.skip("R is not installed (Debian: r-base-core)")
    script = (
        f"d <- read.csv({json.dumps(str(english / 'posts.csv'))}, fileEncoding='UTF-8-BOM');"
        "cat(nrow(d), sum(d$likes, na.rm=TRUE), class(as.Date(d$day)), d$id[1])"
    )
    done = subprocess.run(["Rscript", "-e", script], capture_output=True, text=True, timeout=120)
    assert done.stdout == f"13 {sum(range(1234, 1246))} Date twitter:690000000000000000"


@pytest.mark.parametrize("name", ["posts.csv", "posts.xlsx"])
def test_libreoffice__shows_columns_dates_and_numbers(folder, tmp_path, name):
    office = shutil.which("soffice")
    if not office:
        pytest.skip("LibreOffice is not installed (Debian: libreoffice-calc-nogui)")
    french = "export-fr" in str(folder)
    # what the program's import dialogue proposes: the delimiter, quotes, UTF-8, and its language
    code, mark = ("1036", "59") if french else ("1033", "44")
    options = ["--infilter=CSV:" + f"{mark},34,76,1,,{code},false,true"] if "csv" in name else []
    done = subprocess.run(
        [office, f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", *options,
         "--convert-to", "csv:Text - txt - csv (StarCalc):9,34,76,1,,0,false,true,false",
         "--outdir", str(tmp_path), str(folder / name)],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert (tmp_path / "posts.csv").exists(), done.stderr
    with (tmp_path / "posts.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    assert len(rows) == 13
    first = rows[0]
    assert first["id"] == "twitter:690000000000000000"
    assert first["likes"] == "1234"
    assert first["text"].lstrip("'").split("\n")[0] == TEXT.split("\n", maxsplit=1)[0]
    assert first["sentiment_negative"].replace(",", ".").startswith("0.8")
    assert first["day"] in {"2016-02-27", "02/27/16", "02/27/2016", "27/02/2016", "27/02/16"}
