"""From settings and options to what is read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner

from ingest.errors import SourceBlocked, SourceError
from ingest.mapping.items import REASONS
from ingest.sources import registry
from ingest.sources.base import Capabilities
from ingest.sources.counters.registry import READERS, Reader
from ingest.sources.registry import ENTRIES, find, secrets
from pipelines.commands.ingest_live import configured_sources
from pipelines.commands.sources import command as sources
from pipelines.errors import SettingsError
from pipelines.live.choose import Wanted, address, duration, means, subscriptions
from pipelines.live.reader import Subscription
from pipelines.pages.choose import addresses
from pipelines.settings import load
from pipelines.stop import Stop
from tests.ingest import counter_fixtures as shape
from tests.platform_server import platform

ROOT = Path(__file__).parent.parent.parent
FEED = "https://news.example/feed.xml"
_PATHS = ("/", "/one/", "/two")
KEYS = {need.variable: "a key" for entry in ENTRIES for need in entry.needs}


def made(*wanted: Wanted, urls: Mapping[str, str] | None = None) -> list[Subscription]:
    given = means(Stop())
    try:
        return subscriptions(wanted, given, environ=KEYS, urls=urls or {})
    finally:
        given.client.close()


# The registry


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_an_entry_says_what_its_source_is(entry: registry.Entry) -> None:
    (subscription,) = made(Wanted(source=entry.name, targets=[entry.probe] if entry.probe else []))
    assert subscription.source.capabilities == entry.capabilities
    assert subscription.source.version >= 1
    assert subscription.source.name
    assert subscription.live is entry.capabilities.live


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_every_source_has_fixtures_and_its_place_in_the_documentation(
    entry: registry.Entry,
) -> None:
    text = (ROOT / "docs" / "sources.md").read_text(encoding="utf-8")
    assert f"`marsad ingest {entry.name}" in text
    assert f"{entry.schema:%Y-%m}" in text
    for need in entry.needs:
        assert need.variable in text
    folder = entry.name.partition("-")[0]
    assert (ROOT / "tests" / "ingest" / "fixtures" / folder / "README.md").exists()


def test_every_reason_of_live_sources_is_explained() -> None:
    text = (ROOT / "docs" / "dead-letters.md").read_text(encoding="utf-8")
    _, _, section = text.partition("## Reasons of live sources")
    section, _, _ = section.partition("\n## ")
    for reason in REASONS:
        assert f"| `{reason}` |" in section


def test_a_name_of_no_source_is_told_with_those_that_there_are() -> None:
    with pytest.raises(SourceError, match=r"no source 'myspace'.*bluesky"):
        find("myspace")
    with pytest.raises(SourceError, match="Did you mean telegram"):
        find("telegam")


def test_what_can_not_be_read_any_more_is_explained_wherever_it_is_named() -> None:
    with pytest.raises(SourceError, match=r"Pushshift.*marsad ingest archive"):
        find("reddit")
    with pytest.raises(SourceError, match="Pushshift"):
        made(Wanted(source="reddit"))


def test_a_key_that_is_missing_is_told_with_its_variable() -> None:
    with pytest.raises(SourceBlocked, match="MARSAD_YOUTUBE_KEY"):
        secrets(find("youtube"), {})
    assert secrets(find("mastodon"), {}) == {}
    assert secrets(find("mastodon"), {"MARSAD_MASTODON_TOKEN": "t", "HOME": "/"}) == {
        "MARSAD_MASTODON_TOKEN": "t"
    }


# Targets and addresses


def test_each_target_is_a_feed_of_its_own_and_counts_once() -> None:
    found = made(Wanted(source="mastodon", targets=["one", "two", "one"], url="https://a.example"))
    assert [subscription.source.name for subscription in found] == [
        "mastodon:a.example/#one",
        "mastodon:a.example/#two",
    ]


def test_two_addresses_on_one_host_have_names_of_their_own() -> None:
    found = made(
        *(Wanted(source="mastodon", targets=["x"], url=f"https://a.example{p}") for p in _PATHS)
    )
    assert [subscription.source.name for subscription in found] == [
        "mastodon:a.example/#x",
        "mastodon:a.example/one/#x",
        "mastodon:a.example/two/#x",
    ]
    assert len({subscription.source.key for subscription in found}) == 3


def test_one_thing_twice_is_told() -> None:
    with pytest.raises(SourceError, match="twice"):
        made(Wanted(source="bluesky"), Wanted(source="bluesky"))


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (Wanted(source="bluesky", targets=["x"]), "takes no targets"),
        (Wanted(source="telegram"), "CHANNEL"),
        (Wanted(source="mastodon", url="social.example"), "no address"),
        (Wanted(source="mastodon", url="ftp://social.example"), "no address"),
    ],
)
def test_what_can_not_be_read_is_told(wanted: Wanted, words: str) -> None:
    with pytest.raises(SourceError, match=words):
        made(wanted)


def test_the_address_is_the_named_one_else_the_configured_else_the_platforms() -> None:
    entry = find("mastodon")
    assert address(entry, "https://a.example/", {"mastodon": "https://b.example"}) == (
        "https://a.example"
    )
    assert address(entry, "", {"mastodon": "https://b.example"}) == "https://b.example"
    assert address(entry, "", {}) == entry.url


def test_an_address_for_counters_is_none_for_a_stream() -> None:
    entry = find("bluesky")
    assert address(entry, "", {"bluesky": "https://public.api.bsky.app"}) == entry.url
    assert address(entry, "", {"bluesky": "wss://mine.example/subscribe"}) == (
        "wss://mine.example/subscribe"
    )


def test_with_an_end_even_a_stream_ends() -> None:
    from datetime import UTC, datetime

    (subscription,) = made(Wanted(source="bluesky", until=datetime(2026, 11, 1, tzinfo=UTC)))
    assert not subscription.live


# marsad.toml


def settings(tmp_path: Path, text: str) -> Any:
    (tmp_path / "marsad.toml").write_text(text, encoding="utf-8")
    return load({}, tmp_path)


def test_sources_of_the_settings_are_read_with_what_they_say(tmp_path: Path) -> None:
    found = configured_sources(
        settings(
            tmp_path,
            '[[sources]]\nsource = "mastodon"\nname = "tags"\ntargets = ["a", "b"]\n'
            'url = "https://a.example"\nevery = "10m"\nsince = "2026-11-01"\n'
            'until = "2026-12-01"\nlimit = 100\n',
        )
    )
    assert [(one.source, one.label, one.targets) for one in found] == [
        ("mastodon", "tags", ("a", "b"))
    ]
    assert found[0].every == timedelta(minutes=10)
    assert found[0].since is not None
    assert found[0].until == datetime(2026, 12, 1, tzinfo=ZoneInfo("Africa/Casablanca"))
    assert found[0].limit == 100
    assert found[0].persistent


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", r"\[\[sources\]\]"),
        ('[[sources]]\nsource = "mastodon"\nevery = "soon"\n', "soon"),
        ('[[sources]]\nsource = "mastodon"\nsince = "then"\n', "then"),
        ('[[sources]]\nname = "x"\n', r"\[\[sources\]\] number 1: missing is `source`"),
        (
            '[[sources]]\nsource = "rss"\n[[sources]]\nsource = "bluesky"\nuser = "me"\n',
            r"number 2 \(bluesky\): there is no setting `user`; the fields of \[\[sources\]\] are",
        ),
        (
            '[[sources]]\nsource = "bluesky"\nlimit = "x"\n',
            r"number 1 \(bluesky\), limit: it must be a whole number$",
        ),
        ('[[sources]]\nsource = "bluesky"\nlimit = -1\n', "limit: it must be 0 or more"),
        ('[[sources]]\nsource = "bluesky"\nuntil = "then"\n', r"\(bluesky\): .*then"),
        (
            '[[sources]]\nsource = "bluesky"\n[[sources]]\nsource = "rss"\nevery = "10s"\n',
            r"marsad\.toml: \[\[sources\]\] number 2 \(rss\): rss is not to be read every 10 s",
        ),
        ('[[sources]]\nsource = "rss"\nevery = "10"\n', r"number 1 \(rss\): '10' has no unit"),
        ("metrics_port = true\n", "metrics_port: it must be a whole number$"),
        ("[kafka]\ntsl = true\n", r"\[kafka\]: there is no setting `tsl`; the fields of \[kafka"),
        ("wachlist = 'x'\n", "there is no setting `wachlist`; the settings are: store"),
    ],
)
def test_settings_that_can_not_be_are_told(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        configured_sources(settings(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("10m", 600), ("2h", 7_200), ("1d", 86_400), ("5 m", 300)]
)
def test_times_are_written_with_a_unit(text: str, seconds: int) -> None:
    assert duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "soon", "0s", "-1m", "400d", "1w"])
def test_other_times_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no time"):
        duration(text)


def test_a_time_without_a_unit_is_refused_with_what_to_write() -> None:
    with pytest.raises(ValueError, match=r"'10' has no unit: write 10s, 10m"):
        duration("10")


@pytest.mark.parametrize(
    ("source", "target"), [("telegram", "@nashra"), ("weibo", "1234567890"), ("rss", FEED)]
)
def test_pages_and_feeds_are_not_read_every_few_seconds(source: str, target: str) -> None:
    every = timedelta(seconds=59)
    with pytest.raises(SourceError, match="write 60s or more"):
        made(Wanted(source=source, targets=[target], every=every))
    assert made(Wanted(source=source, targets=[target], every=timedelta(seconds=60)))
    assert made(Wanted(source="mastodon", targets=["x"], every=every))


@pytest.mark.parametrize("columns", ["40", "100"])
def test_what_one_has_to_type_is_never_cut(columns: str) -> None:
    shown = CliRunner().invoke(sources, ["list"], env={"COLUMNS": columns})
    typed = [f"pages/{reader.platform}" for reader in READERS]
    for word in [*KEYS, *typed, "VIDEO|CHANNEL", "MARSAD_FACEBOOK_TOKEN", "2025-02-01"]:
        assert word in shown.stdout
    (telegram,) = [line for line in shown.stdout.splitlines() if line.startswith(" telegram")]
    assert ("counters" in telegram) is (columns == "100")


def test_sources_are_listed_as_json_with_what_reads_counters() -> None:
    shown = CliRunner().invoke(sources, ["list", "--json"]).stdout
    rows = {row["name"]: row for row in map(json.loads, shown.splitlines())}
    counted = {f"pages/{reader.platform}" for reader in READERS}
    assert set(rows) == counted | {entry.name for entry in ENTRIES}
    platforms = {name for name, row in rows.items() if row["counters"]} - counted
    assert platforms == {e.name for e in ENTRIES if f"pages/{e.name}" in counted}
    assert rows["pages/facebook"]["command"] == "marsad pages watch"
    assert rows["pages/facebook"]["needs"] == ["MARSAD_FACEBOOK_TOKEN"]
    assert rows["bluesky"]["command"] == "marsad ingest bluesky"
    assert all(row["schema"] and row["documented"] for row in rows.values())


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.platform)
def test_a_reader_of_counters_says_what_it_is_written_from(reader: Reader) -> None:
    assert reader.valid(reader.probe)
    module = import_module(type(reader).__module__)
    assert reader.documented in (module.__doc__ or "")
    assert f"{reader.schema:%Y-%m}" in (module.__doc__ or "")


def checked(*words: str, **environ: str) -> tuple[int, str]:
    """What the check of a source exits with, and what it says."""
    done = CliRunner().invoke(sources, ["check", *words], env=environ)
    return done.exit_code, done.stdout or str(done.exception)


def test_a_check_of_counters_says_in_words_what_works_and_what_does_not() -> None:
    with platform() as server:
        url = ("--url", server.url)
        server.on("/somebody", shape.telegram("1.23M subscribers"))
        assert checked("pages/telegram", "somebody", *url) == (
            0,
            "pages/telegram:somebody works: 1,230,000 ± 10,000 subscribers.\n",
        )
        server.on("/facebook", shape.facebook_error(190))
        code, said = checked("facebook", *url, MARSAD_FACEBOOK_TOKEN="a-token")
        assert code == 1
        assert "pages/facebook:facebook does not work now: it refuses (code 190)" in said
        assert "check your key" in said
        assert "a-token" not in said
    assert "MARSAD_FACEBOOK_TOKEN" in checked("pages/facebook", MARSAD_FACEBOOK_TOKEN="")[1]
    assert "no page of mastodon" in checked("pages/mastodon", "https://t.me/somebody")[1]
    assert "Did you mean pages/telegram" in checked("pages/telegam")[1]
    assert "Pushshift" in checked("reddit")[1]


def test_a_configured_address_of_a_stream_or_of_posts_is_none_for_counters() -> None:
    posts = {"bluesky": "wss://mine.example/subscribe", "weibo": "https://weibo.example"}
    assert addresses({**posts, "telegram": "https://t.example"}) == {
        "telegram": "https://t.example"
    }


def test_what_sources_list_shows_has_all_capabilities() -> None:
    from pipelines.commands.sources import Row

    assert set(Capabilities.__struct_fields__) <= set(Row.__struct_fields__)
