"""What makes an export citable: a data package, a research object crate, a citation file."""

from __future__ import annotations

from typing import Any, get_args

import msgspec

from ingest.mapping.spreadsheets import SEPARATOR
from ingest.records import Label
from pipelines.export.about import MANIFEST, README, Account, Facts, columns
from pipelines.export.columns import ATTITUDE, COLUMNS, TARGET_COLUMNS
from pipelines.export.datasheet import NAME as DATASHEET

DATAPACKAGE, CRATE, CITATION = "datapackage.json", "ro-crate-metadata.json", "CITATION.cff"
FILES = (DATAPACKAGE, CRATE, CITATION, DATASHEET)

_FORMATS = {
    "ndjson": "application/x-ndjson",
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "json": "application/json",
    "md": "text/markdown",
    "txt": "text/plain",
    "cff": "application/yaml",
}
_LABELS: tuple[Label, ...] = get_args(Label)
_AUTHORS = "Marsad (replace by the names of those who made the study)"
_KINDS = {column.name: column.kind for column in COLUMNS} | dict.fromkeys(_LABELS, "number")
_TYPES = {"integer": "integer", "number": "number", "day": "date", "time": "datetime"}


def title(account: Account) -> str:
    """Return the name of the data set."""
    posts = "1 post" if account.posts == 1 else f"{account.posts:,} posts"
    days = f", {account.first_day} to {account.last_day}" if account.first_day else ""
    invented = " (fictional)" if account.fictional == account.posts else ""
    return f"Study subset of social media posts: {posts}{days}{invented}"


def datapackage(account: Account, facts: Facts) -> bytes:
    """Return ``datapackage.json`` (Frictionless Data Package, specs.frictionlessdata.io)."""
    french = account.csv_for == "fr"
    fields = {"posts.csv": account.flat, "targets.csv": list(TARGET_COLUMNS)}
    about = columns(account) | TARGET_COLUMNS
    resources = []
    for name, file in account.files.items():
        form = name.rpartition(".")[2]
        resource: dict[str, Any] = {
            "name": name.replace(".", "-").lower(),
            "path": name,
            "format": form,
            "mediatype": _FORMATS[form],
            "bytes": file.bytes,
            "hash": f"sha256:{file.sha256}",
        }
        if form != "csv":
            resource["type"] = "file"  # validators need not read these as tables
        if name in fields:
            resource |= {
                "encoding": "utf-8",
                "dialect": {"delimiter": ";" if french else ",", "doubleQuote": True},
                "schema": {"fields": [_field(one, about[one], french) for one in fields[name]]},
            }
        resources.append(resource)
    return _json(
        {
            "profile": "data-package",
            "name": "marsad-export",
            "title": title(account),
            "description": f"Query: {facts.query or 'all posts'}. See {README}.",
            "created": facts.created_at,
            "resources": resources,
        }
    )


def _field(name: str, about: str, french: bool) -> dict[str, Any]:
    """Return what a data package says of a column of CSV."""
    kind = _KINDS.get(name, "text")
    words = f"{about}; {SEPARATOR} stands between items" if kind == "list" else about
    field: dict[str, Any] = {
        "name": name,
        "type": _TYPES.get(kind, "string"),
        "description": words,
    }
    if kind == "number" and french:
        field["decimalChar"] = ","
    if name in {"sentiment", "label"} or name.startswith(ATTITUDE):
        field["constraints"] = {"enum": list(_LABELS)}
    return field


def crate(account: Account, facts: Facts) -> bytes:
    """Return ``ro-crate-metadata.json`` (RO-Crate 1.1, w3id.org/ro/crate/1.1)."""
    names = [*account.files, MANIFEST, README, DATASHEET, DATAPACKAGE, CITATION]
    files = [
        {"@id": name, "@type": "File", "name": name,
         "encodingFormat": _FORMATS[name.rpartition(".")[2]]}
        | ({"contentSize": str(account.files[name].bytes),
            "sha256": account.files[name].sha256} if name in account.files else {})
        for name in names
    ]  # fmt: skip
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": title(account),
        "description": f"Query: {facts.query or 'all posts'}. See {README}.",
        "datePublished": f"{facts.created_at:%Y-%m-%d}",
        "license": {"@id": "#licence"},
        "hasPart": [{"@id": name} for name in names],
        "creator": {"@id": "#marsad"},
        "author": {"@id": "#authors"},
        "publisher": {"@id": "#authors"},
    }
    if account.first_day:
        root["temporalCoverage"] = f"{account.first_day}/{account.last_day}"
    software = {
        "@id": "#marsad",
        "@type": "SoftwareApplication",
        "name": "Marsad",
        "softwareVersion": facts.marsad,
    }
    licence = {
        "@id": "#licence",
        "@type": "CreativeWork",
        "name": "No licence",
        "description": f"Not licensed for passing on: see {README}, section Privacy.",
    }
    authors = {"@id": "#authors", "@type": "Organization", "name": _AUTHORS}
    descriptor = {
        "@id": CRATE,
        "@type": "CreativeWork",
        "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
        "about": {"@id": "./"},
    }
    graph = [descriptor, root, software, licence, authors, *files]
    return _json({"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": graph})


def citation(account: Account, facts: Facts) -> str:
    """Return ``CITATION.cff`` (Citation File Format 1.2.0)."""
    quoted = msgspec.json.encode  # a JSON string is a YAML string
    query = f"Query: {facts.query or 'all posts'}; time zone {facts.timezone}."
    return (
        "cff-version: 1.2.0\n"
        "message: Cite the data set with its query and checksums; name yourselves as authors.\n"
        "type: dataset\n"
        f"title: {quoted(title(account)).decode()}\n"
        "authors:\n"
        f"  - name: {_AUTHORS}\n"
        f"abstract: {quoted(query).decode()}\n"
        f"date-released: {facts.created_at:%Y-%m-%d}\n"
        f"version: {quoted(facts.marsad).decode()}\n"
    )


def _json(content: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n"
