"""Watchlists: the shipped ones are valid, and a wrong one says what is wrong where."""

import csv
import io
from datetime import date
from pathlib import Path

import pytest

from ingest.errors import WatchlistError
from ingest.privacy.masking import handle_name, mask
from ingest.watchlist.loader import Watchlist, available, companion, load, parse
from ingest.watchlist.matcher import Matcher

SMALL = """
name = "ice-2030"
title = "A made-up case"
country = "FR"
timezone = "Europe/Paris"
languages = ["fr"]
readable_handles = ["@Journal"]

[[entities]]
id = "glacio"
kind = "operator"
name = "Glacio"
handles = ["@Glacio"]
[entities.aliases]
latin = ["glacio", "glace au lait"]

[[entities]]
id = "ministry"
kind = "government"
name = "the ministry"
[entities.aliases]
latin = ["ministère"]
arabic = ["وزارة"]
"""


def shipped(name: str) -> Watchlist:
    watchlist = load(name)
    assert watchlist is not None
    return watchlist


@pytest.mark.parametrize("name", available())
def test_every_shipped_watchlist_is_valid_and_bears_its_folders_name(name: str) -> None:
    assert shipped(name).name == name


def test_the_moroccan_case_watches_exactly_these_entities() -> None:
    watchlist = shipped("morocco-2016")
    names = (
        "maroc-telecom inwi meditel operators anrt government whatsapp skype viber messenger "
        "facetime voip vpn internet-service"
    )
    assert " ".join(entity.id for entity in watchlist.entities) == names
    assert (watchlist.country, watchlist.timezone) == ("MA", "Africa/Casablanca")
    assert {"@inwi", "@maroc_telecom", "@meditel"} <= watchlist.handles


def test_the_name_none_means_no_watchlist() -> None:
    assert load("none") is None
    assert companion("none", "events.csv") is None


def test_a_watchlist_is_read_from_a_file_or_a_folder(tmp_path: Path) -> None:
    file = tmp_path / "watchlist.toml"
    file.write_text(SMALL, encoding="utf-8")
    (tmp_path / "events.csv").write_text("date,label\n", encoding="utf-8")
    assert load(str(file)) == load(file) == load(tmp_path) == parse(SMALL)
    assert companion(tmp_path, "events.csv") == companion(file, "events.csv") == "date,label\n"
    assert companion(tmp_path, "counters.csv") is None


def test_handles_are_normalised_and_hold_the_readable_ones() -> None:
    assert parse(SMALL).handles == {"@glacio", "@journal"}


@pytest.mark.parametrize(
    "handle",
    [
        *("@Méditel", "@Me\u0301ditel", "@Wooow_net", "@maroc_telecom_", "@inwi.ma", "@inwi-ma"),
        *("@inwi.bsky.example", "@inwi@mastodon.example", "@إنوي_المغرب"),
    ],
)
def test_every_handle_that_a_platform_allows_stays_readable_and_is_found(handle: str) -> None:
    watchlist = parse(SMALL.replace("@Glacio", handle))
    text = f"merci {handle}! et @somebody.else"
    masked = mask(text, keep={handle_name(kept) for kept in watchlist.handles})
    assert masked == f"merci {handle}! et [user]"
    assert Matcher(watchlist).entities(masked) == ("glacio",)


def test_a_handle_of_several_words_leaves_no_shorter_one_readable() -> None:
    assert parse(SMALL.replace("@Glacio", "@ice.ma")).handles == {"@ice.ma", "@journal"}


def test_the_fingerprint_changes_with_the_content_and_not_with_comments() -> None:
    one = parse(SMALL).fingerprint
    assert one.startswith("ice-2030@")
    assert len(one) == len("ice-2030@") + 8
    assert parse("# a comment\n" + SMALL).fingerprint == one
    assert parse(SMALL.replace("glace au lait", "glace")).fingerprint != one


def test_the_fingerprint_does_not_change_with_names_in_other_languages() -> None:
    named = SMALL.replace(
        'title = "A made-up case"', 'title = "A made-up case"\ntitles = { fr = "Un cas inventé" }'
    ).replace('kind = "operator"', 'kind = "operator"\nnames = { ar = "غلاسيو" }')
    watchlist = parse(named)
    assert watchlist.titles == {"fr": "Un cas inventé"}
    assert watchlist.entities[0].names == {"ar": "غلاسيو"}
    assert watchlist.fingerprint == parse(SMALL).fingerprint


def problems(text: str) -> str:
    with pytest.raises(WatchlistError) as caught:
        parse(text, "my.toml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('title = "A made-up case"', "title = ", "my.toml is not valid TOML"),
        ('title = "A made-up case"\n', "", "the field 'title' is missing"),
        ("languages =", "lingos =", "unknown field 'lingos'. Allowed: name, title"),
        ('"Europe/Paris"', '"Europe/Pariss"', "timezone: 'Europe/Pariss' is unknown"),
        ('"FR"', '"France"', "country: 'France' must be an ISO 3166 code"),
        ('["fr"]', '["French"]', "languages: 'French' is no language code"),
        (
            'kind = "operator"',
            'kind = "operator"\nnames = { French = "Glacio" }',
            "'glacio', names: 'French' is no language code such as 'fr'",
        ),
        (
            'kind = "operator"',
            'kind = "operator"\nnames = { fr = " " }',
            "'glacio', names.fr: ' ' is empty",
        ),
        ("ice-2030", "none", "name: 'none' must not be"),
        (
            'handles = ["@Glacio"]',
            'handels = ["@Glacio"]',
            "'glacio': unknown field 'handels'",
        ),
        ('handles = ["@Glacio"]', 'handles = "@Glacio"', "'glacio', handles: it must be a list"),
        ('handles = ["@Glacio"]', "handles = [1]", "handles, number 1: it must be text"),
        ('handles = ["@Glacio"]', 'handles = ["Glacio"]', "handles: 'Glacio' must be one word"),
        ('handles = ["@Glacio"]', 'handles = ["@Gla cio"]', "handles: '@Gla cio' must be one word"),
        ('"@Journal"', '"@"', "readable_handles: '@' must be one word that begins with @"),
        (
            'kind = "operator"',
            'kind = "firm"',
            "kind: it must be one of 'operator', ",
        ),
        ('"glacio", "glace au lait"', '"glacio", " !"', "aliases.latin: ' !' is empty"),
        ('"glacio", "glace au lait"', '"glacio", "#glacio"', "use 'hashtags' or 'handles'"),
        ('["وزارة"]', '["wizara"]', "aliases: arabic: 'wizara' is not written in this script"),
        ("arabic = ", "greek = ", "aliases: 'greek' is no script. Allowed: latin, arabic"),
        ('["ministère"]', '["Ministere", "GLACIO"]', "'GLACIO' is also an alias of 'glacio'"),
        (
            'id = "ministry"',
            'id = "glacio"',
            "id: 'glacio' is the id of two entities",
        ),
        ('id = "ministry"', 'id = "The Ministry"', "must be small letters"),
        (
            '[entities.aliases]\nlatin = ["glacio"',
            'context = ["x"]\n[entities.aliases]\nlatin = ["glacio"',
            "context: it has no effect without 'ambiguous'",
        ),
        (
            '[entities.aliases]\nlatin = ["glacio"',
            'ambiguous = ["GLACIO"]\n[entities.aliases]\nlatin = ["glacio"',
            "ambiguous: 'GLACIO' stands under aliases too",
        ),
        (
            '[entities.aliases]\nlatin = ["glacio"',
            'sounds = ["glasse"]\n[entities.aliases]\nlatin = ["glacio"',
            "sounds: 'glasse' must stand under aliases too",
        ),
        (
            'handles = ["@Glacio"]\n[entities.aliases]\nlatin = ["glacio", "glace au lait"]',
            "",
            "it could never be found",
        ),
    ],
)
def test_a_wrong_watchlist_tells_file_place_and_remedy(old: str, new: str, told: str) -> None:
    assert old in SMALL
    message = problems(SMALL.replace(old, new))
    assert "my.toml" in message
    assert told in message


@pytest.mark.parametrize(
    ("extra", "told"),
    [
        (
            '[[campaigns]]\nentities = ["glacia"]\nhashtags = ["#x"]',
            "campaign number 1, entities: 'glacia' is no entity of this watchlist. Allowed:",
        ),
        (
            '[[campaigns]]\nentities = []\nhashtags = ["#x"]',
            "1, entities: name at least one",
        ),
        ('[[campaigns]]\nentities = ["glacio"]', "neither hashtags nor phrases"),
        (
            '[[pages]]\nentity = "x"\nplatform = "facebook"\nname = "X"',
            "page 'X', entity: 'x' is no",
        ),
        ('[[pages]]\nentity = "glacio"\nname = "X"', "page 'X': the field 'platform' is missing"),
    ],
)
def test_campaigns_and_pages_are_checked_too(extra: str, told: str) -> None:
    assert told in problems(f"{SMALL}\n{extra}\n")


def test_all_problems_are_told_at_once() -> None:
    wrong = (
        SMALL.replace('title = "A made-up case"\n', "")
        .replace('"FR"', '"F"')
        .replace("ice-2030", "Ice")
        .replace('kind = "operator"', 'kind = "firm"\ncolour = "red"')
        .replace('"glacio", "glace au lait"', '"glacio", "غلاسيو"')
        + '\n[[campaigns]]\nentities = ["nobody"]\nhashtags = "#x"\n'
    )
    message = problems(wrong)
    for told in (
        "at the top: the field 'title' is missing",
        "country: 'F'",
        "name: 'Ice'",
        "entity 'glacio', kind: ",
        "entity 'glacio': unknown field 'colour'",
        "entity 'glacio', aliases: latin: 'غلاسيو' is not written in this script",
        "campaign number 1, hashtags: it must be a list",
        "'nobody' is no entity",
    ):
        assert told in message
    assert len(message.splitlines()) == 10  # and nothing that follows from another problem


def test_an_alias_of_two_entities_is_told_whatever_else_is_wrong_with_them() -> None:
    wrong = SMALL.replace('kind = "government"', 'kind = "firm"').replace("ministère", "GLACIO")
    message = problems(wrong)
    assert "entity 'ministry', kind: " in message
    assert "entity 'ministry', aliases.latin: 'GLACIO' is also an alias of 'glacio'" in message


def test_what_refers_to_an_entity_waits_until_all_ids_can_be_read() -> None:
    wrong = SMALL.replace('id = "ministry"\n', "") + (
        '\n[[campaigns]]\nentities = ["ministry"]\nhashtags = ["#x"]\n'
    )
    assert len(problems(wrong).splitlines()) == 3  # with what can't be used, and where to read on


def test_the_fingerprint_is_the_one_that_stored_posts_carry() -> None:
    assert parse(SMALL).fingerprint == "ice-2030@3b3253de"
    latin, arabic = 'latin = ["ministère"]', 'arabic = ["وزارة"]'
    assert parse(SMALL.replace(f"{latin}\n{arabic}", f"{arabic}\n{latin}")) == parse(SMALL)


def test_an_unknown_name_tells_the_known_ones() -> None:
    with pytest.raises(WatchlistError, match="lebanon-2019, morocco-2016, none"):
        load("marocco")


def test_a_folder_without_a_watchlist_and_a_file_in_another_encoding_are_told(
    tmp_path: Path,
) -> None:
    with pytest.raises(WatchlistError, match="holds no watchlist"):
        load(tmp_path)
    (tmp_path / "watchlist.toml").write_bytes("title = 'é'".encode("latin-1"))
    with pytest.raises(WatchlistError, match="not UTF-8"):
        load(tmp_path)


def rows(file: str) -> list[dict[str, str]]:
    text = companion("morocco-2016", file)
    assert text is not None
    return list(csv.DictReader(io.StringIO(text)))


def test_events_are_dated_labelled_sourced_and_of_known_entities() -> None:
    ids = {entity.id for entity in shipped("morocco-2016").entities}
    found = rows("events.csv")
    assert found
    for row in found:
        assert date.fromisoformat(row["date"])
        assert row["entity"] in ids
        assert 0 < len(row["label"]) <= 40
        assert row["source_url"].startswith("http")


def test_counter_readings_that_disagree_stand_side_by_side_each_with_its_source() -> None:
    ids = {entity.id for entity in shipped("morocco-2016").entities}
    found = rows("counters.csv")
    for row in found:
        for day in row["date"].split("/"):
            assert date.fromisoformat(day[:10])
        assert row["entity"] in ids
        assert float(row["value"]) > 0
        assert row["approximate"] in {"yes", "no", "about", "more than", "nearly"}
        assert row["source_url"].startswith("http")
        # what a note says about the day is in the figures, too
        assert ("uncertain" in row["note"]) == ("/" in row["date"] and ":" not in row["date"])
        assert "more than" not in row["note"]
    same_day = {
        (row["value"], row["source_url"])
        for row in found
        if (row["entity"], row["metric"]) == ("maroc-telecom", "likes_lost")
        and ("137500" in row["value"] or row["date"] == "2016-02-27/2016-02-29")
    }
    assert len(same_day) == 2
