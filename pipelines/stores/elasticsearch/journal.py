"""What is written down before it is done: the plan of one batch, as its journal holds it."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator

import msgspec

from pipelines.stores.elasticsearch.heads import Claim, Entry

#: Bytes of posts that one document of a journal holds at most (but for a single post).
CHUNK = 4_000_000
#: About how many bytes a post takes beside its texts.
_REST = 600


class Journal(msgspec.Struct, frozen=True, array_like=True):
    """Where a plan is written down apart from its input: the batch's token, and how many parts."""

    token: str
    parts: int


class Notice(msgspec.Struct, frozen=True, array_like=True):
    """A gap, heartbeat or counter on its way into the books; ``body`` is its JSON."""

    id: str
    kind: str
    at: str
    body: str


class Plan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a batch does besides moving its input's document; one part of its journal."""

    token: str
    stones: tuple[tuple[str, str], ...] = ()
    """Tombstones: kind (``id`` or ``author``) and name, aliases included."""
    notices: tuple[Notice, ...] = ()
    revived: tuple[tuple[str, int], ...] = ()
    """Places of dead letters that were tried again."""
    entries: tuple[Entry, ...] = ()
    """Posts that wait to be scored."""
    claims: tuple[Claim, ...] = ()
    """Posts that came scored."""

    @property
    def batch(self) -> str:
        """The batch's name in heads: the same whoever writes it."""
        return self.token.rpartition("-")[0]


def next_token(key: str, last: str) -> str:
    """Return a token for the batch of an input after the one with the token ``last``."""
    before = last.split("-")
    number = int(before[1]) + 1 if len(before) == 3 else 1
    source = hashlib.blake2b(key.encode(), digest_size=6).hexdigest()
    return f"{source}-{number}-{uuid.uuid4().hex[:12]}"


def parts(plan: Plan) -> Iterator[Plan]:
    """Part a plan's posts so that no document becomes too long."""
    if not (plan.stones or plan.notices or plan.revived or plan.entries or plan.claims):
        return
    rest = msgspec.structs.replace(plan, entries=(), claims=())
    entries: list[Entry] = []
    claims: list[Claim] = []
    size = 0
    every: tuple[Entry | Claim, ...] = (*plan.entries, *plan.claims)
    for one in every:
        length = _length(one)
        if size and size + length > CHUNK:
            yield msgspec.structs.replace(rest, entries=tuple(entries), claims=tuple(claims))
            rest = Plan(token=plan.token)
            entries, claims, size = [], [], 0
        if isinstance(one, Claim):
            claims.append(one)
        else:
            entries.append(one)
        size += length
    yield msgspec.structs.replace(rest, entries=tuple(entries), claims=tuple(claims))


def _length(one: Entry | Claim) -> int:
    """Return about how many bytes something takes in a journal, rather more than less."""
    characters = len(one.post.text)
    if isinstance(one, Claim):
        words = one.document
        characters += len(words.tokens) + len(words.keys) + len(words.variants)
    return _REST + 2 * characters
