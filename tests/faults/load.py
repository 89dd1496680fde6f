"""Posts under way while something breaks, and the check that each arrived once."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from pathlib import Path

from tests.cluster import Cluster, Worker, invented
from tests.conftest import balanced
from tests.pipelines.an_elasticsearch import stored

#: Long forms are run (`MARSAD_TEST_FAULTS=1`); read before tests hide the variable.
FAULTS = bool(os.environ.get("MARSAD_TEST_FAULTS"))
SEED = int(os.environ.get("MARSAD_TEST_SEED", "1"))
#: Records that a collector makes durable at once here: more moments for something to happen in.
SMALL = 16


class Load:
    """What one test sends through a cluster."""

    def __init__(self, cluster: Cluster, seed: int) -> None:
        self.cluster = cluster
        self.seed = seed
        self.draw = random.Random(SEED)
        self.files: list[Path] = []
        self.ids: set[str] = set()
        self.gone: set[str] = set()
        self._sent = 0
        self._ledger = cluster.outcomes()

    def file(self, number: int, years: Sequence[int] = (2016,)) -> Path:
        """A file of posts that are in no other."""
        posts = invented(number, self.seed * 1000 + len(self.files), years)
        path = self.cluster.marsad.write(f"load-{self.seed}-{len(self.files)}.ndjson", posts)
        self.files.append(path)
        self.ids |= {f"{post['platform']}:{post['id']}" for post in posts}
        self.sent(number)
        return path

    def send(self, number: int, *, brokers: str = "") -> Worker:
        """Start to import a file of so many posts, in small batches."""
        return self.cluster.ingest(self.file(number), brokers=brokers, batch=SMALL)

    def begun(self) -> bool:
        """Whether something of it has come to the store."""
        return self.cluster.ledger().get("received", 0) > self._ledger["received"]

    def complete(self) -> bool:
        """Whether all that was sent has come to the store, whatever became of it."""
        received: int = self.cluster.ledger().get("received", 0)
        return received >= self._ledger["received"] + self._sent

    def delete(self, name: str) -> str:
        """Delete one of the posts, and wait until the ledger say so."""
        self.cluster.marsad("delete", name)
        self.gone.add(name)
        self.came(deleted=1)
        return name

    def sent(self, number: int) -> None:
        """Say that so many more posts are on their way."""
        self._sent += number

    def arrived(self, **more: int) -> None:
        """Wait until all that was sent is there: each post once, and nothing else in the ledger.

        ``more`` are outcomes of what else was sent.
        """
        self.came(indexed=self._sent, **more)
        self._sent = 0
        there = self.documents()
        assert there.keys() == self.ids - self.gone
        assert {len(months) for months in there.values()} <= {1}

    def came(self, **outcomes: int) -> None:
        """Wait for so many records since the last time, and hold the ledger to their outcomes."""
        expected = dict(outcomes, received=sum(outcomes.values()))
        ledger = self.cluster.settle(self._ledger["received"] + expected["received"])
        changes = {name: ledger[name] - self._ledger[name] for name in ledger}
        assert balanced(ledger)
        assert {name: n for name, n in changes.items() if n} == {
            k: n for k, n in expected.items() if n
        }
        self._ledger = ledger

    def documents(self) -> dict[str, list[str]]:
        """The months in which each of these posts has a document."""
        there = stored(self.cluster.store)
        return {name: months for name, months in there.items() if self._is_mine(name)}

    def _is_mine(self, name: str) -> bool:
        number = name.partition(":")[2].partition("-")[0]
        return number.isdigit() and int(number) // 1000 == self.seed
