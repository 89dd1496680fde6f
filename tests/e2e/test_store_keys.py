"""A store knows the keys it was written with."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.errors import KeyringError
from ingest.privacy.keyring import Keyring
from tests.conftest import Marsad

POSTS = [{"id": "1", "platform": "forum", "author": "a_fictional_name", "text": "inwi ghali"}]


def test_a_store__refuses_a_keyring_with_none_of_its_keys(marsad: Marsad, tmp_path: Path) -> None:
    file = marsad.write("posts.ndjson", POSTS)
    marsad("ingest", "archive", file)
    before = marsad.ledger()
    marsad.environment["MARSAD_KEYS"] = str(tmp_path / "elsewhere" / "keyring.json")
    more = marsad.write("more.ndjson", [{**POSTS[0], "id": "2"}])
    refused = marsad("ingest", "archive", more, code=1)
    assert "which has no keys" in refused.stderr
    assert "MARSAD_KEYS" in refused.stderr
    assert marsad.ledger() == before


def test_a_refused_command__makes_no_keyring(marsad: Marsad, tmp_path: Path) -> None:
    file = marsad.write("posts.ndjson", POSTS)
    marsad("ingest", "archive", file)
    elsewhere = tmp_path / "elsewhere" / "keyring.json"
    marsad.environment["MARSAD_KEYS"] = str(elsewhere)
    marsad("delete", "--author", "a_fictional_name", "--yes", code=1)
    marsad("ingest", "archive", file, code=1)
    assert not elsewhere.exists()
    marsad("delete", "forum:1")  # by its id a post can always be deleted
    assert marsad.ledger()["deleted"] == 1


def test_a_store__takes_keys_that_follow_its_own(marsad: Marsad, tmp_path: Path) -> None:
    marsad("ingest", "archive", marsad.write("posts.ndjson", POSTS))
    keyring = Keyring(tmp_path / "keys" / "keyring.json")
    [old] = keyring.all()
    keyring.rotate()
    keyring.destroy([old.id])
    marsad("ingest", "archive", marsad.write("more.ndjson", [{**POSTS[0], "id": "2"}]))
    assert marsad.ledger()["indexed"] == 2


@pytest.mark.parametrize("secret", ["", "11", "zz" * 32, "11" * 31, "11" * 33])
def test_a_keyring__is_refused_with_a_key_that_is_not_32_bytes(tmp_path: Path, secret: str) -> None:
    path = tmp_path / "keyring.json"
    path.write_text(
        f'{{"keys": [{{"id": "k1", "created": "2016-01-01T00:00:00Z", "secret": "{secret}"}}]}}'
    )
    path.chmod(0o600)
    with pytest.raises(KeyringError, match="32 bytes"):
        Keyring(path).all()
