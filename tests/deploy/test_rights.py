"""Every worker does its work with the rights that the guide gives its account, on a real broker.

And tells what it does: the same run reads the metrics of real workers.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from kafka import KafkaAdminClient
from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ResourcePattern,
    ResourceType,
)
from kafka.errors import RetriableError
from prometheus_client.parser import text_string_to_metric_families

from tests.cluster import Worker, invented, until
from tests.conftest import COMMAND, Marsad
from tests.deploy.reading import DEPLOY
from tests.platform_server import Answer, platform
from tests.servers import SCRIPTS, Process, free_port, in_memory
from tests.servers.broker import answers
from tests.servers.process import QUICK

ACCOUNTS = ("topics", "collect", "score", "index", "tools", "keda")
RECORDER = """import json, sys
with open(sys.argv[1], "a") as stream:
    stream.write(json.dumps(sys.argv[2:]) + "\\n")
"""


class Secured:
    """A broker that asks for a password and allows nobody anything; ``open`` is its keeper's."""

    def __init__(self, folder: Path) -> None:
        port, controller, login = free_port(), free_port(), free_port()
        self.open, self.login = f"127.0.0.1:{port}", f"127.0.0.1:{login}"
        users = " ".join(f'user_marsad-{name}="secret of {name}"' for name in ACCOUNTS)
        command = [SCRIPTS / "kafka", "--port", str(port), "--controller-port", str(controller)]
        command += ["--data", folder / "data"]
        listeners = f"PLAINTEXT://127.0.0.1:{port},LOGIN://127.0.0.1:{login}"
        for setting in (
            f"listeners={listeners},CONTROLLER://127.0.0.1:{controller}",
            f"advertised.listeners={listeners}",
            "inter.broker.listener.name=PLAINTEXT",
            "listener.security.protocol.map="
            "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,LOGIN:SASL_PLAINTEXT",
            "sasl.enabled.mechanisms=PLAIN",
            "listener.name.login.plain.sasl.jaas.config="
            f"org.apache.kafka.common.security.plain.PlainLoginModule required {users};",
            "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users=User:ANONYMOUS",
            "auto.create.topics.enable=false",
        ):
            command += ["--set", setting]
        self.process = Process(command, folder, answers(self.open), **QUICK)

    def allow(self, acls: list[ACL]) -> None:
        admin = KafkaAdminClient(bootstrap_servers=self.open)
        try:
            assert not admin.create_acls(acls)["failed"]
        finally:
            admin.close()


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    if not SCRIPTS.is_dir():
        pytest.skip("needs a broker with accounts: set MARSAD_SERVERS")
    folder = in_memory() or tmp_path_factory.mktemp("secured")
    made = Secured(folder)
    try:
        made.process.start()
        made.allow(granted(tmp_path_factory.mktemp("acls")))
        yield made
    finally:
        made.process.stop()
        shutil.rmtree(folder, ignore_errors=True)


def granted(folder: Path) -> list[ACL]:
    """The rights that the script of deploy/ grants, read from what it calls."""
    recorder, calls = folder / "recorder.py", folder / "calls"
    recorder.write_text(RECORDER)
    done = subprocess.run(
        ["sh", str(DEPLOY / "access" / "kafka-acls.sh")],
        env={**os.environ, "KAFKA_ACLS": f"python3 {recorder} {calls}"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    kinds = {"--topic": "TOPIC", "--group": "GROUP", "--transactional-id": "TRANSACTIONAL_ID"}
    acls = []
    for line in calls.read_text().splitlines():
        words = json.loads(line)
        given = list(itertools.pairwise(words))
        (principal,) = [value for name, value in given if name == "--allow-principal"]
        ((kind, resource),) = [(kinds[name], value) for name, value in given if name in kinds]
        prefixed = ("--resource-pattern-type", "prefixed") in given
        pattern = ResourcePattern(
            ResourceType[kind],
            resource,
            ACLResourcePatternType.PREFIXED if prefixed else ACLResourcePatternType.LITERAL,
        )
        for name, value in given:
            if name == "--operation":
                operation = ACLOperation[re.sub(r"(?<=.)([A-Z])", r"_\1", value).upper()]
                acls.append(ACL(principal, "*", operation, ACLPermissionType.ALLOW, pattern))
    return acls


class Accounts:
    """One machine's folder, and its commands under the account of each worker."""

    def __init__(self, folder: Path, broker: Secured) -> None:
        self.folder = folder
        self._broker = broker
        self.workers: list[Worker] = []

    def environment(self, account: str) -> dict[str, str]:
        place = self.folder / f"{account}.password"
        place.write_text(f"secret of {account}\n")
        return {
            "MARSAD_BROKERS": self._broker.login,
            "MARSAD_KAFKA_SASL": "PLAIN",
            "MARSAD_KAFKA_USER": f"marsad-{account}",
            "MARSAD_KAFKA_PASSWORD_FILE": str(place),
            "MARSAD_STORE": str(self.folder / "marsad.db"),
            "MARSAD_KEYS": str(self.folder / "keyring.json"),
            "XDG_DATA_HOME": str(self.folder / "data"),
        }

    def run(self, account: str) -> Marsad:
        return Marsad(self.folder, **self.environment(account))

    def work(self, stage: str) -> Worker:
        command = [str(COMMAND), "worker", stage, "--instance", stage, "--metrics-port", "0"]
        log = self.folder / f"{stage}.log"
        self.workers.append(Worker(log, command, self.environment(stage)).start())
        return self.workers[-1]


@pytest.fixture
def accounts(tmp_path: Path, broker: Secured) -> Iterator[Accounts]:
    made = Accounts(tmp_path, broker)
    yield made
    for worker in made.workers:
        if worker.running:
            worker.stop()


def metrics_of(worker: Worker) -> dict[str, float]:
    """The sum of each metric of a worker; empty as long as it serves none."""
    found = re.search(r"Metrics: (\S+)", worker.said)
    assert worker.running, worker.said
    if not found:
        return {}
    with urllib.request.urlopen(found[1]) as answer:
        text = answer.read().decode()
    sums: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            name = sample.name + "".join(f" {sample.labels.get('outcome', '')}")
            sums[name.strip()] = sums.get(name.strip(), 0) + sample.value
    return sums


def ready(worker: Worker) -> bool:
    found = re.search(r"Metrics: (\S+)/metrics", worker.said)
    assert worker.running, worker.said
    if not found:
        return False
    try:
        with urllib.request.urlopen(f"{found[1]}/readyz") as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError:
        return False


FEED = b"""<?xml version="1.0"?><rss version="2.0"><channel><title>A paper that is not</title>
<item><guid>one</guid><title>inwi 7bsat whatsapp</title><description>hchouma</description>
<pubDate>Sat, 27 Feb 2016 10:00:00 GMT</pubDate></item></channel></rss>"""


def test_the_rights_of_each_account_suffice_for_its_work(accounts: Accounts) -> None:
    accounts.run("topics")("topics", "create")
    posts = accounts.run("collect").write("posts.ndjson", invented(40))
    accounts.run("collect")("ingest", "archive", posts)
    with platform() as press:
        press.on("/feed", Answer(FEED, headers={"Content-Type": "application/rss+xml"}))
        (accounts.folder / "marsad.toml").write_text(
            f'[[sources]]\nsource = "rss"\nname = "press"\ntargets = ["{press.url}/feed"]\n'
            'every = "1h"\n'
        )
        workers = {name: accounts.work(name) for name in ("collect", "score", "index")}
        tools = accounts.run("tools")
        done = "marsad_records_total indexed"
        until(lambda: metrics_of(workers["index"]).get(done) == 41, "41 posts are indexed")
        for name, worker in workers.items():
            until(lambda one=worker: ready(one), f"{name} is ready")
        told = {name: metrics_of(worker) for name, worker in workers.items()}
    assert told["collect"]["marsad_records_total passed"] == 1
    assert told["collect"]["marsad_source_up"] == 1
    assert told["score"]["marsad_records_total passed"] == 41
    assert told["score"]["marsad_batch_seconds_count"] >= 1
    assert told["index"]["marsad_records_total indexed"] == 41
    assert told["index"]["marsad_last_batch_timestamp_seconds"] > 1e9
    tools("delete", "forum:1-7")
    assert tools.rows("search", "--json", "--limit", "100", code=0)
    until(lambda: tools.ledger()["deleted"] == 1, "the deletion is in the ledger")


@pytest.mark.parametrize("stage", ["score", "index"])
def test_an_account_of_another_worker_is_told_what_it_may_not(
    accounts: Accounts, stage: str
) -> None:
    accounts.run("topics")("topics", "create")
    answer = accounts.run("collect")("worker", stage, code=1)
    assert "do not allow this user" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_the_account_that_looks_at_lags_sees_offsets_and_no_posts(
    accounts: Accounts, broker: Secured
) -> None:
    accounts.run("topics")("topics", "create")
    security = {
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": "marsad-keda",
        "sasl_plain_password": "secret of keda",
    }
    admin = KafkaAdminClient(bootstrap_servers=broker.login, **security)

    def groups() -> object:
        with suppress(RetriableError):  # the first that is asked for is made then
            return admin.list_group_offsets("marsad.score")
        return None

    try:
        assert "marsad.score" in until(groups, "the broker knows who looks after groups")
        described = admin.describe_topics(["marsad.posts"])
        operations = described[0]["authorized_operations"]
        assert set(operations) == {"DESCRIBE"}
    finally:
        admin.close()
