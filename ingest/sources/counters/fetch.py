"""Asking platforms politely: one name, one request at a time, robots.txt, Retry-After.

Requests to one host are at least :data:`SPACING` seconds apart, or as far as its robots.txt
wants. Raises the errors of :mod:`ingest.errors` and nothing else.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from urllib.parse import urljoin, urlsplit
from urllib.robotparser import RobotFileParser

import httpx2
import msgspec

from ingest.errors import SourceBlocked, SourceChanged, SourceError, SourceGone
from ingest.sources.counters.base import Answer, Figure, Reader, Request

#: How Marsad calls itself to every server.
AGENT = f"Marsad/{version('marsad')} (research on public counters; marsad pages watch)"
#: The name that robots.txt may speak of.
ROBOT = "Marsad"
SPACING = 1.0
#: No counter needs a larger answer, or a longer one.
LARGEST = 2_000_000
SECONDS = 20.0
LONGEST_ANSWER = 60.0
#: robots.txt is asked for again after a day (RFC 9309, 2.4).
_ROBOTS_SECONDS = 86_400.0
_REDIRECTS = 5
_LONGEST_WAIT = 86_400.0
_REDIRECTED = {301, 302, 303, 307, 308}
_LOGIN = re.compile(r"//(?:accounts|login|consent)\.|/(?:login|signin|sign_in|checkpoint)\b", re.I)


class Refusal(msgspec.Struct, frozen=True):
    """Why a counter could not be read, and what came instead."""

    error: SourceError
    body: bytes = b""
    wait: float = 0.0
    """Seconds for which the platform asked to be left alone."""


class Fetcher:
    """Reads counters over HTTP. One object belongs to one thread."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._client = httpx2.Client(
            headers={"User-Agent": AGENT, "Accept-Language": "en"}, timeout=SECONDS
        )
        self._robots: dict[str, tuple[float, RobotFileParser | None]] = {}
        self._next: dict[str, float] = {}

    def close(self) -> None:
        """Let go of connections."""
        self._client.close()

    def read(
        self, reader: Reader, account: str, key: str, base: str = ""
    ) -> list[Figure] | Refusal:
        """Return the counters of an account, or why they could not be read.

        ``base`` is another address than the platform's own.
        """
        address = (base or reader.base(account)).rstrip("/")
        answer: Answer | None = None
        wait = 0.0
        try:
            request = reader.request(account, key)
            if reader.page:
                self._ask_robots(address + request.path)
            answer, wait = self._get(address, request)
            if answer.status == 429 or answer.status >= 500:
                raise _status_error(answer.status)
            figures = _parsed(reader, answer)
        except SourceError as error:
            return Refusal(error, answer.body if answer else b"", wait)
        return figures

    def _get(self, address: str, request: Request) -> tuple[Answer, float]:
        url = address + request.path
        params: Mapping[str, str] | None = {**request.params, **request.secret} or None
        for _ in range(_REDIRECTS):
            status, headers, body = self._once(url, params, request.headers)
            if status not in _REDIRECTED or "location" not in headers:
                return Answer(status, body), _retry_after(headers.get("retry-after", ""))
            target = urljoin(url, headers["location"])
            if _LOGIN.search(target):
                raise SourceBlocked("it sends visitors to a login")
            if request.secret or request.headers:
                raise SourceChanged("it sends elsewhere, where no key must go")
            url, params = target, None
        raise SourceChanged("it sends from one address to the next without end")

    def _once(
        self, url: str, params: Mapping[str, str] | None, headers: Mapping[str, str]
    ) -> tuple[int, httpx2.Headers, bytes]:
        host = urlsplit(url).netloc
        self._sleep(max(0.0, self._next.get(host, 0.0) - self._clock()))
        deadline = self._clock() + LONGEST_ANSWER
        body = bytearray()
        try:
            with self._client.stream("GET", url, params=params, headers=headers) as response:
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > LARGEST:
                        raise SourceChanged("its answer is larger than any with a counter")
                    if self._clock() > deadline:
                        raise SourceError("its answer does not end")
                return response.status_code, response.headers, bytes(body)
        except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeError, ValueError) as error:
            # never the error's own words, which may hold the address with its key
            raise SourceError(f"{host} can't be reached ({type(error).__name__})") from None
        finally:
            self._next[host] = self._clock() + max(SPACING, self._delay(url))

    def _ask_robots(self, url: str) -> None:
        """Raise :class:`SourceBlocked` where robots.txt forbids a page."""
        root = "{0.scheme}://{0.netloc}".format(urlsplit(url))
        read_at, rules = self._robots.get(root, (-_ROBOTS_SECONDS, None))
        if self._clock() - read_at >= _ROBOTS_SECONDS or root not in self._robots:
            rules = self._read_robots(root)
            self._robots[root] = (self._clock(), rules)
        if rules is not None and not rules.can_fetch(ROBOT, url):
            raise SourceBlocked("its robots.txt forbids this page")

    def _read_robots(self, root: str) -> RobotFileParser | None:
        # RFC 9309, 2.3.1: without a file everything is allowed, without an answer nothing is
        answer, _ = self._get(root, Request("/robots.txt"))
        if answer.status >= 500 or answer.status == 429:
            raise SourceBlocked(f"its robots.txt can't be read: it answers {answer.status}")
        if answer.status >= 400:
            return None
        rules = RobotFileParser()
        rules.parse(answer.body.decode("utf-8", "replace").splitlines())
        return rules

    def _delay(self, url: str) -> float:
        root = "{0.scheme}://{0.netloc}".format(urlsplit(url))
        _, rules = self._robots.get(root, (0.0, None))
        return float(rules.crawl_delay(ROBOT) or 0) if rules else 0.0


def _parsed(reader: Reader, answer: Answer) -> list[Figure]:
    try:
        figures = list(reader.parse(answer))
    except SourceChanged:
        if answer.status >= 401:
            raise _status_error(answer.status) from None  # which says more
        raise
    if answer.status >= 400:
        raise _status_error(answer.status)
    return figures


def _status_error(status: int) -> SourceError:
    if status == 429:
        return SourceBlocked("it asks for fewer requests (429)")
    if status in {401, 403, 407, 451}:
        return SourceBlocked(f"it refuses ({status})")
    if status in {404, 410}:
        return SourceGone(f"there is nothing (any more) ({status})")
    if status >= 500:
        return SourceError(f"it fails ({status})")
    return SourceChanged(f"it answers {status}")


def _retry_after(value: str) -> float:
    """Return the seconds that a ``Retry-After`` asks for, at most a day."""
    value = value.strip()
    if value.isdecimal():
        return min(float(value), _LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError):
        return 0.0
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    seconds = (moment - datetime.now(UTC)).total_seconds()
    return min(max(0.0, seconds), _LONGEST_WAIT)
