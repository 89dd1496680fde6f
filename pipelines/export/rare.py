"""Rare combinations: who reads an export may recognise somebody by what few have in common.

k-anonymity (Sweeney 2002, Int. J. Uncertain. Fuzziness 10:557-570): each combination of what an
outsider may know (platform, day, language, entities) should be shared by ``k`` accounts at least.
Suppressed, a rare post loses its day, times, version, entities, mentions and attitudes; where its
platform and language are rare as well, it is left out.
"""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import msgspec

from ingest.records import Post
from pipelines.errors import OutputError
from pipelines.export.columns import Exported
from pipelines.records import Hit
from pipelines.stores.sqlite_file import is_full

#: Fewer accounts than these are few.
K = 5
_NAME = "rare"
#: Kibibytes of the temporary file that stay in memory.
_CACHE = 4_000

_Codes = tuple[int, int, int]


class Vocabulary:
    """The values of combinations, numbered: there are few of each, however many combinations."""

    def __init__(self) -> None:
        self.pairs: dict[tuple[str, str], int] = {}
        """Platforms with languages."""
        self.days: dict[str, int] = {}
        self.entities: dict[tuple[str, ...], int] = {}

    def add(self, post: Post, day: str) -> _Codes:
        """Return the numbers of a post's entities, of its day, and of its platform and language."""
        names = _entities(post)
        return (
            self.entities.setdefault(names, len(self.entities)),
            self.days.setdefault(day, len(self.days)),
            self.pairs.setdefault((post.platform, post.language), len(self.pairs)),
        )

    def find(self, post: Post, day: str) -> int | None:
        """Return the one number of a post's combination, ``None`` where a value is new."""
        entities = self.entities.get(_entities(post))
        of_day = self.days.get(day)
        pair = self.pairs.get((post.platform, post.language))
        if entities is None or of_day is None or pair is None:
            return None
        return self.joined((entities, of_day, pair))

    def joined(self, codes: _Codes) -> int:
        """Return the one number of a combination, when all values are known."""
        entities, day, pair = codes
        return (entities * len(self.days) + day) * len(self.pairs) + pair

    def entities_of(self, joined: Iterable[int]) -> set[int]:
        """Return the numbers of the entities of combinations."""
        others = len(self.days) * len(self.pairs)
        return {number // others for number in joined}


class Rare(msgspec.Struct, frozen=True):
    """What is rare among the posts of an export."""

    vocabulary: Vocabulary
    common: array[int]
    """The combinations that are not rare, ascending: what came after the count may be rare."""
    kept: frozenset[tuple[str, str]]
    """Platforms and languages that rare posts share with enough others of them."""
    posts: int
    """Posts with a rare combination."""

    @classmethod
    def of_none(cls) -> Rare:
        """Return what is rare among no posts."""
        return cls(Vocabulary(), array("q"), frozenset(), 0)

    def entities(self, *, suppressed: bool) -> tuple[str, ...]:
        """Return the entities of the posts: of common ones alone where rare ones lose theirs."""
        known = self.vocabulary.entities
        shown = self.vocabulary.entities_of(self.common) if suppressed else set(known.values())
        return tuple(sorted({name for names, code in known.items() if code in shown
                             for name in names}))  # fmt: skip

    def is_common(self, post: Post, day: str) -> bool:
        """Tell whether enough accounts share a post's combination."""
        number = self.vocabulary.find(post, day)
        if number is None:
            return False
        place = bisect_left(self.common, number)
        return place < len(self.common) and self.common[place] == number

    def suppress(self) -> Callable[[Exported], Exported | None]:
        """Return what is done to each post: ``None`` leaves it out."""

        def suppressed(post: Exported) -> Exported | None:
            if self.is_common(post, post.day):
                return post
            if (post.platform, post.language) not in self.kept:
                return None
            return msgspec.structs.replace(
                post,
                day="",
                created_at=None,
                collected_at=None,  # of a live source: a moment later
                version=0,  # the milliseconds of publication
                entities=(),
                mentions=(),
                targets=(),
            )

        return suppressed


def find(hits: Iterable[Hit], folder: Path, k: int = K) -> Rare:
    """Return what fewer than ``k`` accounts have in common; a post without author is one.

    There may be as many combinations as posts: they are sorted in a file of the folder, and take
    memory as numbers, 8 bytes each, where they are common. Raises :class:`OutputError` where
    that file can't be written.
    """
    words = Vocabulary()
    common = array("q")
    # what is left of rare posts: all of them that share platform and language
    rest: dict[int, set[int]] = defaultdict(set)
    posts = 0
    with _sorted(words, hits, folder) as rows:
        for codes, own in groupby(rows, key=itemgetter(0, 1, 2)):
            accounts: set[int] = set()
            number = 0
            for *_, account, times in own:
                number += times
                if len(accounts) < k:  # more of them change nothing, and there may be millions
                    accounts.add(account)
            if len(accounts) >= k:
                common.append(words.joined(codes))
                continue
            posts += number
            if len(rest[codes[2]]) < k:
                rest[codes[2]] |= accounts
    enough = {pair for pair, accounts in rest.items() if len(accounts) >= k}
    kept = frozenset(pair for pair, code in words.pairs.items() if code in enough)
    return Rare(words, common, kept, posts)


@contextmanager
def _sorted(
    words: Vocabulary, hits: Iterable[Hit], folder: Path
) -> Iterator[Iterator[tuple[int, ...]]]:
    """Yield each combination's codes, an account and its posts, ordered by the codes.

    SQLite keeps them in a file of the folder that has no name any more, which is gone with this
    process. It holds no name: of an account 64 bits are written, made with a key that is forgotten
    (two accounts that share a combination have the same ones once in 10^19 pairs).
    """
    key = secrets.token_bytes(16)

    def row(hit: Hit) -> tuple[int, ...]:
        name = (hit.post.author or hit.post.id).encode(errors="surrogatepass")
        digest = hashlib.blake2b(name, digest_size=8, key=key).digest()
        return *words.add(hit.post, hit.day), int.from_bytes(digest, signed=True)

    path = folder / _NAME
    path.unlink(missing_ok=True)  # of an export that was killed
    with _explained(folder), closing(sqlite3.connect(path, isolation_level=None)) as file:
        path.unlink()
        file.execute("PRAGMA journal_mode = OFF")
        file.execute(f"PRAGMA cache_size = -{_CACHE}")
        file.execute("BEGIN")
        # In order as they come: to sort them, SQLite would write them once more, to /tmp.
        file.execute("CREATE TABLE seen (entities INT, day INT, pair INT, account INT, posts INT, "
                     "PRIMARY KEY (entities, day, pair, account)) WITHOUT ROWID")  # fmt: skip
        file.executemany("INSERT INTO seen VALUES (?, ?, ?, ?, 1) "
                         "ON CONFLICT DO UPDATE SET posts = posts + 1", map(row, hits))  # fmt: skip
        yield file.execute("SELECT * FROM seen ORDER BY 1, 2, 3, 4")


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        if is_full(error):
            raise OutputError(
                f"no room in {folder} for the temporary file in which rare posts are counted "
                f"({error}): make room, or choose another folder. Nothing was written"
            ) from error
        raise OutputError(
            f"the temporary file in {folder}, in which rare posts are counted, failed ({error}): "
            "choose another folder, or change its permissions. Nothing was written"
        ) from error


def _entities(post: Post) -> tuple[str, ...]:
    return tuple(sorted({*post.entities, *(target.entity for target in post.targets)}))
