"""What people say of posts: the next one to label, and how far coders agree."""

from __future__ import annotations

import random
from collections.abc import Sequence

import msgspec

from pipelines.analysis.correction import FEWEST_LABELS
from pipelines.query import only
from pipelines.records import Hit, HumanLabel
from pipelines.stages import utc_now
from pipelines.stores.protocols import Store
from pipelines.web.asked import Asked
from pipelines.web.queries.posts import Found, Study, found_of, node_of, study

#: What people may say of the mood of a post.
LABELS = ("negative", "neutral", "positive", "unclear")
#: Posts that are drawn before one is found that a coder has not labelled yet.
_DRAWS = 40


class Labelling(msgspec.Struct, frozen=True, kw_only=True):
    """The next post for a coder, and what was labelled so far."""

    found: Found | None
    labelled: int
    mine: int
    needed: int
    """Labels from which on trends are corrected."""
    agreed: float | None
    """Share of the posts that several coders labelled on which all agree."""
    kappa: float | None
    """Mean of Cohen's kappa over pairs of coders; ``None`` where it has no value."""
    alpha: float | None
    """Krippendorff's alpha; ``None`` where it has no value."""
    doubled: int
    """Posts that several coders labelled."""
    study: Study


def next_to_label(store: Store, asked: Asked, coder: str) -> Labelling:
    """Return a post drawn at random among those that match and this coder has not labelled."""
    node = node_of(asked, store)
    labelled = store.labelled(node)
    mine = {hit.post.id for hit, labels in labelled if any(one.coder == coder for one in labels)}
    total = store.count(node)[0]
    agreed, doubled = _agreement(labelled)
    measured = None
    if doubled:
        from pipelines.labels.agreement import agreement  # its libraries take their time to load

        measured = agreement(
            [
                [one for one in labels if one.aspect == "sentiment" and one.label in LABELS]
                for _, labels in labelled
            ]
        )
    return Labelling(
        found=_draw(store, asked, total, mine),
        labelled=len(labelled),
        mine=len(mine),
        needed=FEWEST_LABELS,
        agreed=agreed,
        kappa=measured.kappa if measured else None,
        alpha=measured.alpha if measured else None,
        doubled=doubled,
        study=study(store),
    )


def label(store: Store, post_id: str, coder: str, said: str) -> bool:
    """Keep what a coder said of the mood of a post; false if the post is not there."""
    hits = store.search(only("id", post_id), 1).hits
    if not hits:
        return False
    kept = HumanLabel(
        post=post_id,
        coder=coder,
        aspect="sentiment",
        label=said,
        digest=hits[0].post.digest,
        at=utc_now(),
    )
    return store.put_labels([kept]) > 0


def label_of(store: Store, post_id: str, coder: str) -> str:
    """Return what a coder said of the mood of a post; empty if nothing."""
    return next(
        (
            one.label
            for _, labels in store.labelled(only("id", post_id))
            for one in labels
            if one.coder == coder and one.aspect == "sentiment"
        ),
        "",
    )


def _draw(store: Store, asked: Asked, total: int, mine: set[str]) -> Found | None:
    node = node_of(asked, store)
    for _ in range(_DRAWS if len(mine) < total else 0):
        hits = store.search(node, 1, random.randrange(total)).hits
        if hits and hits[0].post.id not in mine:
            return found_of(hits[0], node)
    return None


def _agreement(
    labelled: Sequence[tuple[Hit, Sequence[HumanLabel]]],
) -> tuple[float | None, int]:
    several = [
        {one.label for one in labels if one.aspect == "sentiment"}
        for _, labels in labelled
        if len({one.coder for one in labels if one.aspect == "sentiment"}) > 1
    ]
    if not several:
        return None, 0
    return sum(len(said) == 1 for said in several) / len(several), len(several)
