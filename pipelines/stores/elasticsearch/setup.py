"""Making a store's indices, and making sure that those there are a store's."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from elastic_transport import TransportError
from elasticsearch import ApiError

from pipelines.errors import StoreError, StoreVersion
from pipelines.stores.elasticsearch.names import Address
from pipelines.stores.elasticsearch.server import Server, full

log = logging.getLogger(__name__)

#: Version of the mappings in the definitions; raise it with them.
SCHEMA = 1
#: The definitions: beside the code in an installed package, in ``deploy/`` in a checkout.
_PLACES = (
    Path(__file__).parent / "definitions",
    Path(__file__).parents[3] / "deploy" / "elasticsearch",
)
_SINGLE = ("heads", "tombstones", "books")


def definition(name: str, names: Address) -> dict[str, Any]:
    """Return one of the definition files, for this store."""
    for folder in _PLACES:
        path = folder / f"{name}.json"
        if path.is_file():
            text = path.read_text(encoding="utf-8").replace("{prefix}", names.prefix)
            return dict(json.loads(text))
    raise StoreError(f"The definition {name}.json is missing from this installation: reinstall.")


def prepare(server: Server, names: Address) -> None:
    """Make what is not there yet: templates, indices, and the lifecycle where it is known.

    Raises :class:`StoreError` if an index of that name is no store's, :class:`StoreVersion` if
    it is a later Marsad's, :class:`StoreFull` if the server has no room.
    """
    there = verify(server, names, writing=True)
    posts = definition("posts", names)
    lifecycle = f"{names.prefix}-posts"
    if _lifecycle(server, names, lifecycle):
        posts["template"]["settings"]["index.lifecycle.name"] = lifecycle
    server.do(lambda es: es.indices.put_index_template(name=names.posts, **posts))
    for name in _SINGLE:
        index = f"{names.prefix}-{name}"
        one = definition(name, names)
        server.do(lambda es, i=index, d=one: es.indices.put_index_template(name=i, **d))  # type: ignore[misc]
        if index not in there:
            _create(server, index)


def require(server: Server, names: Address) -> None:
    """Raise :class:`StoreError` unless there is a store to read, of this Marsad."""
    if names.books not in verify(server, names):
        raise StoreError(f"There is nothing in {names} yet: run marsad ingest first.")


def verify(server: Server, names: Address, *, writing: bool = False) -> set[str]:
    """Check the indices that are there, and return their names."""
    patterns = [f"{names.posts}-*", names.posts, *(f"{names.prefix}-{one}" for one in _SINGLE)]
    found = server.do(
        lambda es: es.indices.get(
            index=patterns, ignore_unavailable=True, features=["mappings", "settings"]
        )
    )
    for index, state in found.items():
        blocks = state["settings"]["index"].get("blocks", {})
        if writing and str(blocks.get("read_only_allow_delete")) == "true":
            raise full(server.url)
        _check(server, names, index, state["mappings"])
    return set(found.keys())


def _check(server: Server, names: Address, index: str, mapping: dict[str, Any]) -> None:
    mark = mapping.get("_meta", {}).get("marsad")
    instead = f"name another in --store, as in {server.url}/another"
    if not isinstance(mark, dict):
        raise StoreError(
            f"The index {index} at {server.url} was not made by Marsad (its mapping is another): "
            f"{instead}."
        )
    if mark.get("schema") != SCHEMA:
        raise StoreVersion(
            f"The index {index} at {server.url} has schema {mark.get('schema')}, this Marsad "
            f"knows {SCHEMA}: use the Marsad that made it, or {instead}."
        )
    wanted = definition(str(mark.get("holds")), names)["template"]["mappings"]["properties"]
    there = mapping.get("properties", {})
    for field, kind in wanted.items():
        if there.get(field, {}).get("type", "object") != kind["type"]:
            raise StoreError(
                f"The field {field} of the index {index} at {server.url} has another mapping than "
                f"Marsad gives it: {instead}, or index the posts anew."
            )


def _create(server: Server, index: str) -> None:
    try:
        server.do(lambda es: es.indices.create(index=index))
    except StoreError as error:
        cause = error.__cause__
        if not (isinstance(cause, ApiError) and "resource_already_exists" in str(cause.body)):
            raise  # another process may have made it this moment


def _lifecycle(server: Server, names: Address, name: str) -> bool:
    """Bring the lifecycle policy to a server that knows of such; say so to one that does not."""
    policy = definition("lifecycle", names)["policy"]
    try:
        there = server.client.ilm.get_lifecycle()
    except ApiError as error:
        # The months then stay as they are made, which loses nothing.
        log.info(
            "%s does not manage lifecycles (%s): months stay on the disks they are made on.",
            server.url,
            error.meta.status,
        )
        return False
    except TransportError as error:
        raise server.explain(error) from error
    if name not in there:  # an operator's own changes stay
        server.do(lambda es: es.ilm.put_lifecycle(name=name, policy=policy))
    return True
