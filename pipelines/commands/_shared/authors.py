"""Raw account names in queries: what a store finds by them, and what others may read."""

from __future__ import annotations

from collections.abc import Sequence

from ingest.privacy.keyring import Keyring
from ingest.privacy.protector import Protector, is_pseudonym
from pipelines.query import Filter, Node, parse, rewrite
from pipelines.stores.protocols import Store

#: Stands for a name that no post has; no account is called so, it finds nothing either.
_NOBODY = "[user]"


def known_authors(node: Node, store: Store) -> Node:
    """Return the query with the names of ``author:`` as the pseudonyms they have in a store."""
    return rewrite(node, "author", lambda name: _names(name, store))


def told(query: Sequence[str], store: Store) -> str:
    """Return a query as others may read it: it finds the same posts, and names nobody.

    A name stands as the pseudonyms that posts have: beside them it would undo them all. It
    stays where posts carry it themselves, as their authors' names were kept.
    """

    def carried(name: str) -> list[str]:
        if is_pseudonym(name):
            return [name]
        found = _names(name, store) or [name]
        return [one for one in found if store.count(Filter("author", (one,)))[0]] or [_NOBODY]

    return str(rewrite(parse(" ".join(query)), "author", carried))


def _names(name: str, store: Store) -> list[str]:
    """Return what an author may be called in a store; nothing for what can only be one name."""
    keys = Keyring().all()
    if is_pseudonym(name) or not keys:
        return []
    protect = Protector(keys)
    platforms = store.status().platforms
    found = [one for platform in platforms for one in protect.pseudonyms(platform, name)]
    return [name, *found]  # a store that keeps authors has the raw account name
