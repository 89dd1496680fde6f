"""The keys that pseudonyms are made with: kept outside the data, made at first use.

A keyring is one JSON file, readable by its owner alone. The newest key makes new pseudonyms;
older ones stay, so that a post or an author seen before is still recognised, until they are
destroyed. Once its key is destroyed, no pseudonym can be linked to a name again by anybody.
"""

from __future__ import annotations

import contextlib
import fcntl
import hmac
import os
import re
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import msgspec
import platformdirs

from ingest.errors import KeyringError

_SECRET = re.compile(r"[0-9a-fA-F]{64}")


class Key(msgspec.Struct, frozen=True):
    """One secret: ``id`` names it without telling it, ``secret`` is 32 random bytes in hex."""

    id: str
    created: datetime
    secret: str

    def bytes(self) -> bytes:
        """Return the secret as HMAC takes it."""
        return bytes.fromhex(self.secret)

    def check_value(self) -> str:
        """Return what tells a store that this key is there, and nothing of the key."""
        return hmac.digest(self.bytes(), b"marsad: keys of a store", "sha256").hex()[:16]


class _File(msgspec.Struct):
    keys: list[Key] = []
    destroyed: list[str] = []
    """Check values of destroyed keys, so that stores made with them are still one's own."""


def default_path() -> Path:
    """Return where the keyring is: ``MARSAD_KEYS``, else the user's configuration folder."""
    if configured := os.environ.get("MARSAD_KEYS"):
        return Path(configured).expanduser()
    return platformdirs.user_config_path("marsad") / "keyring.json"


class Keyring:
    """The keys of one file. Every method reads the file anew, so processes see each other."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or default_path()

    def all(self) -> list[Key]:
        """Return the keys, newest first; none if the file is not there yet.

        Raises :class:`KeyringError` if the file can't be read or others could read it.
        """
        return self._read().keys[::-1]

    def use(self) -> list[Key]:
        """Return the keys, newest first, and make the first one if there is none."""
        if not self.all():
            with self._locked() as file:
                if not file.keys:
                    file.keys.append(_new_key())
                    self._write(file)
        return self.all()

    def check_values(self) -> frozenset[str]:
        """Return the check values of all keys that are or were in this keyring."""
        file = self._read()
        return frozenset(key.check_value() for key in file.keys).union(file.destroyed)

    def rotate(self) -> Key:
        """Add a key that makes all new pseudonyms from now on, and return it."""
        with self._locked() as file:
            file.keys.append(_new_key())
            self._write(file)
            return file.keys[-1]

    def destroy(self, key_ids: list[str]) -> list[Key]:
        """Remove keys for good and return them.

        Raises :class:`KeyringError` if one of the ids is not there, or if the rest can't be
        written; nothing is removed then.
        """
        with self._locked() as file:
            self.check(key_ids)
            known = {key.id: key for key in file.keys}
            # Held open, since its name goes to the new file; overwritten only once that is safe.
            with self._telling(), self.path.open("r+b") as old:
                gone = [known[key_id].check_value() for key_id in key_ids]
                left = [key for key in file.keys if key.id not in key_ids]
                self._write(_File(left, [*file.destroyed, *gone]))
                _overwrite(old)
            return [known[key_id] for key_id in key_ids]

    def check(self, key_ids: list[str]) -> None:
        """Raise :class:`KeyringError` if one of the ids is not there."""
        known = [key.id for key in self._read().keys]
        if missing := [key_id for key_id in key_ids if key_id not in known]:
            raise KeyringError(
                f"no key {missing[0]!r} in {self.path} (there: {', '.join(known) or 'none'}); "
                "`marsad keys list` shows them"
            )

    def _read(self) -> _File:
        try:
            with self.path.open("rb") as stream:
                mode = os.fstat(stream.fileno()).st_mode
                content = stream.read()
        except FileNotFoundError:
            return _File()
        except OSError as error:
            raise KeyringError(
                f"the keyring {self.path} can't be read ({error.strerror}); "
                "set MARSAD_KEYS to a file of yours"
            ) from error
        if mode & 0o077:
            raise KeyringError(
                f"the keyring {self.path} can be read by other users; "
                f"make it yours alone: chmod 600 {self.path}"
            )
        try:
            return _valid(msgspec.json.decode(content, type=_File))
        except msgspec.DecodeError as error:
            raise KeyringError(
                f"the keyring {self.path} is damaged ({error}); restore it from a backup, or move "
                "it away to start with a new key (posts of known authors are then not recognised)"
            ) from error

    @contextlib.contextmanager
    def _locked(self) -> Iterator[_File]:
        with self._telling():
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(f"{self.path.resolve()}.lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield self._read()
        finally:
            os.close(lock)

    def _write(self, file: _File) -> None:
        with self._telling():
            real = self.path.resolve()  # a link stays one
            temporary = Path(f"{real}.new")
            temporary.unlink(missing_ok=True)
            descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            try:
                with os.fdopen(descriptor, "wb") as stream:
                    stream.write(msgspec.json.format(msgspec.json.encode(file)) + b"\n")
                    stream.flush()
                    os.fsync(stream.fileno())
                temporary.replace(real)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
            _sync_folder(real.parent)

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise KeyringError(
                f"the keyring {self.path} can't be written ({error.strerror}); make room and see "
                "that its folder is yours, or set MARSAD_KEYS to a file in another"
            ) from error


def _valid(file: _File) -> _File:
    """Return a keyring whose keys can be used. Raises ``msgspec.ValidationError``."""
    for key in file.keys:
        if not _SECRET.fullmatch(key.secret):
            raise msgspec.ValidationError(f"key {key.id!r} is not 32 bytes in hex")
    if len({key.id for key in file.keys}) < len(file.keys):
        raise msgspec.ValidationError("two keys have one id")
    return file


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _overwrite(stream: BinaryIO) -> None:
    # Replacing a file leaves the old blocks on the disk. Overwriting them is the best that can be
    # done from here; file systems that copy on write may keep them all the same.
    size = os.fstat(stream.fileno()).st_size
    stream.write(b"\0" * size)
    stream.flush()
    os.fsync(stream.fileno())


def _new_key() -> Key:
    return Key(
        "k" + secrets.token_hex(4), datetime.now(UTC).replace(microsecond=0), secrets.token_hex(32)
    )
