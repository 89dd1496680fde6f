"""What a deletion would hit."""

from __future__ import annotations

from collections import Counter

import msgspec

from pipelines.commands._shared.authors import known_authors
from pipelines.query import all_of, only
from pipelines.stores.protocols import Store
from pipelines.web.queries.posts import Found, Study, found_of, study

#: Posts that are shown of what would be deleted.
SHOWN = 5


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """The posts that a deletion would remove."""

    posts: int
    platforms: dict[str, int]
    found: list[Found]
    """The newest of them."""
    study: Study


def deletion(store: Store, post_id: str, author: str, platform: str) -> Preview:
    """Return what a deletion of a post, or of an account's posts, would remove."""
    node = only("id", post_id) if post_id else known_authors(only("author", author), store)
    if author and platform:
        node = all_of(node, only("platform", platform))
    page = store.search(node, SHOWN)
    counts: Counter[str] = Counter()
    for one in store.sums(node, "day", "platform"):
        counts[one.group] += one.posts
    return Preview(
        posts=page.total,
        platforms=dict(counts.most_common()),
        found=[found_of(hit, node) for hit in page.hits],
        study=study(store),
    )
