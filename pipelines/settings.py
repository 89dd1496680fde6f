"""What is configured: defaults, then ``marsad.toml``, then the environment; options come last.

``marsad.toml`` is looked for in the working folder; ``MARSAD_CONFIG`` names another file. All
mistakes are told at once, each with its place. Every setting is documented in
``docs/settings.md``; a test compares the two.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import ErrorDetails

from ingest import zones
from ingest.validation import describe
from pipelines.errors import SettingsError

#: Where days begin if neither a setting nor a watchlist says so.
TIMEZONE = "UTC"

#: What names of topics may hold (kafka.apache.org/documentation/#topicconfigs: letters, digits,
#: ``.``, ``_`` and ``-``, 249 at most), with room for the names that follow a prefix.
_PREFIX = re.compile(r"[a-zA-Z0-9._-]{1,200}")


def _whole(value: Any) -> Any:
    if isinstance(value, bool):  # which Python counts among the numbers
        raise ValueError("it must be a whole number")  # noqa: TRY004 - what pydantic collects
    return value


_Whole = Annotated[int, BeforeValidator(_whole), Field(ge=0)]
_Port = Annotated[int, BeforeValidator(_whole), Field(ge=0, le=65_535)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class KafkaSettings(_Table):
    """How to reach the brokers: the table ``[kafka]``. The password is never a setting."""

    prefix: str = "marsad."
    """What the names of topics and groups begin with: one for each collection."""

    @field_validator("prefix")
    @classmethod
    def _names_topics(cls, value: str) -> str:
        if not _PREFIX.fullmatch(value):
            raise ValueError(
                f"{value!r} can't begin the name of a topic: use 1 to 200 letters, digits, dots, "
                "hyphens and underscores, as in marsad."
            )
        return value

    tls: bool = False
    """Encrypt the connection."""
    ca: str = ""
    """File with the certificate of who signed the brokers'; empty for those of the machine."""
    certificate: str = ""
    """File with our own certificate, where the brokers ask for one."""
    certificate_key: str = ""
    """File with the key of ``certificate``, where it is not in the same file."""
    sasl: Literal["", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = ""
    """How to log in; empty for not at all."""
    user: str = ""
    """Who logs in; the password stands in the variable MARSAD_KAFKA_PASSWORD."""


class SourceSettings(_Table):
    """One source to read: an entry of ``[[sources]]``."""

    source: str
    """Which one: a name of ``marsad sources list``."""
    name: str = ""
    """What metrics call it; the source's name if empty. Name no channel and no account."""
    targets: tuple[str, ...] = ()
    """Channels, tags, videos, feeds…, as its command takes them."""
    url: str = ""
    """Another base address than the platform's own."""
    since: str = ""
    """From this moment on, unless a later place is saved."""
    until: str = ""
    """Before this moment; ``now`` is the start. What is live ends there."""
    limit: _Whole = 0
    """Records of each target to read at most each time it is started; 0 for all."""
    every: str = ""
    """When to read what has ended again: ``10m``, ``1h``…; empty for never."""
    timezone: str = ""
    """Zone of dates that name none, as those of some feeds; empty: UTC is assumed."""


class Settings(_Table):
    """All settings, with their defaults."""

    store: str = "marsad.db"
    """Path of an SQLite file."""
    watchlist: str = "none"
    """Name of a shipped watchlist, path of one, or ``none``: every post is kept."""
    timezone: str = ""
    """Time zone that decides which calendar day a post belongs to; fixed when a store is made.

    Empty for the watchlist's, and without a watchlist :data:`TIMEZONE`.
    """

    @field_validator("timezone")
    @classmethod
    def _is_zone(cls, value: str) -> str:
        _zone(value)
        return value

    model: str = ""
    """A Hugging Face sequence-classification checkpoint; empty for the shipped model."""
    threads: _Whole = 0
    """Threads of the model; 0 for one per core."""
    dead_days: Annotated[int, BeforeValidator(_whole), Field(ge=1)] = 30
    """Days after which dead letters is destroyed."""
    urls: dict[str, str] = {}
    """Base addresses of platforms, by name, where not their own: mirrors, own servers, tests."""

    @field_validator("urls")
    @classmethod
    def _are_addresses(cls, value: dict[str, str]) -> dict[str, str]:
        _check_urls(value)
        return value

    sources: list[SourceSettings] = []
    """What ``marsad ingest all`` and ``marsad worker collect`` read."""
    brokers: str = ""
    """Kafka brokers, ``host:port,host:port``; empty for none: one machine does all."""
    kafka: KafkaSettings = KafkaSettings()
    """How to reach the brokers."""
    metrics_port: _Port = 0
    """Port of metrics and probes of commands that run for long; 0 for none."""
    metrics_address: str = "127.0.0.1"
    """Address on which metrics are served; there is no password on it."""
    web_host: str = "127.0.0.1"
    """Address of the web page; any other than this machine's own needs accounts."""
    web_port: _Port = 8016
    """Port of the web page."""
    web_hosts: list[str] = []
    """Names by which browsers reach the web page; requests for others are refused."""
    web_accounts: str = ""
    """File with the accounts of the web page; empty for ``web.db`` beside the keyring."""


_ENVIRONMENT = {
    "MARSAD_STORE": "store",
    "MARSAD_WATCHLIST": "watchlist",
    "MARSAD_TIMEZONE": "timezone",
    "MARSAD_MODEL": "model",
    "MARSAD_THREADS": "threads",
    "MARSAD_METRICS_PORT": "metrics_port",
    "MARSAD_METRICS_ADDRESS": "metrics_address",
    "MARSAD_WEB_HOST": "web_host",
    "MARSAD_WEB_PORT": "web_port",
    "MARSAD_WEB_ACCOUNTS": "web_accounts",
    "MARSAD_BROKERS": "brokers",
    "MARSAD_KAFKA_PREFIX": "kafka.prefix",
    "MARSAD_KAFKA_TLS": "kafka.tls",
    "MARSAD_KAFKA_CA": "kafka.ca",
    "MARSAD_KAFKA_CERTIFICATE": "kafka.certificate",
    "MARSAD_KAFKA_CERTIFICATE_KEY": "kafka.certificate_key",
    "MARSAD_KAFKA_SASL": "kafka.sasl",
    "MARSAD_KAFKA_USER": "kafka.user",
}


def file_name(environ: Mapping[str, str] = os.environ) -> str:
    """Return the name of the file that settings stand in."""
    return environ.get("MARSAD_CONFIG", "marsad.toml")


def load(environ: Mapping[str, str] = os.environ, folder: Path | None = None) -> Settings:
    """Return the settings in force. Raises :class:`SettingsError` naming file and field."""
    path = (folder or Path()) / file_name(environ)
    values: dict[str, Any] = {}
    try:
        with path.open("rb") as stream:
            values = tomllib.load(stream)
    except FileNotFoundError as error:
        if "MARSAD_CONFIG" in environ:
            raise SettingsError(f"there is no file {path} (from MARSAD_CONFIG)") from error
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} can't be read: {error}") from error
    except RecursionError:
        raise SettingsError(f"{path} can't be read: its brackets are nested too deep") from None
    for name, field in _ENVIRONMENT.items():
        if environ.get(name):
            _put(values, field, environ[name])
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        told = [_explained(one, values, path, environ) for one in error.errors()]
        raise SettingsError("\n".join(told)) from error


def _put(values: dict[str, Any], field: str, value: str) -> None:
    """Set a field of the settings, ``name`` or ``table.name``."""
    table, dot, name = field.rpartition(".")
    if dot:
        inner = values.get(table, {})
        # A table that is none stays as it is, and is told.
        values[table] = inner | {name: value} if isinstance(inner, dict) else inner
    else:
        values[name] = value


def _explained(
    error: ErrorDetails, values: Mapping[str, Any], path: Path, environ: Mapping[str, str]
) -> str:
    """Return one mistake in words of ``marsad.toml`` or the environment, with its place."""
    location = list(error["loc"])
    kind = error["type"]
    field = ".".join(map(str, location))
    variables = [name for name, one in _ENVIRONMENT.items() if one == field and environ.get(name)]
    place = f"environment ({variables[0]})" if variables else str(path)
    known, table = Settings.model_fields, "the settings"
    parts = []
    if location[0] == "sources" and len(location) > 1:
        known, table = SourceSettings.model_fields, "the fields of [[sources]]"
        number = int(location[1])
        sources = values["sources"]
        one = sources[number] if isinstance(sources, list) else None
        source = one.get("source") if isinstance(one, dict) else None
        parts.append(f"[[sources]] number {number + 1}" + (f" ({source})" if source else ""))
        location = location[2:]
    elif location[0] == "kafka" and not variables:
        known, table = KafkaSettings.model_fields, "the fields of [kafka]"
        parts.append("[kafka]")
        location = location[1:]
    name = str(location[-1]) if location else ""
    if kind in {"extra_forbidden", "missing"}:
        says = "there is no setting" if kind == "extra_forbidden" else "missing is"
        parts, what = parts[:1], f"{says} `{name}`; {table} are: {', '.join(known)}"
    else:
        parts += [".".join(map(str, location))] if location else []
        what = describe(error)
    return ": ".join(filter(None, (place, ", ".join(parts), what)))


def _check_urls(urls: Mapping[str, str]) -> None:
    """See that each address belongs to a source: a misspelt one would ask the real platform."""
    if not urls:
        return
    from ingest.sources.counters.registry import READERS
    from ingest.sources.registry import ENTRIES

    known = sorted({*(entry.name for entry in ENTRIES), *(one.platform for one in READERS)})
    for name, url in urls.items():
        if name not in known:
            raise ValueError(f"{name!r} is no platform; they are: {', '.join(known)}")
        if "://" not in url:
            raise ValueError(f"{name} is {url!r}; it must be a whole address")


def zone(name: str, place: str = "--timezone") -> ZoneInfo:
    """Return a time zone by its IANA name, the default's for none.

    Raises :class:`SettingsError`.
    """
    try:
        return _zone(name)
    except ValueError as error:
        raise SettingsError(f"{place}: {error}") from error


def _zone(name: str) -> ZoneInfo:
    try:
        return zones.zone(name or TIMEZONE)
    except ValueError as error:
        raise ValueError(
            f"there is no time zone {name!r}; use a name such as Europe/Paris or UTC"
        ) from error
