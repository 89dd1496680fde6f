"""What is configured: defaults, then ``marsad.toml``, then the environment; options come last.

``marsad.toml`` is looked for in the working folder; ``MARSAD_CONFIG`` names another file.
Every setting is documented in ``docs/settings.md``; a test compares the two.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from ingest import zones
from pipelines.errors import SettingsError

#: Where days begin if neither a setting nor a watchlist says so.
TIMEZONE = "Africa/Casablanca"


class KafkaSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to reach the brokers: the table ``[kafka]``. The password is never a setting."""

    prefix: str = "marsad."
    """What the names of topics and groups begin with: one for each collection."""
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


class SourceSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One source to read: an entry of ``[[sources]]``."""

    source: str
    """Which one: a name of ``marsad sources list``."""
    name: str = ""
    """What metrics call it; the source's name if empty. Name no channel and no account."""
    targets: list[str] = []
    """Channels, tags, videos, feeds…, as its command takes them."""
    url: str = ""
    """Another base address than the platform's own."""
    since: str = ""
    """From this moment on, unless a later place is saved."""
    until: str = ""
    """Before this moment; ``now`` is the start. What is live ends there."""
    limit: int = 0
    """Records of each target to read at most each time it is started; 0 for all."""
    every: str = ""
    """When to read what has ended again: ``10m``, ``1h``…; empty for never."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings, with their defaults."""

    store: str = "marsad.db"
    """Path of an SQLite file."""
    watchlist: str = "none"
    """Name of a shipped watchlist, path of one, or ``none``: every post is kept."""
    timezone: str = ""
    """Time zone that decides which calendar day a post belongs to; fixed when a store is made.

    Empty for the watchlist's, and without a watchlist :data:`TIMEZONE`.
    """
    model: str = ""
    """A Hugging Face sequence-classification checkpoint; empty for the shipped model."""
    threads: int = 0
    """Threads of the model; 0 for one per core."""
    dead_days: int = 30
    """Days after which what was kept aside is destroyed."""
    urls: dict[str, str] = {}
    """Base addresses of platforms, by name, where not their own: mirrors, own servers, tests."""
    sources: list[SourceSettings] = []
    """What ``marsad ingest all`` and ``marsad worker collect`` read."""
    brokers: str = ""
    """Kafka brokers, ``host:port,host:port``; empty for none: one machine does all."""
    kafka: KafkaSettings = KafkaSettings()
    """How to reach the brokers."""
    metrics_port: int = 0
    """Port of metrics and probes of commands that run for long; 0 for none."""
    metrics_address: str = "127.0.0.1"
    """Address on which metrics are served; there is no password on it."""
    web_host: str = "127.0.0.1"
    """Address of the web page; any other than this machine's own needs accounts."""
    web_port: int = 8016
    """Port of the web page."""
    web_hosts: list[str] = []
    """Names by which browsers reach the web page; requests for others are refused."""
    web_accounts: str = ""
    """File with the accounts of the web page; empty for ``web.db`` beside the keyring."""


#: How msgspec says that a value has the wrong type, and what people call the types.
_EXPECTED = re.compile(r"Expected `(\w+)`(?:, got `\w+`)?")
_KINDS = {
    "int": "a whole number",
    "str": "text, in quotes",
    "bool": "true or false",
    "array": 'a list, as in ["a", "b"]',
    "object": "a table",
}
_ONE_SOURCE = re.compile(r"sources\[(\d+)\](?:\.(.*))?")

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
    values: dict[str, object] = {}
    try:
        with path.open("rb") as stream:
            values = tomllib.load(stream)
    except FileNotFoundError as error:
        if "MARSAD_CONFIG" in environ:
            raise SettingsError(f"there is no file {path} (from MARSAD_CONFIG)") from error
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} can't be read: {error}") from error
    settings = _convert(values, str(path), strict=True)
    from_environment: dict[str, object] = {
        field: environ[name] for name, field in _ENVIRONMENT.items() if environ.get(name)
    }
    if from_environment:
        named = ", ".join(name for name in _ENVIRONMENT if environ.get(name))
        settings = _convert(_merged(settings, from_environment), f"environment ({named})")
    return settings


def _merged(settings: Settings, changes: Mapping[str, object]) -> dict[str, object]:
    """Return settings as a table, with changes that name a field or ``table.field``."""
    values: dict[str, object] = msgspec.to_builtins(settings)
    for name, value in changes.items():
        table, dot, field = name.rpartition(".")
        if dot:
            inner = values[table]
            assert isinstance(inner, dict)
            inner[field] = value
        else:
            values[name] = value
    return values


def _convert(values: dict[str, object], place: str, *, strict: bool = False) -> Settings:
    try:
        settings = msgspec.convert(values, Settings, strict=strict)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{place}: {_explained(str(error), values)}") from error
    zone(settings.timezone, place)
    _check_urls(settings.urls, place)
    if settings.threads < 0:
        raise SettingsError(f"{place}: threads is {settings.threads}; it must be 0 or more")
    if not 0 <= settings.metrics_port <= 65535:
        raise SettingsError(
            f"{place}: metrics_port is {settings.metrics_port}; a port is 1 to 65535, 0 for none"
        )
    if not 0 <= settings.web_port <= 65535:
        raise SettingsError(f"{place}: web_port is {settings.web_port}; a port is 1 to 65535")
    if settings.dead_days < 1:
        raise SettingsError(f"{place}: dead_days is {settings.dead_days}; it must be 1 or more")
    return settings


def _explained(message: str, values: Mapping[str, object]) -> str:
    """Return what is wrong in words of ``marsad.toml``, with the settings that there are."""
    what, _, path = message.partition(" - at ")
    path = path.strip("`").removeprefix("$").removeprefix(".")
    table, known, where = "the settings", Settings.__struct_fields__, path
    if found := _ONE_SOURCE.fullmatch(path):
        table, known = "the fields of [[sources]]", SourceSettings.__struct_fields__
        sources = values["sources"]
        one = sources[int(found[1])] if isinstance(sources, list) else None
        name = one.get("source") if isinstance(one, dict) else None
        where = f"[[sources]] number {int(found[1]) + 1}" + (f" ({name})" if name else "")
        where += f", {found[2]}" if found[2] else ""
    elif path.split(".")[0] == "kafka":
        table, known = "the fields of [kafka]", KafkaSettings.__struct_fields__
        where = "[kafka]" + (f", {path[6:]}" if path[6:] else "")
    if wrong := _EXPECTED.fullmatch(what):
        return f"{where}: it must be {_KINDS.get(wrong[1], wrong[1])}"
    what = what.replace("Object contains unknown field", "there is no setting")
    what = what.replace("Object missing required field", "missing is")
    return f"{where + ': ' if where else ''}{what}; {table} are: {', '.join(known)}"


def _check_urls(urls: Mapping[str, str], place: str) -> None:
    """See that each address belongs to a source: a misspelt one would ask the real platform."""
    if not urls:
        return
    from ingest.sources.counters.registry import READERS
    from ingest.sources.registry import ENTRIES

    known = sorted({*(entry.name for entry in ENTRIES), *(one.platform for one in READERS)})
    for name, url in urls.items():
        if name not in known:
            raise SettingsError(
                f"{place}: [urls] names {name!r}, which is no platform; "
                f"they are: {', '.join(known)}"
            )
        if "://" not in url:
            raise SettingsError(f"{place}: [urls] {name} is {url!r}; it must be a whole address")


def zone(name: str, place: str = "--timezone") -> ZoneInfo:
    """Return a time zone by its IANA name, the default's for none.

    Raises :class:`SettingsError`.
    """
    try:
        return zones.zone(name or TIMEZONE)
    except ValueError as error:
        raise SettingsError(
            f"{place}: there is no time zone {name!r}; use a name such as Europe/Paris or UTC"
        ) from error
