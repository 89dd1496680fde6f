"""Connections with TLS and logins; what is wrong is told at start, with what to do."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import kafka.errors as kafka_errors
import pytest
from kafka import KafkaAdminClient
from kafka.admin import ScramMechanism, UserScramCredentialUpsertion

from pipelines.errors import BrokerAway, BrokerError, SettingsError
from pipelines.kafka import connection
from pipelines.kafka.connection import Brokers, brokers
from pipelines.kafka.failures import explain
from pipelines.settings import KafkaSettings, load
from tests.conftest import Marsad
from tests.servers import SCRIPTS, Process, free_port, in_memory
from tests.servers.broker import answers
from tests.servers.process import QUICK

SECRET = "a word nobody guesses"


class Guarded:
    """A broker with a listener for passwords over TLS, and one for certificates."""

    def __init__(self, folder: Path) -> None:
        self.certificate, self.key = _certificate(folder, "broker")
        self.stranger, _ = _certificate(folder, "stranger")
        store = folder / "store.pem"
        store.write_text(self.key.read_text() + self.certificate.read_text())
        open_, controller, login, tls = (free_port() for _ in range(4))
        self.open, self.login, self.tls = (f"127.0.0.1:{p}" for p in (open_, login, tls))
        listeners = f"PLAINTEXT://{self.open},LOGIN://{self.login},TLS://{self.tls}"
        command = [SCRIPTS / "kafka", "--port", str(open_), "--controller-port", str(controller)]
        command += ["--data", folder / "data"]
        for setting in (
            f"listeners={listeners},CONTROLLER://127.0.0.1:{controller}",
            f"advertised.listeners={listeners}",
            "inter.broker.listener.name=PLAINTEXT",
            "listener.security.protocol.map="
            "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,LOGIN:SASL_SSL,TLS:SSL",
            "ssl.keystore.type=PEM",
            f"ssl.keystore.location={store}",
            "ssl.truststore.type=PEM",
            f"ssl.truststore.location={self.certificate}",
            "listener.name.tls.ssl.client.auth=required",
            "listener.name.login.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256",
            "listener.name.login.plain.sasl.jaas.config="
            "org.apache.kafka.common.security.plain.PlainLoginModule required "
            f'user_marsad="{SECRET}";',
            "listener.name.login.scram-sha-256.sasl.jaas.config="
            "org.apache.kafka.common.security.scram.ScramLoginModule required;",
        ):
            command += ["--set", setting]
        self.process = Process(command, folder, answers(self.open), **QUICK)

    def start(self) -> None:
        self.process.start()
        admin = KafkaAdminClient(bootstrap_servers=self.open)
        user = UserScramCredentialUpsertion("marsad", ScramMechanism.SCRAM_SHA_256, SECRET)
        admin.alter_user_scram_credentials([user])
        admin.close()


def _certificate(folder: Path, name: str) -> tuple[Path, Path]:
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    words = f"-x509 -newkey rsa:2048 -nodes -days 2 -subj /CN={name} -keyout {key} -out"
    subprocess.run(
        ["openssl", "req", *words.split(), certificate, "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True,
        capture_output=True,
    )
    return certificate, key


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    if not SCRIPTS.is_dir() or not shutil.which("openssl"):
        pytest.skip("needs a broker with TLS: set MARSAD_SERVERS, and install openssl")
    folder = in_memory() or tmp_path_factory.mktemp("guarded")
    made = Guarded(folder)
    try:
        made.start()
        yield made
    finally:
        made.process.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait a little less for brokers that are not going to answer."""
    monkeypatch.setattr(connection, "START", 4_000)


def names(where: Brokers) -> list[str]:
    """What one request brings: the connection works."""
    admin = where.admin()
    try:
        return [str(name) for name in admin.list_topics()]
    finally:
        admin.close()


@pytest.mark.parametrize("way", ["PLAIN", "SCRAM-SHA-256"])
def test_a_password_over_tls_opens_the_brokers(guarded: Guarded, way: str) -> None:
    settings = KafkaSettings(tls=True, ca=str(guarded.certificate), sasl=way, user="marsad")  # type: ignore[arg-type]
    assert names(brokers(guarded.login, settings, {"MARSAD_KAFKA_PASSWORD": SECRET})) == []


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("way", ["PLAIN", "SCRAM-SHA-256"])
def test_a_wrong_password_is_told_and_not_shown(guarded: Guarded, way: str) -> None:
    settings = KafkaSettings(tls=True, ca=str(guarded.certificate), sasl=way, user="marsad")  # type: ignore[arg-type]
    # A broker says so and hangs up; where both come at once the library sees only the latter.
    with pytest.raises(
        BrokerError, match=r"the user or the password|the password in MARSAD"
    ) as caught:
        names(brokers(guarded.login, settings, {"MARSAD_KAFKA_PASSWORD": "a guess"}))
    assert "a guess" not in str(caught.value)


@pytest.mark.usefixtures("impatient")
def test_a_way_to_log_in_that_the_brokers_do_not_have_is_told(guarded: Guarded) -> None:
    settings = KafkaSettings(
        tls=True, ca=str(guarded.certificate), sasl="SCRAM-SHA-512", user="marsad"
    )
    with pytest.raises(BrokerError, match=r"kafka\.sasl|a login|no login by"):
        names(brokers(guarded.login, settings, {"MARSAD_KAFKA_PASSWORD": SECRET}))


def test_a_certificate_of_our_own_opens_the_brokers(guarded: Guarded) -> None:
    settings = KafkaSettings(
        tls=True,
        ca=str(guarded.certificate),
        certificate=str(guarded.certificate),
        certificate_key=str(guarded.key),
    )
    assert names(brokers(guarded.tls, settings)) == []


@pytest.mark.usefixtures("impatient")
def test_brokers_whose_certificate_nobody_vouches_for_are_not_talked_to(guarded: Guarded) -> None:
    settings = KafkaSettings(tls=True, ca=str(guarded.stranger))
    with pytest.raises(BrokerError, match="TLS"):
        names(brokers(guarded.tls, settings))


def test_an_address_where_nobody_answers_is_told(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    marsad = Marsad(tmp_path, MARSAD_BROKERS=address)
    told = marsad("worker", "score", code=1).stderr
    early, last = told.splitlines()
    assert f"No answer from {address} yet. Retrying for" in early
    assert last.startswith(f"Error: No broker answers at {address} ")
    assert "Likely causes: the address is wrong" in last
    assert "Traceback" not in told


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("place", "settings", "cause"),
    [
        ("tls", KafkaSettings(), "they want TLS"),
        ("open", KafkaSettings(tls=True), "have none although|No TLS"),
        ("open", KafkaSettings(sasl="PLAIN", user="marsad"), "have none although|kafka.sasl"),
    ],
)
def test_connection__that_does_not_fit_the_brokers_fails_with_its_likely_causes(
    guarded: Guarded, place: str, settings: KafkaSettings, cause: str
) -> None:
    where = brokers(getattr(guarded, place), settings, {"MARSAD_KAFKA_PASSWORD": SECRET})
    with pytest.raises(BrokerError, match=cause):
        names(where)


@pytest.mark.parametrize(
    ("error", "lasting"),
    [
        (kafka_errors.KafkaTimeoutError(), False),
        (kafka_errors.NotLeaderForPartitionError(), False),
        (kafka_errors.ProducerFencedError(), False),
        (kafka_errors.TopicAuthorizationFailedError(), True),
        (kafka_errors.MessageSizeTooLargeError(), True),
        (kafka_errors.FencedInstanceIdError(), True),
    ],
)
def test_what_a_wait_mends_is_told_from_what_it_does_not(error: Exception, lasting: bool) -> None:
    told = explain("broker:9092", "marsad.", error)
    assert isinstance(told, BrokerAway) != lasting


@pytest.mark.parametrize("text", ["localhost", ":9092", "localhost:kafka", ",", "a:1,b"])
def test_an_address_that_is_none_is_told_before_anything_is_tried(text: str) -> None:
    with pytest.raises(SettingsError, match="brokers"):
        brokers(text, KafkaSettings())


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (KafkaSettings(sasl="PLAIN", user="marsad"), "MARSAD_KAFKA_PASSWORD"),
        (KafkaSettings(sasl="PLAIN"), "no user"),
        (KafkaSettings(tls=True, ca="missing.pem"), "missing.pem"),
    ],
)
def test_settings_that_can_not_be_used_are_told(settings: KafkaSettings, told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        brokers("localhost:9092", settings, {})


def test_the_password_is_not_shown_with_the_brokers() -> None:
    made = brokers("a:1", KafkaSettings(sasl="PLAIN", user="u"), {"MARSAD_KAFKA_PASSWORD": SECRET})
    assert SECRET not in repr(made)
    assert SECRET not in f"{made} {[made]}"


def test_the_environment_counts_more_than_the_table(tmp_path: Path) -> None:
    (tmp_path / "marsad.toml").write_text(
        'brokers = "a:1"\n[kafka]\nprefix = "one."\ntls = false\nuser = "file"\n'
    )
    environ = {"MARSAD_BROKERS": "b:2", "MARSAD_KAFKA_TLS": "true", "MARSAD_KAFKA_PREFIX": "two."}
    settings = load(environ, tmp_path)
    assert settings.brokers == "b:2"
    assert settings.kafka == KafkaSettings(prefix="two.", tls=True, user="file")
    with pytest.raises(SettingsError, match="MARSAD_KAFKA_SASL"):
        load({"MARSAD_KAFKA_SASL": "magic"}, tmp_path)


def test_the_way_to_the_brokers_is_not_named_twice(tmp_path: Path) -> None:
    marsad = Marsad(tmp_path)
    file = marsad.write("posts.ndjson", [{"id": "1", "platform": "forum", "text": "hello"}])
    told = marsad("ingest", "archive", file, "--store", "a.db", "--brokers", "b:1", code=2).stderr
    assert "--store or --brokers" in told
    assert "--brokers host:port" in marsad("worker", "score", code=2).stderr
