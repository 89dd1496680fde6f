"""Whatever happens in whatever order, every record is counted as a simple model says."""

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ingest.records import Post
from pipelines.query import All
from pipelines.records import Ledger
from pipelines.stores.protocols import Store
from pipelines.stores.sqlite import SqliteStore
from tests.conformance.corpus import Feeder, dead_letter, document, drain, post, scored, tombstone

IDS = ("t:1", "t:2", "t:3", "t:4")
AUTHORS = ("u_a", "u_b")


def author_of(name: str) -> str:
    return AUTHORS[int(name[-1]) % 2]


versions = st.builds(
    lambda name, text, version: post(name, text, version=version, author=author_of(name)),
    st.sampled_from(IDS),
    st.sampled_from(["un", "deux"]),
    st.integers(0, 2),
)
tombstones = st.one_of(
    st.sampled_from(IDS).map(tombstone),
    st.sampled_from(AUTHORS).map(lambda name: tombstone(author=name)),
)


class CountedOutcomes(RuleBasedStateMachine):
    """Feeds a store and a model that is a few dictionaries."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "test.db"
        self.store = self.opened()
        self.newest: dict[str, Post] = {}
        self.waiting: dict[str, int] = {}
        self.again: set[str] = set()
        self.deleted: set[str] = set()
        self.outcomes = dict.fromkeys(Ledger.__struct_fields__, 0)

    def opened(self) -> Store:
        return SqliteStore(self.path)

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    def collected_tombstone(self, deletions: list) -> None:
        for deletion in deletions:
            named = deletion.tombstone
            self.deleted |= {named.id or named.author}
            for name in IDS:
                if named.id == name or named.author == author_of(name):
                    self.newest.pop(name, None)
                    self.again.discard(name)
                    self.outcomes["deleted"] += self.waiting.pop(name, 0)
        self.outcomes["deleted"] += len(deletions)

    @rule(
        posts=st.lists(versions, max_size=5),
        deletions=st.lists(tombstones, max_size=1),
        filtered=st.integers(0, 2),
        dead=st.integers(0, 2),
    )
    def accept(self, posts: list[Post], deletions: list, filtered: int, dead: int) -> None:
        Feeder(self.store)(
            *posts,
            tombstones=deletions,
            filtered=filtered,
            dead=[dead_letter(self.outcomes["received"] + n) for n in range(dead)],
        )
        self.collected_tombstone(deletions)
        self.outcomes["received"] += len(posts) + len(deletions) + filtered + dead
        self.outcomes["filtered"] += filtered
        self.outcomes["dead"] += dead
        for new in posts:
            if {new.id, new.author} & self.deleted:
                self.outcomes["deleted"] += 1
            elif new.id in self.newest and new.rank() <= self.newest[new.id].rank():
                self.outcomes["duplicate"] += 1
            else:
                self.newest[new.id] = new
                self.waiting[new.id] = self.waiting.get(new.id, 0) + 1

    @rule(deletion=tombstones)
    def delete(self, deletion: object) -> None:
        self.store.delete([deletion])
        self.outcomes["received"] += 1
        self.collected_tombstone([deletion])

    @precondition(lambda self: self.waiting)
    @rule(limit=st.integers(1, 3), meanwhile=st.lists(versions, max_size=1))
    def index(self, limit: int, meanwhile: list[Post]) -> None:
        taken = self.store.pending(limit)
        self.accept(meanwhile, [], 0, 0)
        self.store.index([document(scored(p)) for p in taken])
        for done in taken:
            if self.newest[done.id].rank() == done.rank():
                self.outcomes["indexed"] += self.waiting.pop(done.id, 0)
                self.again.discard(done.id)

    @rule()
    def rescore(self) -> None:
        stored = [hit.post for hit in self.store.scan(All())]
        self.store.requeue(stored)
        for old in stored:
            if old.rank() == self.newest[old.id].rank():
                self.again.add(old.id)

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.store = self.opened()

    @invariant()
    def ledger_adds_up_and_agree(self) -> None:
        self.outcomes["pending"] = sum(self.waiting.values())
        ledger = self.store.ledger()
        assert ledger == Ledger(**self.outcomes)
        assert ledger.received == sum(self.outcomes.values()) - self.outcomes["received"]

    @invariant()
    def the_newest_versions_wait(self) -> None:
        waiting = {p.id: p.rank() for p in self.store.pending(99)}
        names = set(self.waiting) | self.again
        assert waiting == {name: self.newest[name].rank() for name in names}

    @invariant()
    def nothing_deleted_is_found(self) -> None:
        found = {hit.post.id for hit in self.store.scan(All())}
        assert found <= set(self.newest)

    @rule()
    def finish(self) -> None:
        drain(self.store)
        for name in list(self.waiting):
            self.outcomes["indexed"] += self.waiting.pop(name)
        self.again.clear()
        stored = {hit.post.id: hit.post.rank() for hit in self.store.scan(All())}
        assert stored == {name: p.rank() for name, p in self.newest.items()}


TestLedger = CountedOutcomes.TestCase
TestLedger.settings = settings(max_examples=15, stateful_step_count=15)
