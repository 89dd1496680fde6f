"""The main job once more, beyond one process: Kafka, two workers of each stage, Elasticsearch.

``make run-cluster`` runs it. It starts what it needs, shows every command, compares with what
the embedded runner makes of the same archive, and stops what it started, however it ends.

Servers: ``MARSAD_BROKERS`` and ``MARSAD_STORE`` (an Elasticsearch address), if both are set; else
as the tests find them (``tests/servers``); else in containers (``deploy/sample-servers.yaml``).
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from ingest.privacy import keyring
from pipelines.kafka.connection import brokers
from pipelines.progress import progress
from pipelines.settings import load
from pipelines.stores.elasticsearch.address import address
from pipelines.stores.elasticsearch.server import Server
from tests import servers
from tests.answers import difference, exported
from tests.cluster import Cluster
from tests.conftest import Marsad
from tests.servers import ROOT

SAMPLE = "ingest/watchlists/morocco-2016/sample.ndjson"
INGEST = ("ingest", "archive", SAMPLE, "--watchlist", "morocco-2016")
STUDY = ("export", "entity:anrt sentiment:negative")
OUT = ROOT / "out" / "cluster"
WORKERS = ("score-1", "score-2", "index-1", "index-2")
#: Seconds for servers to answer and posts to arrive, on a machine with better things to do.
PATIENCE = 900.0


def main() -> int:
    """Do it all; 0 if the cluster holds what one process makes of the archive."""
    os.chdir(ROOT)
    signal.signal(signal.SIGTERM, _end)
    began = time.monotonic()
    try:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="marsad-")))
            cluster = _collection(stack, folder)
            stack.callback(signal.signal, signal.SIGINT, signal.SIG_IGN)  # clean up undisturbed
            _bring_in(cluster)
            same = _compare(cluster, folder)
            say("Stopping what was started …")
    except KeyboardInterrupt:
        say("Interrupted; everything that was started has been stopped.")
        return 130
    say(f"Done in {time.monotonic() - began:.0f} s. Nothing runs any more; see out/cluster/.")
    return 0 if same else 1


def _end(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def say(text: str) -> None:
    """Tell what happens."""
    print(f"\n{text}", flush=True)


def show(cluster: Cluster, *arguments: str) -> None:
    """Run a command as a user would type it."""
    print(f"\n$ marsad {' '.join(arguments)}", flush=True)
    done = cluster.marsad(*arguments, code=None)
    sys.stdout.write(done.stdout)
    sys.stderr.write(done.stderr)
    if done.returncode:
        raise SystemExit(f"That failed (exit code {done.returncode}).\n{cluster.logs()}")


# Servers


def _collection(stack: ExitStack, folder: Path) -> Cluster:
    """A collection of its own on servers that answer."""
    name = f"sample-{os.getpid()}"
    kafka, elasticsearch = stack.enter_context(_servers())
    shutil.rmtree(OUT, ignore_errors=True)
    logs = OUT / "logs"
    logs.mkdir(parents=True)
    cluster = Cluster(
        logs,
        kafka,
        f"{elasticsearch}/{name}",
        name,
        # Pseudonyms as in `make run`; dead letters goes with the temporary folder.
        MARSAD_KEYS=str(keyring.default_path()),
        XDG_DATA_HOME=str(folder / "data"),
        MARSAD_TIMEZONE=os.environ.get("MARSAD_TIMEZONE", "Africa/Casablanca"),
        MARSAD_WATCHLIST="none",
    )
    cluster.marsad.folder = ROOT
    stack.callback(_leave_nothing, cluster)
    stack.callback(cluster.close)
    return cluster


def _leave_nothing(cluster: Cluster) -> None:
    """Remove topics and indices from servers that were there before."""
    if not (os.environ.get("MARSAD_BROKERS") or servers.GIVEN_KAFKA):
        return
    where = brokers(cluster.environment["MARSAD_BROKERS"], load().kafka)
    with closing(where.admin()) as admin:
        gone = [name for name in admin.list_topics() if name.startswith(cluster.prefix)]
        admin.delete_topics(gone)
    names = address(cluster.store)
    with closing(Server(names.url)) as server:
        there = sorted(server.client.indices.get(index=f"{names.prefix}-*"))
        if there:
            server.client.indices.delete(index=there)


@contextmanager
def _servers() -> Iterator[tuple[str, str]]:
    """The addresses of brokers and of Elasticsearch."""
    kafka, store = os.environ.get("MARSAD_BROKERS"), os.environ.get("MARSAD_STORE", "")
    if kafka and store.startswith("http"):
        say(f"Kafka at {kafka} and Elasticsearch at {store} (MARSAD_BROKERS, MARSAD_STORE).")
        yield kafka, address(store).url
        return
    if servers.GIVEN_KAFKA and servers.GIVEN_ELASTICSEARCH:
        say("Servers of MARSAD_TEST_KAFKA and MARSAD_TEST_ELASTICSEARCH.")
        yield servers.GIVEN_KAFKA, servers.GIVEN_ELASTICSEARCH.rstrip("/")
        return
    with _from_scripts() if servers.SCRIPTS.is_dir() else _in_containers() as addresses:
        yield addresses


@contextmanager
def _from_scripts() -> Iterator[tuple[str, str]]:
    say(f"Starting Kafka and Elasticsearch from {servers.SCRIPTS} (half a minute or more) …")
    folder = servers.in_memory() or Path(tempfile.mkdtemp(prefix="marsad-servers-"))
    kafka = servers.kafka_from_scripts(folder)
    elasticsearch = servers.elastic_from_scripts(folder)
    assert elasticsearch.process is not None
    try:
        elasticsearch.process.launch()
        kafka.start()
        elasticsearch.process.wait()
        yield kafka.brokers, elasticsearch.url
    finally:
        kafka.stop()
        elasticsearch.process.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _in_containers() -> Iterator[tuple[str, str]]:
    compose = ["docker", "compose", "--project-name", f"marsad-sample-{os.getpid()}"]
    compose += ["--file", "deploy/sample-servers.yaml"]
    if subprocess.run(["sh", "deploy/find-servers.sh"], check=False).returncode:  # which says why
        raise SystemExit(1)
    kafka, elasticsearch = servers.free_port(), servers.free_port()
    environment = {
        **os.environ,
        "KAFKA_PORT": str(kafka),
        "ELASTICSEARCH_PORT": str(elasticsearch),
    }
    say("Starting Kafka and Elasticsearch in containers (half a minute or more) …")
    addresses, url = f"127.0.0.1:{kafka}", f"http://127.0.0.1:{elasticsearch}"
    try:
        if subprocess.run([*compose, "up", "--detach"], env=environment, check=False).returncode:
            raise SystemExit("The containers did not start; Docker says above why.")
        for ready in (servers.kafka_answers(addresses), servers.elastic_answers(url)):
            end = time.monotonic() + PATIENCE
            while not ready():
                if time.monotonic() > end:
                    raise SystemExit(
                        f"The containers did not answer within {PATIENCE / 60:.0f} minutes."
                    )
                time.sleep(1)
        yield addresses, url
    finally:
        subprocess.run([*compose, "down", "--volumes"], env=environment, check=False)


# The job


def _bring_in(cluster: Cluster) -> None:
    """Import the archive through the topics and ask the questions of ``make run``."""
    show(cluster, "topics", "create", "--partitions", "4")
    for name in WORKERS:
        print(f"\n$ marsad worker {name.partition('-')[0]} --instance {name} &", flush=True)
        cluster.worker(name)
    show(cluster, *INGEST)
    with Path(SAMPLE).open(encoding="utf-8") as lines:
        total = sum(1 for line in lines if line.strip())
    say("Two workers of each stage score and index …")
    with progress("Indexed") as report:
        end = time.monotonic() + PATIENCE
        while (done := cluster.ledger().get("received", 0)) < total:
            report(done, total, done)
            ended = [name for name, worker in cluster.workers.items() if not worker.running]
            if ended or time.monotonic() > end:
                raise SystemExit(f"{done} of {total} records arrived.\n{cluster.logs()}")
            time.sleep(0.5)
        report(total, total, total)
    cluster.make_findable()
    script = f'out="{OUT.relative_to(ROOT)}"; . deploy/sample-show.sh; . deploy/sample-questions.sh'
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, **cluster.environment, "PATH": path}
    subprocess.run(["sh", "-euc", script], env=environment, check=True)
    show(cluster, "status")


def _compare(cluster: Cluster, folder: Path) -> bool:
    """Tell whether the cluster holds what one process makes of the archive."""
    say("The same archive in one process, into an SQLite file (half a minute or more) …")
    store = ("--store", str(folder / "marsad.db"))
    one = Marsad(ROOT, **{**cluster.environment, "MARSAD_BROKERS": "", "MARSAD_STORE": ""})
    one(*INGEST, *store)
    same = True
    for what, query in (("all posts", ("export",)), ("the study subset", STUDY)):
        slug = what.split()[-1]
        mine, theirs = folder / f"cluster-{slug}", folder / f"alone-{slug}"
        cluster.marsad(*query, "--to", mine, "--format", "ndjson")
        one(*query, "--to", theirs, "--format", "ndjson", *store)
        same &= _told(what, exported(mine), exported(theirs))
    earlier = ROOT / "out" / "study"
    if (earlier / "posts.ndjson").exists():
        same &= same_as_run(exported(OUT / "study"), exported(earlier))
    return same


def same_as_run(mine: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> bool:
    """Say whether an export is what ``make run`` left, which may have had other keys."""
    what = "out/study of `make run`"
    if difference(mine, theirs) and not difference(_nameless(mine), _nameless(theirs)):
        print(
            f"{what}: the same {len(mine)} posts but for the pseudonyms of authors, made with "
            f"other keys than {keyring.default_path()} (another MARSAD_KEYS or home folder)",
            flush=True,
        )
        return True
    if not _told(what, mine, theirs):
        print("Repeat `make run` if that was with an earlier version of Marsad.", flush=True)
        return False
    return True


def _nameless(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name != "author"} for row in rows]


def _told(what: str, mine: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> bool:
    """Say whether two exports are the same."""
    found = difference(mine, theirs)
    if found:
        print(f"{what}: NOT the same: {found}", flush=True)
    else:
        print(
            f"{what}: the same {len(mine)} posts, texts, labels, entities and days; "
            "probabilities within 0.001",
            flush=True,
        )
    return not found


if __name__ == "__main__":
    sys.exit(main())
