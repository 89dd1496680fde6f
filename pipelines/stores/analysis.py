"""How the words of stored posts were analysed: what a query is compared with."""

from __future__ import annotations

from pipelines.errors import StoreVersion

#: Version of what :func:`pipelines.stages.index` computes (tokens, keys, variants, day and hour)
#: and of the counts that posts are found by. Raise it with every change of their outcome; a test
#: holds it to a sample.
VERSION = 3


def require(store: str, stored: int, building: int = 0) -> None:
    """Raise :class:`StoreVersion` if a store's words can't be compared with a query's.

    ``building`` is the version that its posts are being analysed with anew, 0 for none.
    """
    if VERSION in {stored, building}:
        return
    if stored > VERSION:
        raise StoreVersion(
            f"The words in {store} were analysed by a later Marsad (analysis {stored}; this one "
            f"knows {VERSION}): upgrade Marsad, or choose another --store."
        )
    raise StoreVersion(
        f"The words in {store} were analysed by an older Marsad (analysis {stored}; this one has "
        f"{VERSION}), so that searching would miss posts: run marsad reindex."
    )
