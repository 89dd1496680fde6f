"""Workers that are killed at any moment lose nothing and double nothing."""

from __future__ import annotations

import time

import pytest

from tests.cluster import Worker, until
from tests.faults.load import FAULTS, Load

#: How often each kind of worker is killed.
KILLS = 20 if FAULTS else 1
STAGES = {"collect": (), "score": ("score-1", "score-2"), "index": ("index-1", "index-2")}


def test_killed_at_random_moments_the_workers_bring_every_post_in_once(load: Load) -> None:
    left = dict.fromkeys(STAGES, KILLS)
    importing = load.send(48)
    while any(left.values()):
        if not importing.running:
            assert importing.process is not None
            assert importing.process.returncode == 0, importing.said
            importing = load.send(48)
        time.sleep(load.draw.uniform(0.3, 3.0))
        stage = load.draw.choice([name for name, number in left.items() if number])
        if stage == "collect":
            if not importing.running:
                continue
            importing.kill()
            importing.start()
        else:
            name = load.draw.choice(STAGES[stage])
            load.cluster.workers[name].kill()
            load.cluster.restart(name)
        left[stage] -= 1
    ended(importing)
    load.arrived()


def test_asked_to_end_a_worker_ends_in_good_order(load: Load) -> None:
    importing = load.send(100)
    for name in ("score-2", "index-2"):
        worker = load.cluster.workers[name]
        assert worker.stop() == 0, worker.said
        assert "Traceback" not in worker.said
        load.cluster.restart(name)
    ended(importing)
    load.arrived()


if FAULTS:

    def test_the_work_of_a_worker_that_is_gone_for_good_is_done_by_another(load: Load) -> None:
        importing = load.send(100)
        for name in ("score-1", "index-1"):
            load.cluster.workers.pop(name).kill()
        try:
            ended(importing)
            load.arrived()
        finally:
            for name in ("score-1", "index-1"):
                load.cluster.worker(name)

    @pytest.mark.parametrize("name", ["score-1", "index-1"])
    def test_a_paused_worker_that_goes_on_later_does_nothing_twice(load: Load, name: str) -> None:
        importing = load.send(400)
        paused = load.cluster.workers[name]
        time.sleep(2)
        paused.pause()
        time.sleep(30)  # longer than the group waits for it
        paused.resume()
        ended(importing)
        load.arrived()


def ended(importing: Worker) -> None:
    """Wait for the end of an import."""
    until(lambda: not importing.running, "the import has ended")
    assert importing.process is not None
    assert importing.process.returncode == 0, importing.said
