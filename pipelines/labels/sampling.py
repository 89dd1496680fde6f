"""Which posts people are to label: a random sample, spread over strata."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from pipelines.query import All, Node, all_of, only
from pipelines.records import Hit
from pipelines.stores.labels import CHUNK
from pipelines.stores.protocols import Reading
from pipelines.trends import week_of

Stratum = Literal["language", "predicted", "week", "day", "platform", "source", "entity"]
STRATA: tuple[Stratum, ...] = (
    "language", "predicted", "week", "day", "platform", "source", "entity",
)  # fmt: skip

#: Bytes that say where in its stratum a post stands.
_CHANCE = 12


class Sampled(msgspec.Struct, frozen=True):
    """A post of a sample."""

    hit: Hit
    weight: float
    """How many posts of the query it stands for: posts over sampled posts."""
    stratum: str


def sample(
    store: Reading,
    query: Node,
    size: int,
    *,
    strata: Iterable[Stratum] = (),
    seed: int = 1,
    leave_out: Iterable[str] = (),
) -> list[Sampled]:
    """Return at most ``size`` posts that match, in random order; all of them where these are few.

    Systematic sampling in the order of the strata (W. G. Cochran 1977, *Sampling Techniques*,
    ch. 8): every post has the same chance, and each stratum its share of the sample, up to one
    post. The same posts, seed and strata give the same sample in every store. ``leave_out`` are
    ids that are not sampled (labelled before).
    """
    names = tuple(strata)
    out = set(leave_out)
    # one value of bytes for each post, which sorts by chance: there may be millions
    found: dict[str, list[bytes]] = defaultdict(list)
    for hit in store.scan(query):
        if hit.post.id not in out:
            found[stratum_of(hit, names)].append(_chance(seed, hit.post.id) + hit.post.id.encode())
    posts = sum(map(len, found.values()))
    if not posts or size < 1:
        return []
    size = min(size, posts)
    start = int.from_bytes(_chance(seed, "start")[:6]) / 16**12
    step = posts / size
    wanted = iter(int((number + start) * step) for number in range(size))
    place, before = next(wanted, None), 0
    chosen: dict[str, str] = {}
    for stratum in sorted(found):
        own = sorted(found.pop(stratum))
        while place is not None and place < before + len(own):
            chosen[own[place - before][_CHANCE:].decode()] = stratum
            place = next(wanted, None)
        before += len(own)
    hits = {hit.post.id: hit for hit in by_ids(store, chosen)}
    order = sorted((name for name in chosen if name in hits), key=lambda name: _chance(seed, name))
    return [Sampled(hits[name], step, chosen[name]) for name in order]


def by_ids(store: Reading, ids: Iterable[str], query: Node | None = None) -> Iterator[Hit]:
    """Yield the posts of these ids that are there (and match)."""
    names = sorted(ids)
    for start in range(0, len(names), CHUNK):
        yield from store.scan(all_of(query or All(), only("id", *names[start : start + CHUNK])))


def stratum_of(hit: Hit, names: Iterable[Stratum]) -> str:
    """Return the stratum of a post: its values parted by ``|``."""
    post = hit.post
    values = {
        "language": post.language,
        "predicted": post.sentiment.label if post.sentiment else "",
        "week": week_of(hit.day) if hit.day else "",
        "day": hit.day,
        "platform": post.platform,
        "source": post.source,
        "entity": ",".join(post.entities),
    }
    return "|".join(values[name] for name in names)


def _chance(seed: int, name: str) -> bytes:
    return hashlib.blake2b(f"{seed}:{name}".encode(), digest_size=_CHANCE).digest()
