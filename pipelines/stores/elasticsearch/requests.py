"""The few requests that everything else is made of: read by id, write in bulk, walk a search."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from elastic_transport import TransportError
from elasticsearch import ApiError, NotFoundError, helpers

from pipelines.errors import StoreBusy, StoreError
from pipelines.stores.elasticsearch.server import PASSING, Server, Waiting, full, is_full

#: Ids that one request asks for, documents it writes, bytes it sends at most (but for a single
#: document, which may be longer), hits it returns.
_READ = 2_000
_WRITE = 1_000
_BYTES = 8_000_000
PAGE = 1_000
_KEEP = "5m"


class Seen(NamedTuple):
    """A document as it was read, and what a write must name to change nothing newer."""

    source: Any
    seq_no: int
    term: int


class Write(NamedTuple):
    """One write of a bulk request; ``where`` is an index, ``body`` JSON, None for a deletion."""

    where: str
    id: str
    body: bytes | None
    create: bool = False
    """Only if it is not there yet."""
    seen: Seen | None = None
    """Only if it is as it was seen."""
    version: int | None = None
    """Only if nothing of a higher version is there; a version that comes from the record."""
    strictly: bool = False
    """Nor of the same version."""


class Written(NamedTuple):
    """What became of one write."""

    status: int
    reason: str = ""
    seen: Seen | None = None

    @property
    def refused(self) -> bool:
        """Whether the server will never take this document."""
        return self.status in {400, 413}

    @property
    def missing(self) -> bool:
        """Whether the index is not there and may not be made."""
        return self.status == 404

    @property
    def conflict(self) -> bool:
        """Whether something else is there than was expected."""
        return self.status == 409


def get(server: Server, index: str, name: str) -> Seen | None:
    """Return one document as it is now, None if there is none."""
    try:
        found = server.do(lambda es: es.get(index=index, id=name))
    except StoreError as error:
        if isinstance(error.__cause__, NotFoundError):
            return None
        raise
    return Seen(found["_source"], found["_seq_no"], found["_primary_term"])


def get_many(
    server: Server, index: str, names: Iterable[str], *, without: Sequence[str] = ()
) -> dict[str, Seen]:
    """Return those documents that are there, as they are now."""
    wanted = list(dict.fromkeys(names))
    found: dict[str, Seen] = {}
    for start in range(0, len(wanted), _READ):
        part = wanted[start : start + _READ]
        answer = server.do(
            lambda es, ids=part: es.mget(  # type: ignore[misc]
                index=index, ids=ids, source_excludes=list(without) or None
            )
        )
        for one in answer["docs"]:
            if one.get("found"):
                found[one["_id"]] = Seen(one["_source"], one["_seq_no"], one["_primary_term"])
    return found


def bulk(server: Server, writes: Sequence[Write], *, refusable: bool = False) -> list[Written]:
    """Make writes and return what became of each; no two may name the same document.

    A document that the server will never take is an error unless it is ``refusable``.
    What the server can't take now is sent again, with growing pauses. After an answer that was
    lost a write may say ``conflict`` although it was made: the caller looks. Raises
    :class:`StoreFull` if the server has no room, what :meth:`Server.do` raises otherwise.
    """
    results: dict[tuple[str, str], Written] = {}
    left = {(write.where, write.id): write for write in writes}
    waiting = Waiting(server)
    while left:
        refused: StoreError | None = None
        cause = ""
        try:
            for place, item in _sent(server, left.values()):
                reason = _reason(item)
                if (status := int(item["status"])) in PASSING and not is_full(reason):
                    refused = StoreBusy(
                        f"{server.url} is too busy or not ready ({reason}): repeat the command "
                        "when it has recovered; it goes on where it stopped."
                    )
                    cause = str(status)
                    continue
                results[place] = _written(server, left.pop(place), status, item, reason, refusable)
        except (ApiError, TransportError) as error:
            waiting.after(error)
            continue
        if refused is not None:
            waiting.pause(refused, cause)
    return [results[write.where, write.id] for write in writes]


def _sent(
    server: Server, writes: Iterable[Write]
) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
    """Send writes once, in as many requests as they need; raise the first that fails whole."""
    for _, answer in helpers.streaming_bulk(
        server.client,
        [_action(write) for write in writes],
        chunk_size=_WRITE,
        max_chunk_bytes=_BYTES,
        raise_on_error=False,
        raise_on_exception=True,
        max_retries=0,
    ):
        ((_, item),) = answer.items()
        yield (item["_index"], item["_id"]), item


def walk(server: Server, index: str, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield all hits of a search in its order, which must be total, from one state."""
    opened = server.do(
        lambda es: es.open_point_in_time(index=index, keep_alive=_KEEP, ignore_unavailable=True)
    )
    pit = opened["id"]
    request = {"size": PAGE, "track_total_hits": False, **body}
    try:
        while True:
            request["pit"] = {"id": pit, "keep_alive": _KEEP}
            page = server.do(lambda es: es.search(**request))
            pit = page["pit_id"]
            hits = page["hits"]["hits"]
            yield from hits
            if len(hits) < request["size"]:
                return
            request["search_after"] = hits[-1]["sort"]
    finally:
        with suppress(ApiError, TransportError):  # it expires by itself
            server.client.close_point_in_time(id=pit)


def search(server: Server, index: str, body: dict[str, Any]) -> Any:
    """Make one search; an index that is not there yet holds nothing."""
    return server.do(lambda es: es.search(index=index, ignore_unavailable=True, **body))


def _action(write: Write) -> dict[str, Any]:
    action: dict[str, Any] = {
        "_op_type": "delete" if write.body is None else "create" if write.create else "index",
        "_index": write.where,
        "_id": write.id,
    }
    if write.body is not None:
        action["_source"] = write.body
    if write.seen is not None:
        action["if_seq_no"] = write.seen.seq_no
        action["if_primary_term"] = write.seen.term
    if write.version is not None:
        action["version"] = write.version
        action["version_type"] = "external" if write.strictly else "external_gte"
    return action


def _written(
    server: Server,
    write: Write,
    status: int,
    item: dict[str, Any],
    reason: str,
    refusable: bool,
) -> Written:
    """Return what became of a write; raise where the fault is not the document's."""
    absent = write.body is None and status == 404
    if is_full(reason):
        raise full(server.url)
    expected = {400, 404, 409, 413} if refusable else {409}
    if status >= 300 and status not in expected and not absent:
        raise StoreError(
            f"{server.url} does not write to {write.where} ({reason}): lift a block on it, give "
            "the account the rights that docs/elasticsearch.md lists, or free what it lacks."
        )
    seen = Seen(None, item["_seq_no"], item["_primary_term"]) if "_seq_no" in item else None
    return Written(status, reason, seen)


def _reason(item: dict[str, Any]) -> str:
    error = item.get("error")
    if isinstance(error, dict):
        cause = error.get("caused_by") or {}
        return f"{error.get('type')}: {error.get('reason')} {cause.get('reason', '')}".strip()
    return str(error or "")
