"""Secrets may stand in files, as containers and Kubernetes mount them."""

from pathlib import Path

import pytest

from pipelines import secret_files
from pipelines.errors import SettingsError
from tests.conftest import Marsad


def test_the_file_of_a_secret_is_as_good_as_its_variable(tmp_path: Path) -> None:
    place = tmp_path / "key"
    place.write_text("a secret = with signs \n")
    environ = {"MARSAD_ELASTICSEARCH_API_KEY_FILE": str(place), "MARSAD_STORE": "x.db"}
    secret_files.read(environ)
    assert environ["MARSAD_ELASTICSEARCH_API_KEY"] == "a secret = with signs "
    assert environ["MARSAD_STORE"] == "x.db"


def test_a_setting_that_ends_like_a_secret_is_left_alone(tmp_path: Path) -> None:
    environ = {"MARSAD_KAFKA_CERTIFICATE_KEY_FILE": str(tmp_path / "key.pem")}
    secret_files.read(environ)
    assert environ == {"MARSAD_KAFKA_CERTIFICATE_KEY_FILE": str(tmp_path / "key.pem")}


def test_a_variable_that_is_empty_names_no_file() -> None:
    environ = {"MARSAD_YOUTUBE_KEY_FILE": ""}
    secret_files.read(environ)
    assert environ == {"MARSAD_YOUTUBE_KEY_FILE": ""}


def test_two_places_for_one_secret_are_refused(tmp_path: Path) -> None:
    place = tmp_path / "key"
    place.write_text("one")
    environ = {"MARSAD_YOUTUBE_KEY_FILE": str(place), "MARSAD_YOUTUBE_KEY": "other"}
    with pytest.raises(SettingsError, match="both set"):
        secret_files.read(environ)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "key"
    place.write_text("\n")
    with pytest.raises(SettingsError, match="is empty"):
        secret_files.read({"MARSAD_YOUTUBE_KEY_FILE": str(place)})


def test_the_command_says_which_file_is_missing(
    marsad: Marsad, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARSAD_YOUTUBE_KEY_FILE", "/nowhere/key")
    answer = marsad("status", code=1)
    assert "MARSAD_YOUTUBE_KEY_FILE names /nowhere/key" in answer.stderr
    assert "Traceback" not in answer.stderr
