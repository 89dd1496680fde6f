"""Accounts of the page, their sessions and tokens, and the audit log, in one SQLite file.

Passwords are kept as argon2id hashes (argon2-cffi, the parameters of RFC 9106, low-memory
profile). Sessions and API tokens are random; only their SHA-256 hashes are stored, so that who
reads the file can't use them. The file is readable by its owner alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from ingest.privacy.keyring import default_path as keyring_path
from pipelines.errors import AccountError
from pipelines.web.security.roles import Role

#: A session ends after this time without a request, and after this time in any case, in seconds.
IDLE, WHOLE = 8 * 3600, 7 * 86400
#: Characters of a password at least (NIST SP 800-63B, section 3.1.1.2, asks for 15 alone, or 8
#: with a second factor).
SHORTEST = 15
_NAME = re.compile(r"[A-Za-z0-9._@-]{1,64}")
#: A request moves the end of its session at most this often, in seconds.
_TOUCH = 60

_SCHEMA = """
CREATE TABLE IF NOT EXISTS users (
    name TEXT PRIMARY KEY, role TEXT NOT NULL, hash TEXT NOT NULL, created INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS sessions (
    id TEXT PRIMARY KEY, user TEXT NOT NULL REFERENCES users(name) ON DELETE CASCADE,
    created INTEGER NOT NULL, seen INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS tokens (
    id TEXT PRIMARY KEY, user TEXT NOT NULL REFERENCES users(name) ON DELETE CASCADE,
    name TEXT NOT NULL, created INTEGER NOT NULL, UNIQUE (user, name)
) STRICT;
CREATE TABLE IF NOT EXISTS audit (
    number INTEGER PRIMARY KEY, at INTEGER NOT NULL, who TEXT NOT NULL, action TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
"""


class User(msgspec.Struct, frozen=True):
    """Who asks. ``name`` is empty on a page without accounts."""

    name: str
    role: Role


class AuditEntry(msgspec.Struct, frozen=True):
    """One line of the audit log."""

    at: int
    """Seconds since 1970."""
    who: str
    action: str
    detail: str


def accounts_path(configured: str = "") -> Path:
    """Return where accounts are kept: as configured, else beside the keys of pseudonyms."""
    if configured:
        return Path(configured).expanduser()
    return keyring_path().parent / "web.db"


class Accounts:
    """The accounts of one file; made when it is first written to. Safe to use from any thread.

    Methods raise :class:`~pipelines.errors.AccountError` with what to do.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._hasher = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
        self._lock = threading.Lock()
        with self._explained():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
            if path.stat().st_mode & 0o077:
                raise AccountError(
                    f"{path} holds accounts and may be read by others: chmod 600 {path}"
                )
            self._connection = sqlite3.connect(
                path, isolation_level=None, check_same_thread=False, timeout=10
            )
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA foreign_keys = ON")
            self._connection.executescript(_SCHEMA)
            self._connection.execute(
                "INSERT OR IGNORE INTO meta VALUES ('secret', ?)", (secrets.token_hex(32),)
            )

    def close(self) -> None:
        """Release the file."""
        with self._lock:
            self._connection.close()

    def secret(self) -> str:
        """Return what tokens against forged forms are signed with; the same after a restart."""
        return str(self._one("SELECT value FROM meta WHERE name = 'secret'")[0])

    # Users

    def users(self) -> list[User]:
        """Return all accounts, by name."""
        rows = self._all("SELECT name, role FROM users ORDER BY name")
        return [User(str(name), role) for name, role in rows]

    def any(self) -> bool:
        """Tell whether there is an account."""
        return bool(self._all("SELECT 1 FROM users LIMIT 1"))

    def add(self, name: str, role: Role, password: str) -> None:
        """Add an account."""
        if not _NAME.fullmatch(name):
            raise AccountError(
                f"{name!r} is no name of an account: use 1 to 64 letters, digits and . _ @ -"
            )
        hashed = self._hash(password)
        try:
            self._all("INSERT INTO users VALUES (?, ?, ?, ?)", name, role, hashed, _now())
        except sqlite3.IntegrityError:
            raise AccountError(
                f"There is an account {name} already: marsad users password {name} changes its "
                "password, marsad users role its role."
            ) from None

    def change_password(self, name: str, password: str) -> None:
        """Set another password and end all sessions of the account."""
        self._need(name)
        self._all("UPDATE users SET hash = ? WHERE name = ?", self._hash(password), name)
        self._all("DELETE FROM sessions WHERE user = ?", name)

    def change_role(self, name: str, role: Role) -> None:
        """Give an account another role, at once for its sessions and tokens too."""
        self._need(name)
        self._all("UPDATE users SET role = ? WHERE name = ?", role, name)

    def remove(self, name: str) -> None:
        """Remove an account with its sessions and tokens."""
        self._need(name)
        self._all("DELETE FROM users WHERE name = ?", name)

    def verify(self, name: str, password: str) -> bool:
        """Tell whether a password is that of an account, in the same time for unknown names."""
        rows = self._all("SELECT hash FROM users WHERE name = ?", name)
        try:
            self._hasher.verify(str(rows[0][0]) if rows else _unknown(self._hasher), password)
        except (VerificationError, InvalidHashError):
            return False
        if rows and self._hasher.check_needs_rehash(str(rows[0][0])):
            self._all("UPDATE users SET hash = ? WHERE name = ?", self._hasher.hash(password), name)
        return bool(rows)

    # Sessions and tokens

    def begin(self, name: str) -> str:
        """Begin a session and return its secret, for a cookie."""
        secret = secrets.token_urlsafe(32)
        now = _now()
        self._all("DELETE FROM sessions WHERE seen < ? OR created < ?", now - IDLE, now - WHOLE)
        self._all("INSERT INTO sessions VALUES (?, ?, ?, ?)", _digest(secret), name, now, now)
        return secret

    def session(self, secret: str) -> User | None:
        """Return whose session it is, ``None`` if it ended."""
        now = _now()
        rows = self._all(
            "SELECT u.name, u.role, s.seen FROM sessions s JOIN users u ON u.name = s.user "
            "WHERE s.id = ? AND s.seen >= ? AND s.created >= ?",
            _digest(secret),
            now - IDLE,
            now - WHOLE,
        )
        if not rows:
            return None
        name, role, seen = rows[0]
        if now - int(seen) > _TOUCH:
            with contextlib.suppress(AccountError):  # a full disk must not keep people from reading
                self._all("UPDATE sessions SET seen = ? WHERE id = ?", now, _digest(secret))
        return User(str(name), role)

    def end(self, secret: str) -> None:
        """End a session."""
        self._all("DELETE FROM sessions WHERE id = ?", _digest(secret))

    def new_token(self, user: str, name: str) -> str:
        """Return a new token for the API; it is shown this once."""
        self._need(user)
        secret = "marsad_" + secrets.token_urlsafe(32)
        try:
            self._all("INSERT INTO tokens VALUES (?, ?, ?, ?)", _digest(secret), user, name, _now())
        except sqlite3.IntegrityError:
            raise AccountError(
                f"{user} has a token {name} already: choose another name, or revoke it first."
            ) from None
        return secret

    def revoke(self, user: str, name: str) -> None:
        """Make a token useless."""
        if not self._all("DELETE FROM tokens WHERE user = ? AND name = ? RETURNING 1", user, name):
            raise AccountError(f"{user} has no token {name}: marsad users list shows them.")

    def tokens(self, user: str) -> list[str]:
        """Return the names of an account's tokens."""
        rows = self._all("SELECT name FROM tokens WHERE user = ? ORDER BY name", user)
        return [str(name) for (name,) in rows]

    def bearer(self, secret: str) -> User | None:
        """Return whose token it is."""
        rows = self._all(
            "SELECT u.name, u.role FROM tokens t JOIN users u ON u.name = t.user WHERE t.id = ?",
            _digest(secret),
        )
        return User(str(rows[0][0]), rows[0][1]) if rows else None

    # The audit log

    def record(self, who: str, action: str, detail: str) -> None:
        """Write a line of the audit log. ``detail`` must name no account in clear."""
        self._all(
            "INSERT INTO audit (at, who, action, detail) VALUES (?, ?, ?, ?)",
            _now(),
            who,
            action,
            detail[:2_000],
        )

    def audit(self, limit: int = 200) -> list[AuditEntry]:
        """Return the newest lines of the audit log, newest first."""
        rows = self._all(
            "SELECT at, who, action, detail FROM audit ORDER BY number DESC LIMIT ?", limit
        )
        return [AuditEntry(int(at), str(who), str(what), str(rest)) for at, who, what, rest in rows]

    # Inside

    def _need(self, name: str) -> None:
        if not self._all("SELECT 1 FROM users WHERE name = ?", name):
            raise AccountError(f"There is no account {name}: marsad users list shows them.")

    def _hash(self, password: str) -> str:
        if len(password) < SHORTEST:
            raise AccountError(
                f"The password has {len(password)} characters: use {SHORTEST} or more, a sentence "
                "for example."
            )
        return self._hasher.hash(password)

    def _one(self, statement: str, *values: object) -> tuple[Any, ...]:
        return self._all(statement, *values)[0]

    def _all(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with self._lock, self._explained():
            return self._connection.execute(statement, values).fetchall()

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.IntegrityError:
            raise
        except (OSError, sqlite3.Error) as error:
            raise AccountError(
                f"{self.path}, the file with the accounts, can't be used ({error}): check its "
                "rights, or name another one as web_accounts."
            ) from error


def _now() -> int:
    return int(time.time())


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


_UNKNOWN: dict[str, str] = {}


def _unknown(hasher: PasswordHasher) -> str:
    """Return the hash of a password that nobody knows, to compare with for unknown names."""
    return _UNKNOWN.setdefault("hash", hasher.hash(secrets.token_hex(16)))
