"""Making a store's indices, and making sure that those there are a store's."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import msgspec
from elastic_transport import TransportError
from elasticsearch import ApiError

from pipelines.errors import StoreError, StoreMissing, StoreVersion
from pipelines.stores import analysis
from pipelines.stores.elasticsearch import generations
from pipelines.stores.elasticsearch.generations import Generations
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


def prepare(server: Server, names: Address, *, reindexing: bool = False) -> None:
    """Make what is not there yet: templates, indices, and the lifecycle where it is known.

    Raises :class:`StoreError` if an index of that name is no store's, :class:`StoreVersion` if
    it is a later Marsad's or must be re-indexed (unless it is opened for that),
    :class:`StoreFull` if the server has no room.
    """
    there = verify(server, names, writing=True, reindexing=reindexing)
    for name in _SINGLE:
        index = f"{names.prefix}-{name}"
        one = definition(name, names)
        server.do(lambda es, i=index, d=one: es.indices.put_index_template(name=i, **d))  # type: ignore[misc]
        if index not in there:
            create(server, index)
        else:
            _add_fields(server, index, one["template"]["mappings"]["properties"], there[index])
    state, seen = generations.read(server, names)
    if seen is None and not any(index.startswith(f"{names.posts}-") for index in there):
        state = msgspec.structs.replace(state, analysis=analysis.VERSION)
        generations.save(server, names, state, None)  # or another process did
    follow(server, names)


def follow(server: Server, names: Address) -> None:
    """Bring templates and the alias to what the generations are now."""
    state, _ = generations.read(server, names)
    while True:
        bring_templates(server, names, state)
        _show(server, names, state)
        now, _ = generations.read(server, names)
        if now.written == state.written:
            return
        state = now  # somebody turned to another meanwhile


def bring_templates(server: Server, names: Address, state: Generations) -> None:
    """Bring the templates of months: of the generation that is read, and of the next one.

    Months of a generation before can't be made any more.
    """
    lifecycle = f"{names.prefix}-posts"
    managed = _lifecycle(server, names, lifecycle)
    for number in sorted({1, *state.written}):
        posts = definition("posts", names)
        template = posts["template"]
        posts["index_patterns"] = [f"{names.generation(number)}-*"]
        posts["priority"] += number
        if managed:
            template["settings"]["index.lifecycle.name"] = lifecycle
        if number != state.current:
            del template["aliases"]
        if number not in state.written:
            posts["allow_auto_create"] = False
        if number == state.building:
            # so that nothing that is copied late can bring back what was deleted meanwhile
            template["settings"]["index.gc_deletes"] = "1d"
        name = names.generation(number)
        server.do(lambda es, n=name, p=posts: es.indices.put_index_template(name=n, **p))  # type: ignore[misc]


def _show(server: Server, names: Address, state: Generations) -> None:
    """Let the alias stand for all months of the generation that is read, and for no others.

    At one moment for all; nothing happens where it does already.
    """
    actions: list[dict[str, Any]] = []
    for number, found in generations.months(server, names).items():
        for month, aliases in found.items():
            place = {"index": names.month(month, number), "alias": names.posts}
            if number == state.current and names.posts not in aliases:
                actions.append({"add": place})
            elif number != state.current and names.posts in aliases:
                actions.append({"remove": place})
    if actions:
        server.do(lambda es: es.indices.update_aliases(actions=actions))


def require(server: Server, names: Address, *, reindexing: bool = False) -> None:
    """Raise :class:`StoreMissing` unless there is a store to read, ``StoreError`` if it is bad."""
    if names.books not in verify(server, names, reindexing=reindexing):
        raise StoreMissing(f"There is nothing in {names} yet: run marsad ingest first.")


def verify(
    server: Server, names: Address, *, writing: bool = False, reindexing: bool = False
) -> dict[str, Any]:
    """Check the indices that are there, and return their fields by name."""
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
        _check(server, names, index, state["mappings"], reindexing)
    if names.books in found and not reindexing:
        now, _ = generations.read(server, names)
        analysis.require(str(names), now.analysis, now.building and now.target)
    return {index: state["mappings"].get("properties", {}) for index, state in found.items()}


def _add_fields(server: Server, index: str, wanted: dict[str, Any], there: dict[str, Any]) -> None:
    """Add the fields that an older Marsad did not know."""
    missing = {field: kind for field, kind in wanted.items() if field not in there}
    if missing:
        server.do(lambda es: es.indices.put_mapping(index=index, properties=missing))


def _check(
    server: Server, names: Address, index: str, mapping: dict[str, Any], reindexing: bool
) -> None:
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
    holds = str(mark.get("holds"))
    wanted = definition(holds, names)["template"]["mappings"]["properties"]
    there = mapping.get("properties", {})
    for field, kind in wanted.items():
        missing = field not in there
        if (missing and holds != "posts") or (reindexing and holds == "posts"):
            continue  # added in place, or by copying
        if missing or there[field].get("type", "object") != kind["type"]:
            remedy = "run marsad reindex, or " if holds == "posts" else ""
            raise StoreVersion(
                f"The field {field} of the index {index} at {server.url} has another mapping than "
                f"this Marsad gives it: {remedy}{instead}."
            )


def create(server: Server, index: str) -> None:
    """Make an index by its template, if it is not there yet."""
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
