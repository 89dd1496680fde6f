"""Sources on platforms through the installed command: stopped, killed, refused, in a burst."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random

import pytest

from pipelines.stores.elasticsearch.address import address
from tests.cluster import PATIENCE
from tests.conftest import COMMAND, Marsad, balanced
from tests.pipelines.an_elasticsearch import Proxy, proxy, stored, url  # noqa: F401 - fixtures
from tests.simulators.base import Fault
from tests.simulators.jetstream import MINUTE, START, Jetstream, jetstream
from tests.simulators.mastodon import Instance, mastodon

SINCE = ("--since", "2026-11-01T00:00:00+00:00")
FAULTS = "MARSAD_TEST_FAULTS" in os.environ
RATE = 2_000
SECONDS = 60 if FAULTS else 3
WORDS = ("réseau", "coupé", "encore", "ce matin", "wach", "bda l internet", "rja3", "مقطوع")


@pytest.fixture
def simulator() -> Iterator[Jetstream]:
    with jetstream() as made:
        yield made


@pytest.fixture
def instance() -> Iterator[Instance]:
    with mastodon() as made:
        yield made


class Running:
    """A command in the background, and the store it writes."""

    def __init__(self, marsad: Marsad, *arguments: str, **environment: str) -> None:
        self.store = marsad.folder / "marsad.db"
        self.log = marsad.folder / "log.txt"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [str(COMMAND), *arguments],
                cwd=marsad.folder,
                stdout=log,
                stderr=log,
                env={**os.environ, **environment},
            )

    def received(self) -> int:
        if not self.store.exists():
            return 0
        try:
            with closing(sqlite3.connect(f"file:{self.store}?mode=ro", uri=True)) as connection:
                row = connection.execute(
                    "SELECT value FROM counters WHERE name = 'received'"
                ).fetchone()
        except sqlite3.OperationalError:  # just being made
            return 0
        return int(row[0]) if row else 0

    def pending(self) -> int:
        with closing(sqlite3.connect(f"file:{self.store}?mode=ro", uri=True)) as connection:
            return int(connection.execute("SELECT count(*) FROM queue").fetchone()[0])

    def until(self, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < end, self.said()
            assert self.process.poll() is None, self.said()
            time.sleep(0.02)

    def until_received(self, count: int) -> None:
        self.until(lambda: self.received() >= count)

    def until_scored(self, count: int) -> None:
        """Wait for so many posts with their scores: one that is stopped scores no more."""
        self.until(lambda: self.received() >= count and self.pending() == 0)

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def memory(self) -> int:
        """Bytes in use now."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def running(marsad: Marsad, *arguments: str, **environment: str) -> Iterator[Running]:
    made = Running(marsad, *arguments, **environment)
    try:
        yield made
    finally:
        if made.process.poll() is None:
            made.process.kill()
            made.process.wait()


def texts(marsad: Marsad) -> list[str]:
    marsad("export", "--to", "out", "--format", "ndjson", code=None)
    lines = (marsad.folder / "out" / "posts.ndjson").read_text(encoding="utf-8").splitlines()
    return sorted(json.loads(line)["text"] for line in lines)


def numbered(*numbers: int) -> list[str]:
    return sorted(f"post number {number}" for number in numbers)


def status(marsad: Marsad) -> dict[str, object]:
    found: dict[str, object] = json.loads(marsad("status", "--json").stdout)
    return found


def test_a_stream_is_followed_stopped_and_gone_on_with(
    marsad: Marsad, simulator: Jetstream
) -> None:
    simulator.publish(5)
    with running(marsad, "ingest", "bluesky", "--url", simulator.url, *SINCE) as first:
        first.until_received(5)
        second = simulator.publish(3)
        first.until_received(8)
        simulator.delete(second[0])
        first.until_received(9)
        assert first.stop() == 0
    simulator.publish(4)
    with running(marsad, "ingest", "bluesky", "--url", simulator.url) as again:
        again.until_received(13)
        assert again.stop() == 0
    marsad("ingest", "bluesky", "--url", simulator.url, "--until", "now")
    assert texts(marsad) == numbered(1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12)
    ledger = marsad.ledger()
    assert balanced(ledger)
    assert ledger["pending"] == 0
    assert status(marsad)["gaps"] == []
    assert "did:plc" not in (marsad.folder / "out" / "posts.ndjson").read_text(encoding="utf-8")


def test_asked_to_end_while_the_store_is_away_it_ends_and_the_next_run_goes_on(
    marsad: Marsad,
    simulator: Jetstream,
    url: str,  # noqa: F811
    proxy: Proxy,  # noqa: F811
) -> None:
    store = ("--store", f"{proxy.url}/{address(url).prefix}")
    simulator.publish(4)
    marsad("ingest", "bluesky", "--url", simulator.url, *SINCE, "--until", "now", *store)
    with running(marsad, "ingest", "bluesky", "--url", simulator.url, *store) as one:
        simulator.publish(1)
        one.until(lambda: len(stored(url)) == 5)
        proxy.lose = lambda number: True
        simulator.publish(3)
        one.until(lambda: "Waiting for it" in one.said())
        assert one.stop() == 1  # and not after the five minutes for which a store is waited for
        assert "No Elasticsearch server answers" in one.said().splitlines()[-1]
    proxy.lose = lambda number: False
    marsad("ingest", "bluesky", "--url", simulator.url, "--until", "now", *store)
    assert len(stored(url)) == 8
    assert balanced(marsad.ledger(*store))


def test_killed_at_any_moment_nothing_is_lost_and_nothing_doubled(
    marsad: Marsad, simulator: Jetstream
) -> None:
    count = 400
    chance = Random(7)
    simulator.publish(1)
    for _ in range(20 if FAULTS else 3):
        with running(marsad, "ingest", "bluesky", "--url", simulator.url, *SINCE) as one:
            before = one.received()
            publisher = threading.Thread(target=lambda: [simulator.publish(5) for _ in range(10)])
            publisher.start()
            one.until(lambda: one.received() > before + chance.randrange(3))  # noqa: B023
            one.process.kill()
            publisher.join()
    simulator.publish(count)
    marsad("ingest", "bluesky", "--url", simulator.url, *SINCE, "--until", "now")
    published = len(simulator.events)
    assert texts(marsad) == numbered(*range(1, published + 1))
    ledger = marsad.ledger()
    assert ledger["indexed"] == published
    assert balanced(ledger)


def test_what_the_server_did_not_keep_is_a_gap_in_status_and_charts(
    marsad: Marsad, simulator: Jetstream
) -> None:
    day = 24 * 60 * MINUTE
    simulator.publish(2)
    marsad("ingest", "bluesky", "--url", simulator.url, *SINCE, "--until", "2026-11-01T01:00+00:00")
    simulator.keeps_from = START + 5 * day
    event = simulator.post("did:plc:1", "3klate", "after all that time")
    event["commit"]["record"]["createdAt"] = "2026-11-06T12:00:00Z"
    event["time_us"] = START + 5 * day + day // 2
    simulator.send_raw(json.dumps(event), START + 5 * day + day // 2)
    marsad("ingest", "bluesky", "--url", simulator.url, "--until", "now")
    (gap,) = status(marsad)["gaps"]  # type: ignore[misc]
    assert (gap["start"][:10], gap["end"][:10]) == ("2026-11-01", "2026-11-06")
    assert "gap bluesky" in marsad("status").stdout
    rows = marsad.rows("trends", "--json")
    assert {row["bucket"]: row["state"] for row in rows} == {
        "2026-11-01": "few",
        **{f"2026-11-0{day}": "unknown" for day in range(2, 6)},
        "2026-11-06": "few",
    }


def test_a_source_that_is_refused_is_a_gap_and_keeps_no_other(
    marsad: Marsad, simulator: Jetstream, instance: Instance
) -> None:
    simulator.publish(3)
    instance.publish(3)
    instance.fail(Fault.LOGIN)
    marsad.write(
        "marsad.toml",
        f'[[sources]]\nsource = "mastodon"\nurl = "{instance.url}"\ntargets = ["coupure"]\n'
        f'[[sources]]\nsource = "bluesky"\nurl = "{simulator.url}"\nsince = "2026-11-01 00:00"\n',
    )
    with running(marsad, "ingest", "all") as one:
        one.until_scored(3)
        one.until(lambda: "SourceBlocked" in one.said())
        assert one.stop() == 0
    assert texts(marsad) == numbered(1, 2, 3)
    gaps = [gap for gap in status(marsad)["gaps"] if gap["source"].startswith("mastodon")]  # type: ignore[attr-defined]
    assert gaps
    assert all(gap["cause"].startswith("SourceBlocked") for gap in gaps)
    (kept, *_) = marsad.rows("dead", "list", "--kind", "answer", "--json")
    assert "password" in marsad("dead", "show", str(kept["number"])).stdout
    assert (marsad.folder / "marsad.db.dead").stat().st_mode & 0o777 == 0o600


def test_a_rate_limit_is_waited_for_and_its_gap_is_filled(
    marsad: Marsad, instance: Instance
) -> None:
    instance.publish(3)
    instance.fail(Fault.TOO_MANY)
    command = ("ingest", "mastodon", "coupure", "--url", instance.url, "--until", "now")
    with running(marsad, *command) as one:
        one.until(lambda: "next try in 7 s" in one.said())
        instance.fail(None)
        assert one.process.wait(PATIENCE) == 0, one.said()
    assert texts(marsad) == numbered(1, 2, 3)
    assert [gap.get("filled", False) for gap in status(marsad)["gaps"]] == [False, True]  # type: ignore[attr-defined]
    assert "(read afterwards)" in marsad("status").stdout


def test_a_source_that_ends_is_given_up_where_trying_again_makes_no_sense(
    marsad: Marsad, instance: Instance
) -> None:
    instance.fail(Fault.MISSING)
    done = marsad("ingest", "mastodon", "coupure", "--url", instance.url, "--until", "now", code=1)
    assert "SourceGone" in done.stderr
    assert "given up" in done.stderr


def test_a_check_says_in_words_what_works(
    marsad: Marsad, simulator: Jetstream, instance: Instance
) -> None:
    # Where nothing is posted it is listened to for the whole time: meanwhile the others are asked.
    listening = ("sources", "check", "bluesky", "--url", simulator.url, "--seconds", "15")
    with running(marsad, *listening) as quiet:
        instance.publish(2)
        asking = ("sources", "check", "mastodon", "coupure", "--url", instance.url)
        said = marsad(*asking).stdout
        assert "works: 2 posts" in said
        assert "the newest post is of 2026-11-01" in said
        instance.fail(Fault.CAPTCHA)
        assert "does not work now: it asks for a captcha" in marsad(*asking, code=1).stdout
        assert quiet.process.wait(PATIENCE) == 0, quiet.said()
        assert "bluesky works: no posts" in quiet.said()
    assert not (marsad.folder / "marsad.db").exists()


def burst(simulator: Jetstream, count: int) -> list[tuple[int, str]]:
    """Events for so many posts, at the rate of the burst, from a minute from now on."""
    chance = Random(1)
    begin = int((time.time() + 60) * 1_000_000)
    made = []
    for number in range(count):
        text = f"{number} " + " ".join(chance.choices(WORDS, k=12))
        event = simulator.post(f"did:plc:{number % 997:024d}", f"3k{number:011d}", text)
        event["time_us"] = begin + number * 1_000_000 // RATE
        made.append((event["time_us"], json.dumps(event, ensure_ascii=False)))
    return made


def test_a_burst_is_durable_at_once_in_flat_memory_and_scored_afterwards(
    marsad: Marsad, simulator: Jetstream
) -> None:
    count = RATE * SECONDS
    events = burst(simulator, count)
    with running(marsad, "ingest", "bluesky", "--url", simulator.url) as one:
        simulator.wait_for_connection()
        begun = time.monotonic()
        sent = peak = early = behind = 0
        while (received := one.received()) < count:
            assert time.monotonic() - begun < 20 * SECONDS + PATIENCE, one.said()
            due = min(count, int((time.monotonic() - begun) * RATE))
            simulator.send_many(events[sent:due])
            sent = due
            peak = max(peak, one.memory())
            early = early or (peak if received >= RATE else 0)
            behind = max(behind, sent - received)
            one.until(lambda: True)  # it is still there
        ended = time.monotonic() - begun
        waiting = one.pending()
        one.until(lambda: one.pending() < waiting)  # it catches up by itself
        assert one.stop() == 0, one.said()
    ledger = marsad.ledger()
    assert ledger["received"] == ledger["indexed"] + ledger["pending"] == count
    print(
        f"\n{count:,} posts at {RATE:,} a second were durable after {ended:.1f} s, {behind:,} "
        f"behind at most, {waiting:,} pending then; memory {early / 1e6:.0f} MB after a second, "
        f"{peak / 1e6:.0f} MB at most"
    )
    # Three seconds are over before the model has its memory: the long form tells.
    assert not FAULTS or peak - early < 50_000_000
    said = f"{ledger['pending']:,} posts wait to be scored"
    assert said in marsad("search", code=None).stderr
    assert said in marsad("export", "--to", "out", "--format", "ndjson", code=None).stderr
