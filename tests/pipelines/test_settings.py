"""What ``marsad.toml`` may say of addresses, and mistakes; the rest is tested where it is used."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines import settings
from pipelines.errors import SettingsError


def load(folder: Path, urls: str) -> settings.Settings:
    (folder / "marsad.toml").write_text(f"[urls]\n{urls}\n", encoding="utf-8")
    return settings.load({}, folder)


def test_a_platform_has_the_address_that_is_configured(tmp_path: Path) -> None:
    found = load(tmp_path, 'mastodon = "http://127.0.0.1:1"\nfacebook = "http://127.0.0.1:2"')
    assert found.urls["mastodon"] == "http://127.0.0.1:1"


def test_a_misspelt_platform_is_told_and_the_real_one_is_not_asked(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"marsad\.toml: urls: 'mastodn' is no.* mastodon"):
        load(tmp_path, 'mastodn = "http://127.0.0.1:1"')


def test_half_an_address_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"rss is 'example\.org'; it must be"):
        load(tmp_path, 'rss = "example.org"')


def test_a_value_of_another_kind_is_told_in_words_of_people(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        settings.load({"MARSAD_THREADS": "x"}, tmp_path)
    assert str(caught.value) == "environment (MARSAD_THREADS): threads: it must be a whole number"


def test_load__tells_all_mistakes_at_once_each_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "marsad.toml").write_text(
        'threads = -1\nwachlist = "x"\ntimezone = "Mars/Olympus"\n[kafka]\ntls = "maybe"\n'
    )
    with pytest.raises(SettingsError) as caught:
        settings.load({"MARSAD_METRICS_PORT": "70000"}, tmp_path)
    told = str(caught.value).splitlines()
    file = f"{tmp_path / 'marsad.toml'}"
    assert told[0].startswith(f"{file}: timezone: there is no time zone 'Mars/Olympus'")
    assert f"{file}: threads: it must be 0 or more" in told
    assert f"{file}: [kafka], tls: it must be true or false" in told
    assert "environment (MARSAD_METRICS_PORT): metrics_port: it must be 65535 or less" in told
    assert told[-1].startswith(f"{file}: there is no setting `wachlist`; the settings are: store,")


@pytest.mark.parametrize("prefix", ["two words.", "préfixe.", "a/b", "x" * 201, ""])
def test_prefix__that_can_not_begin_the_name_of_a_topic_is_refused(
    tmp_path: Path, prefix: str
) -> None:
    (tmp_path / "marsad.toml").write_text(f'[kafka]\nprefix = "{prefix}"\n', encoding="utf-8")
    with pytest.raises(SettingsError, match=r"\[kafka\], prefix: .*name of a topic"):
        settings.load({}, tmp_path)


def test_prefix__of_the_environment_is_checked_too(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"environment \(MARSAD_KAFKA_PREFIX\): .*topic"):
        settings.load({"MARSAD_KAFKA_PREFIX": "my topics."}, tmp_path)


def test_timezone__is_utc_where_nothing_says_another(tmp_path: Path) -> None:
    assert settings.zone(settings.load({}, tmp_path).timezone).key == "UTC"
