"""Making a store's indices, and making sure that those there are a store's."""

from __future__ import annotations

import json
from typing import Any

from elasticsearch import ApiError

from pipelines import deployed
from pipelines.errors import StoreError, StoreMissing, StoreVersion
from pipelines.stores import analysis
from pipelines.stores.elasticsearch import state
from pipelines.stores.elasticsearch.indices import Indices
from pipelines.stores.elasticsearch.server import full

#: Version of the mappings in the definitions; raise it with them.
SCHEMA = 2
#: The posts come last: where they are, all is there.
_KINDS = ("state", "tombstones", "posts")


def definition(name: str, prefix: str) -> dict[str, Any]:
    """Return one of the definition files, for the store with this prefix."""
    text = deployed.read(f"elasticsearch/{name}.json")
    return dict(json.loads(text.replace("{prefix}", prefix)))


def prepare(indices: Indices, *, reindexing: bool = False) -> None:
    """Make what is not there yet: index templates and indices.

    Raises :class:`StoreError` if an index of that name is no store's, :class:`StoreVersion` if
    it is another Marsad's or must be re-indexed (unless it is opened for that),
    :class:`StoreFull` if the server has no room.
    """
    there = verify(indices, writing=True, reindexing=reindexing)
    for kind in _KINDS:
        name = f"{indices.address.prefix}-{kind}"
        template = definition(kind, indices.address.prefix)
        _put_template(indices, name, template)
        if kind == "posts":
            versions = [one for one in there if indices.address.number(one)]
            if versions:
                _restore_alias(indices, versions)
            else:
                _create_first(indices, template)
        elif name not in there:
            _create(indices, name)
        else:
            fields = template["template"]["mappings"]["properties"]
            _add_fields(indices, name, fields, there[name])


def require(indices: Indices, *, reindexing: bool = False) -> None:
    """Raise :class:`StoreMissing` unless there is a store to read, ``StoreError`` if it is bad."""
    if not any(map(indices.address.number, verify(indices, reindexing=reindexing))):
        raise StoreMissing(f"There is nothing in {indices} yet: run marsad ingest first.")


def verify(
    indices: Indices, *, writing: bool = False, reindexing: bool = False
) -> dict[str, dict[str, Any]]:
    """Check the indices that are there, and return their fields by name."""
    prefix, url = indices.address.prefix, indices.server.url
    patterns = [f"{indices.posts}-*", *(f"{prefix}-{kind}" for kind in _KINDS)]
    # those of a Marsad before this one: they say so themselves
    patterns += [f"{prefix}-heads", f"{prefix}-books"]
    found = indices.server.do(
        lambda es: es.indices.get(
            index=patterns, ignore_unavailable=True, features=["mappings", "settings", "aliases"]
        )
    )
    for index, one in found.items():
        blocks = one["settings"]["index"].get("blocks", {})
        if writing and str(blocks.get("read_only_allow_delete")) == "true":
            raise full(url)
        mark = _check(indices, index, one["mappings"], reindexing)
        if indices.posts in one["aliases"] and not reindexing:
            analysis.require(str(indices), mark["analysis"], _building(indices, found))
    return {index: one["mappings"].get("properties", {}) for index, one in found.items()}


def create_posts(indices: Indices, index: str) -> None:
    """Make an index version of the posts, for the analysis of this Marsad."""
    mark = {"marsad": {"schema": SCHEMA, "holds": "posts", "analysis": analysis.VERSION}}
    _create(indices, index, mappings={"_meta": mark})


def _create_first(indices: Indices, template: dict[str, Any]) -> None:
    """Make the first index version, behind the alias.

    The alias comes from a template, so that who makes the index need not have the right to
    change aliases.
    """
    index = indices.address.version(1)
    behind = {**template["template"], "aliases": {indices.posts: {}}}
    own = {"index_patterns": [index], "priority": template["priority"] + 1, "template": behind}
    _put_template(indices, index, {**template, **own})
    create_posts(indices, index)


def _restore_alias(indices: Indices, versions: list[str]) -> None:
    """Add the alias where it is missing, as after a restore from a snapshot without aliases."""
    if indices.server.do(lambda es: es.indices.exists_alias(name=indices.posts)):
        return
    # what a re-indexing fills is not whole yet
    progress, _ = state.read(indices, "reindex", dict)
    source = progress["source"] if progress else ""
    index = source if source in versions else max(versions, key=indices.address.number)
    indices.server.do(lambda es: es.indices.put_alias(index=index, name=indices.posts))


def _put_template(indices: Indices, name: str, template: dict[str, Any]) -> None:
    indices.server.do(lambda es: es.indices.put_index_template(name=name, **template))


def _building(indices: Indices, found: Any) -> int:
    """Return the analysis of the index version that is being filled, 0 if there is none."""
    marks = [
        one["mappings"]["_meta"]["marsad"].get("analysis", 0)
        for index, one in found.items()
        if indices.address.number(index) and indices.posts not in one["aliases"]
    ]
    return max(marks, default=0)


def _add_fields(
    indices: Indices, index: str, wanted: dict[str, Any], there: dict[str, Any]
) -> None:
    """Add the fields that an older Marsad did not know."""
    missing = {field: kind for field, kind in wanted.items() if field not in there}
    if missing:
        indices.server.do(lambda es: es.indices.put_mapping(index=index, properties=missing))


def _check(
    indices: Indices, index: str, mapping: dict[str, Any], reindexing: bool
) -> dict[str, Any]:
    """Check one index, and return what it says of itself."""
    url = indices.server.url
    instead = f"name another in --store, as in {url}/another"
    mark = mapping.get("_meta", {}).get("marsad")
    if not isinstance(mark, dict):
        raise StoreError(
            f"The index {index} at {url} was not made by Marsad (its mapping is another): "
            f"{instead}."
        )
    if mark.get("schema") != SCHEMA:
        raise StoreVersion(
            f"The index {index} at {url} has schema {mark.get('schema')}, this Marsad knows "
            f"{SCHEMA}: use the Marsad that made it, or {instead}."
        )
    holds = str(mark.get("holds"))
    wanted = definition(holds, indices.address.prefix)["template"]["mappings"]["properties"]
    there = mapping.get("properties", {})
    for field, kind in wanted.items():
        missing = field not in there
        if (missing and holds != "posts") or (reindexing and holds == "posts"):
            continue  # added in place, or by copying
        if missing or there[field].get("type", "object") != kind["type"]:
            remedy = "run marsad reindex, or " if holds == "posts" else ""
            raise StoreVersion(
                f"The field {field} of the index {index} at {url} has another mapping than this "
                f"Marsad gives it: {remedy}{instead}."
            )
    return mark


def _create(indices: Indices, index: str, **options: Any) -> None:
    """Make an index by its template, if it is not there yet."""
    try:
        indices.server.do(lambda es: es.indices.create(index=index, **options))
    except StoreError as error:
        cause = error.__cause__
        if not (isinstance(cause, ApiError) and "resource_already_exists" in str(cause.body)):
            raise  # another process may have made it this moment
