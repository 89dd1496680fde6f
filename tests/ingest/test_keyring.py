"""Keys: made at first use, the owner's alone, rotated, destroyed."""

import os
import stat
from pathlib import Path

import pytest

from ingest.errors import KeyringError
from ingest.privacy.keyring import Keyring, default_path


@pytest.fixture
def keyring(tmp_path: Path) -> Keyring:
    return Keyring(tmp_path / "keys" / "keyring.json")


def test_there_is_no_key_before_the_first_use(keyring: Keyring) -> None:
    assert keyring.all() == []
    assert not keyring.path.exists()


def test_the_first_use_makes_one_key_that_stays(keyring: Keyring) -> None:
    (key,) = keyring.use()
    assert keyring.use() == [key]
    assert len(key.bytes()) == 32


def test_the_file_and_its_folder_are_the_owners_alone(keyring: Keyring) -> None:
    keyring.use()
    assert stat.S_IMODE(keyring.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(keyring.path.parent.stat().st_mode) == 0o700


def test_a_keyring_that_others_can_read_is_refused_with_the_remedy(keyring: Keyring) -> None:
    keyring.use()
    keyring.path.chmod(0o644)
    with pytest.raises(KeyringError, match="chmod 600"):
        keyring.all()


def test_rotation_puts_a_new_key_first_and_keeps_the_old_ones(keyring: Keyring) -> None:
    (old,) = keyring.use()
    new = keyring.rotate()
    assert keyring.all() == [new, old]


def test_a_destroyed_key_is_gone_from_the_file(keyring: Keyring) -> None:
    (old,) = keyring.use()
    new = keyring.rotate()
    assert keyring.destroy([old.id]) == [old]
    assert keyring.all() == [new]
    assert old.secret not in keyring.path.read_text()


def test_the_bytes_of_a_destroyed_key_are_overwritten_on_the_disk(keyring: Keyring) -> None:
    (old,) = keyring.use()
    keyring.rotate()
    with keyring.path.open("rb") as before:
        size = os.fstat(before.fileno()).st_size
        keyring.destroy([old.id])
        assert before.read() == bytes(size)


def test_where_no_new_file_can_be_written_every_key_stays(keyring: Keyring) -> None:
    (old,) = keyring.use()
    new = keyring.rotate()
    obstacle = Path(f"{keyring.path}.new")
    obstacle.mkdir()
    with pytest.raises(KeyringError, match="can't be written"):
        keyring.destroy([old.id])
    assert keyring.all() == [new, old]
    with pytest.raises(KeyringError, match="can't be written"):
        keyring.rotate()
    obstacle.rmdir()
    assert keyring.destroy([old.id]) == [old]
    assert keyring.all() == [new]


def test_a_keyring_behind_a_link_stays_where_it_is(keyring: Keyring, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(keyring.path)
    (old,) = keyring.use()
    linked = Keyring(tmp_path / "link")
    new = linked.rotate()
    assert linked.destroy([old.id]) == [old]
    assert linked.path.is_symlink()
    assert keyring.all() == [new]


def test_after_all_keys_are_destroyed_the_next_use_makes_another(keyring: Keyring) -> None:
    (old,) = keyring.use()
    keyring.destroy([old.id])
    (new,) = keyring.use()
    assert new.secret != old.secret


def test_destroying_an_unknown_key_removes_nothing_and_says_which_there_are(
    keyring: Keyring,
) -> None:
    (key,) = keyring.use()
    with pytest.raises(KeyringError, match=key.id):
        keyring.destroy([key.id, "k0"])
    assert keyring.all() == [key]


def test_a_damaged_keyring_is_told_not_replaced(keyring: Keyring) -> None:
    keyring.use()
    keyring.path.write_text('{"keys": [')
    with pytest.raises(KeyringError, match="damaged"):
        keyring.use()
    assert keyring.path.read_text() == '{"keys": ['


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(KeyringError, match="MARSAD_KEYS"):
        Keyring(tmp_path / "file" / "keyring.json").use()


def test_the_environment_sets_the_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARSAD_KEYS", str(tmp_path / "k.json"))
    assert default_path() == tmp_path / "k.json"
    monkeypatch.delenv("MARSAD_KEYS")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert os.fspath(default_path()).startswith(str(tmp_path))
