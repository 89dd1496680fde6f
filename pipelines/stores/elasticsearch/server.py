"""Talking to the server: credentials, retries, and errors in words that help."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit

from elastic_transport import ConnectionTimeout, TlsError, TransportError
from elasticsearch import ApiError, Elasticsearch, UnsupportedProductError

from pipelines import metrics
from pipelines.errors import StoreBusy, StoreError, StoreFull, StoreVersion
from pipelines.retry import RetryPolicy
from pipelines.retry import call as call_again
from pipelines.stop import Stop
from pipelines.stores.elasticsearch.serial import SERIALIZERS

T = TypeVar("T")
log = logging.getLogger(__name__)
# The library counts its failures; what a failure means is told here.
logging.getLogger("elastic_transport").setLevel(logging.ERROR)

#: The server's major version that this client speaks with.
MAJOR = 9
#: Seconds that one request may take.
REQUEST = 30.0
#: Seconds for which a server that was there is asked again: a restart, a pause, a burst.
RETRY_SECONDS = 300.0
#: Environment variables of the account; never options, which others can see.
API_KEY = "MARSAD_ELASTICSEARCH_API_KEY"
USERNAME = "MARSAD_ELASTICSEARCH_USERNAME"
PASSWORD = "MARSAD_ELASTICSEARCH_PASSWORD"
AUTHORITY = "MARSAD_ELASTICSEARCH_CA"
FINGERPRINT = "MARSAD_ELASTICSEARCH_FINGERPRINT"

#: The server is there but can't do it now; the same request later may succeed.
PASSING = frozenset({429, 502, 503, 504})
_RETRIES = RetryPolicy(0.1, 5.0)
#: Seconds until it is told that a server is waited for, and then between two times.
_TELL, _TELL_AGAIN = 2.0, 60.0


class Passing(Exception):
    """A request failed in a way that may pass: it is made again, else ``reason`` is raised.

    ``cause`` is a short name of it for metrics: a status, ``timeout``, ``connection``.
    """

    def __init__(self, reason: StoreError, cause: str) -> None:
        super().__init__(str(reason))
        self.reason = reason
        self.cause = cause


class Server:
    """One Elasticsearch server. Raises :class:`StoreError` and its children only."""

    def __init__(self, url: str, environ: Mapping[str, str] = os.environ) -> None:
        """Prepare to talk to ``url``; nothing is sent yet."""
        self.url = url
        self.retry_seconds = RETRY_SECONDS
        self.stop: Stop | None = None
        """Ends retries and their waits when it is set."""
        options: dict[str, Any] = {"serializers": SERIALIZERS}
        if key := environ.get(API_KEY):
            options["api_key"] = key
        elif name := environ.get(USERNAME):
            options["basic_auth"] = (name, environ.get(PASSWORD, ""))
        if url.startswith("https:"):
            if authority := environ.get(AUTHORITY):
                options["ca_certs"] = authority
            if fingerprint := environ.get(FINGERPRINT):
                options["ssl_assert_fingerprint"] = fingerprint
        elif not options.keys().isdisjoint({"api_key", "basic_auth"}) and not _near(url):
            log.warning("%s is not encrypted: who listens can read the account and posts.", url)
        try:
            self.client = Elasticsearch(url, request_timeout=REQUEST, max_retries=0, **options)
        except (ValueError, OSError) as error:
            raise StoreError(
                f"{url} can't be spoken to as configured ({error}): check the address and the "
                f"file that {AUTHORITY} names, and that {FINGERPRINT} is a SHA-256 in hexadecimal "
                "digits."
            ) from error

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

    def check(self) -> None:
        """Ask who is there, once. Raises :class:`StoreVersion` for another major version."""
        try:
            info = self.client.info()
        except UnsupportedProductError as error:
            raise StoreVersion(
                f"{self.url} answers, but not as Elasticsearch {MAJOR} does: name a server of "
                f"version {MAJOR} in --store."
            ) from error
        except (ApiError, TransportError) as error:
            if isinstance(error, ApiError) and "media_type_header" in str(error.body):
                raise StoreVersion(
                    f"{self.url} is older than Elasticsearch {MAJOR}: upgrade the server to "
                    f"version {MAJOR}, or name another in --store."
                ) from error
            raise self.explain(error) from error
        number = str(info["version"]["number"])
        if number.partition(".")[0] != str(MAJOR):
            raise StoreVersion(
                f"{self.url} is Elasticsearch {number}, but Marsad speaks with version {MAJOR}: "
                f"use a server of version {MAJOR}, or another Marsad."
            )

    def do(self, request: Callable[[Elasticsearch], T]) -> T:
        """Make a request until it is answered; one that may be repeated without harm."""
        return self.retry(lambda: request(self.client))

    def retry(self, attempt: Callable[[], T]) -> T:
        """Return what ``attempt`` returns, after as many tries as it takes.

        It is tried again after :class:`Passing` and after errors of the client that may pass,
        for up to ``retry_seconds``.
        """
        begun = time.monotonic()
        told = begun + _TELL - _TELL_AGAIN

        def judged() -> T:
            try:
                return attempt()
            except (ApiError, TransportError) as error:
                raise self._judge(error) from error

        def before_sleep(error: Exception, pause: float) -> None:
            nonlocal told
            assert isinstance(error, Passing)
            metrics.store_retry(error.cause)
            now = time.monotonic()
            if now >= told + _TELL_AGAIN:
                told = now
                left = begun + self.retry_seconds - now
                log.warning("%s Waiting for it, for %.0f s at most.", error, left)

        try:
            return call_again(
                judged,
                _RETRIES,
                Passing,
                seconds=self.retry_seconds,
                stop=self.stop,
                before_sleep=before_sleep,
                jitter=True,
            )
        except Passing as passing:
            raise passing.reason from passing.__cause__

    def _judge(self, error: ApiError | TransportError) -> Passing | StoreError:
        """Return an error of the client as one that may pass, or explained."""
        reason = self.explain(error)
        if isinstance(error, ApiError):
            passes = error.meta.status in PASSING and not is_full(_words(error))
        else:
            passes = not isinstance(error, TlsError)
        if not passes:
            return reason
        return Passing(reason, _cause(error))

    def explain(self, error: Exception) -> StoreError:
        """Return an error of the client in words that say what to do."""
        if isinstance(error, TlsError):
            return self._untrusted(_words(error))
        if isinstance(error, ConnectionTimeout):
            return StoreError(
                f"{self.url} does not answer in time: see whether the server is overloaded or "
                "stopped, then repeat the command; it goes on where it stopped."
            )
        if isinstance(error, TransportError):
            return StoreError(
                f"No Elasticsearch server answers at {self.url} ({_words(error)}): start it, or "
                "correct --store (or MARSAD_STORE)."
            )
        if isinstance(error, ApiError):
            return self._refusal(error)
        return StoreError(f"{self.url}: {error}")

    def busy(self, words: str) -> StoreBusy:
        """Return the error of a server that can't do something now."""
        return StoreBusy(
            f"{self.url} is too busy or not ready ({words}): repeat the command when it has "
            "recovered; it goes on where it stopped."
        )

    def _untrusted(self, words: str) -> StoreError:
        if "WRONG_VERSION" in words or "record layer" in words:
            return StoreError(f"{self.url} does not encrypt: write http:// in --store.")
        if "ingerprint" in words:
            return StoreError(
                f"The certificate of {self.url} is another than {FINGERPRINT} says: ask who runs "
                "the server for the new one, and trust no other."
            )
        return StoreError(
            f"The certificate of {self.url} is not trusted ({words}): name the file of its "
            f"authority in {AUTHORITY}, or its own SHA-256 in {FINGERPRINT}."
        )

    def _refusal(self, error: ApiError) -> StoreError:
        status, words = error.meta.status, _words(error)
        if is_full(words):
            return full(self.url)
        if status == 401:
            return StoreError(
                f"{self.url} does not know this account: set {API_KEY}, or {USERNAME} and "
                f"{PASSWORD}, to one that it knows."
            )
        if status == 403:
            return StoreError(
                f"{self.url} does not allow this account what is asked ({words}): give it the "
                "rights that docs/elasticsearch.md lists, or lift the block on the index."
            )
        if status in PASSING:
            return self.busy(words)
        return StoreError(f"{self.url} refuses what Marsad asked ({status}): {words}")


def _cause(error: Exception) -> str:
    if isinstance(error, ApiError):
        return str(error.meta.status)
    return "timeout" if isinstance(error, ConnectionTimeout) else "connection"


def _near(url: str) -> bool:
    return urlsplit(url).hostname in {"localhost", "127.0.0.1", "::1"}


def is_full(words: str) -> bool:
    """Tell whether the server stopped writing because its disk is nearly full."""
    return "flood" in words or "read-only-allow-delete" in words or "disk usage exceeded" in words


def full(url: str) -> StoreFull:
    """Return the error of a server without room."""
    return StoreFull(
        f"No room is left on the disk of {url}, which made its indices read-only: make room "
        "there, then repeat the command; it goes on where it stopped, and what was stored "
        "before is whole."
    )


def _words(error: Exception) -> str:
    if isinstance(error, ApiError):
        body = error.body
        cause = body.get("error", body) if isinstance(body, dict) else body
        if isinstance(cause, dict):
            roots = cause.get("root_cause") or [cause]
            return str(roots[0].get("reason") or roots[0].get("type") or cause.get("reason"))
        return str(cause)
    return str(getattr(error, "message", error)).partition("\n")[0]
