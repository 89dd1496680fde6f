"""Removing the last bytes of deleted texts from the server's disks."""

from __future__ import annotations

from elastic_transport import TransportError
from elasticsearch import ApiError

from pipelines.stores.elasticsearch.names import Address
from pipelines.stores.elasticsearch.requests import Write, bulk, get
from pipelines.stores.elasticsearch.server import Server

#: The document that says that deleted texts may still have bytes somewhere.
_MARK = "unclean"

#: Seconds that the server may take for rewriting what held deleted texts.
_REWRITING = 600.0


def clean(server: Server, names: Address) -> bool:
    """Rewrite every segment that holds something deleted; tell whether nothing is left.

    A deleted document is served to nobody, but it stays in its segment until that is merged,
    and in the translog until that is flushed. A shard keeps what was deleted within the last 30
    seconds or so for copies that fell behind (its retention leases, which no setting hastens),
    so the first call after a deletion usually can't remove everything, and a later one does.
    """
    target = [f"{names.posts}-*", names.heads, names.books]
    client = server.client
    try:
        client.indices.flush(index=target, ignore_unavailable=True)
        client.options(request_timeout=_REWRITING).indices.forcemerge(
            index=target, only_expunge_deletes=True, ignore_unavailable=True
        )
        client.indices.flush(index=target, ignore_unavailable=True)
        found = client.indices.stats(index=target, metric="docs")
    except (ApiError, TransportError):
        return False  # no time or no room: the mark stays, and the next command tries again
    return int(found["_all"]["total"].get("docs", {}).get("deleted", 0)) == 0


def mark(server: Server, names: Address) -> None:
    """Note that something was deleted, before it is."""
    bulk(server, [Write(names.books, _MARK, b'{"kind": "unclean"}')])


def settle(server: Server, names: Address) -> bool:
    """Clean if something is marked, and take the mark off if that removed everything."""
    seen = get(server, names.books, _MARK)
    if seen is None:
        return True
    if not clean(server, names):
        return False
    # Only as it was: another process may have deleted more meanwhile.
    bulk(server, [Write(names.books, _MARK, None, seen=seen)])
    return True
