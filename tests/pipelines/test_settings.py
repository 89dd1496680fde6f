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
    with pytest.raises(SettingsError, match=r"marsad\.toml: \[urls\] names 'mastodn'.* mastodon"):
        load(tmp_path, 'mastodn = "http://127.0.0.1:1"')


def test_half_an_address_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"rss is 'example\.org'; it must be"):
        load(tmp_path, 'rss = "example.org"')


def test_a_value_of_another_kind_is_told_in_words_of_people(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        settings.load({"MARSAD_THREADS": "x"}, tmp_path)
    assert str(caught.value) == "environment (MARSAD_THREADS): threads: it must be a whole number"
