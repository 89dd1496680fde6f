"""Collectors of a live stream that are killed lose nothing that the platform still offers."""

from __future__ import annotations

import time
from datetime import timedelta

from tests.cluster import until
from tests.conftest import balanced
from tests.faults.load import FAULTS, Load
from tests.simulators.base import START
from tests.simulators.jetstream import jetstream

KILLS = 20 if FAULTS else 2
COLLECTORS = ("collect-1", "collect-2")


def test_a_stream_is_read_once_by_two_collectors_that_are_killed_at_random_moments(
    load: Load,
) -> None:
    before = load.cluster.outcomes()
    published = 0
    with jetstream() as simulator:
        config = load.cluster.folder / "collect.toml"
        since = f"{START - timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ}"
        config.write_text(
            f'[[sources]]\nsource = "bluesky"\nurl = "{simulator.url}"\nsince = "{since}"\n'
        )
        for name in COLLECTORS:
            load.cluster.worker(name, MARSAD_CONFIG=str(config))
        try:
            until(lambda: simulator.asked, "a collector reads the stream")
            for _ in range(KILLS):
                for _ in range(load.draw.randint(2, 8)):
                    published += len(simulator.publish(5))
                    time.sleep(load.draw.uniform(0.05, 0.5))
                killed = load.cluster.workers[load.draw.choice(COLLECTORS)]
                killed.kill()
                killed.start()
            published += len(simulator.publish(5))
            until(
                lambda: load.cluster.ledger().get("indexed", 0) >= before["indexed"] + published,
                f"{published} posts have arrived\n{load.cluster.logs()}",
                progress=load.cluster.ledger,
            )
            for name in COLLECTORS:
                assert load.cluster.workers[name].stop() == 0
        finally:
            for name in COLLECTORS:
                worker = load.cluster.workers.pop(name)
                if worker.running:
                    worker.kill()
    after = load.cluster.settle(before["received"] + published)
    assert balanced(after)
    changes = {name: after[name] - before[name] for name in after if after[name] != before[name]}
    # What a stream sends again from a cursor on may be counted as a duplicate, never lost.
    again = changes.pop("duplicate", 0)
    assert changes == {"received": published + again, "indexed": published}
    texts = [
        post["text"]
        for post in load.cluster.marsad.rows(
            "search", "platform:bluesky", "--json", "--limit", "5000"
        )
    ]
    assert len(texts) == len(set(texts)) == published
