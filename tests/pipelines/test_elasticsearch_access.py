"""Accounts and certificates, with a real TLS connection: who may come in, and what is told.

The server of the tests has neither accounts nor TLS: a proxy in front of it asks for both.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.errors import StoreError
from pipelines.records import Ledger
from pipelines.stores.elasticsearch import ElasticsearchStore, server
from pipelines.stores.elasticsearch.address import address
from tests.conformance.corpus import Feeder, drain, post
from tests.pipelines.an_elasticsearch import Certificate, Proxy
from tests.servers import Elastic

SECRET = "an/invented@one:#?"


@pytest.fixture
def guarded(real_elasticsearch: Elastic, certificate: Certificate) -> Iterator[Proxy]:
    """The session's server behind TLS and a password."""
    one = Proxy(real_elasticsearch.url, certificate.context)
    one.password = SECRET
    yield one
    one.http.shutdown()
    one.http.server_close()


@pytest.fixture
def guarded_url(guarded: Proxy, url: str) -> str:
    return f"{guarded.url}/{address(url).prefix}"


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(server.USERNAME, "reader")
    monkeypatch.setenv(server.PASSWORD, SECRET)


def told(url: str) -> str:
    """What is said when a store can't be opened; never the password."""
    with pytest.raises(StoreError) as caught:
        ElasticsearchStore(url)
    message = str(caught.value)
    assert SECRET not in message
    return message


class TestCertificates:
    def test_the_file_of_its_authority_makes_a_server_trusted(
        self, guarded_url: str, known: None, certificate: Certificate,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        monkeypatch.setenv(server.AUTHORITY, str(certificate.file))
        with ElasticsearchStore(guarded_url) as store:
            Feeder(store)(post("t:1"))
            drain(store)
            assert store.ledger() == Ledger(received=1, indexed=1)
            assert SECRET not in store.status().store

    @pytest.mark.parametrize("written", ["abcdef", "ab:cd:ef"])
    def test_so_does_its_fingerprint(
        self, guarded_url: str, known: None, certificate: Certificate,
        monkeypatch: pytest.MonkeyPatch, written: str,
    ) -> None:  # fmt: skip
        pairs = [certificate.fingerprint[n : n + 2] for n in range(0, 64, 2)]
        given = ":".join(pairs).upper() if ":" in written else "".join(pairs)
        monkeypatch.setenv(server.FINGERPRINT, given)
        ElasticsearchStore(guarded_url).close()

    def test_one_that_signed_itself_is_not_trusted(self, guarded_url: str, known: None) -> None:
        message = told(guarded_url)
        assert server.AUTHORITY in message
        assert server.FINGERPRINT in message

    def test_another_fingerprint_is_told(
        self, guarded_url: str, known: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(server.FINGERPRINT, "ab" * 32)
        assert "another than" in told(guarded_url)

    @pytest.mark.parametrize("holding", [None, "no certificate"])
    def test_a_file_that_is_missing_or_none_is_told(
        self, guarded_url: str, tmp_path: Path, holding: str | None,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        file = tmp_path / "authority.pem"
        if holding:
            file.write_text(holding)
        monkeypatch.setenv(server.AUTHORITY, str(file))
        assert server.AUTHORITY in told(guarded_url)

    def test_a_fingerprint_that_is_none_is_told(
        self, guarded_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(server.FINGERPRINT, "not in hexadecimal")
        assert server.FINGERPRINT in told(guarded_url)

    def test_a_server_without_tls_is_told(self, url: str) -> None:
        assert "http://" in told(url.replace("http://", "https://"))


class TestAccounts:
    def test_an_api_key_opens(
        self, guarded: Proxy, guarded_url: str, certificate: Certificate,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        guarded.password, guarded.api_key = "", "aW52ZW50ZWQ6a2V5"
        monkeypatch.setenv(server.AUTHORITY, str(certificate.file))
        assert server.API_KEY in told(guarded_url)
        monkeypatch.setenv(server.API_KEY, guarded.api_key)
        ElasticsearchStore(guarded_url).close()

    def test_a_wrong_password_is_told_with_what_to_set(
        self, guarded_url: str, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(server.AUTHORITY, str(certificate.file))
        monkeypatch.setenv(server.USERNAME, "reader")
        monkeypatch.setenv(server.PASSWORD, "another")
        message = told(guarded_url)
        assert server.PASSWORD in message
        assert "another" not in message.replace("name another", "")

    @pytest.mark.parametrize("right", ["_index_template", "-state", "_bulk"])
    def test_a_right_that_is_missing_is_told_with_where_rights_are_listed(
        self, guarded: Proxy, guarded_url: str, known: None, certificate: Certificate,
        monkeypatch: pytest.MonkeyPatch, right: str,
    ) -> None:  # fmt: skip
        monkeypatch.setenv(server.AUTHORITY, str(certificate.file))
        guarded.forbidden = right
        with pytest.raises(StoreError, match=r"docs/elasticsearch\.md"):  # noqa: SIM117
            with ElasticsearchStore(guarded_url) as store:
                Feeder(store)(post("t:1"))

    @pytest.mark.parametrize(
        "wrong", [f"http://reader:{SECRET}@127.0.0.1:9200/x", f"http://{SECRET}@a/b?c#d"]
    )
    def test_a_password_in_the_address_is_refused_and_not_repeated(self, wrong: str) -> None:
        assert server.PASSWORD in told(wrong)

    def test_who_sends_a_password_unencrypted_to_another_machine_is_warned(
        self, known: None, caplog: pytest.LogCaptureFixture
    ) -> None:
        server.Server("http://search.example.org:9200").close()
        assert "not encrypted" in caplog.text
        caplog.clear()
        server.Server("http://127.0.0.1:9200").close()
        server.Server("https://search.example.org:9200").close()
        assert caplog.text == ""


def test_nothing_is_said_in_plain_text_before_the_certificate_is_trusted(
    guarded_url: str, known: None, guarded: Proxy
) -> None:
    told(guarded_url)
    assert guarded.seen == 0
    assert isinstance(guarded.http.socket, ssl.SSLSocket)
