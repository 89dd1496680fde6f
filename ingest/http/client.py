"""Asking platforms politely: one name, one request at a time, robots.txt, Retry-After.

Requests to one host are at least :data:`SPACING` seconds apart, or as far as its robots.txt
wants, from every source. Raises the errors of :mod:`ingest.errors` and nothing else.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from typing import TypedDict, Unpack
from urllib.parse import urljoin, urlsplit

import httpx2

from ingest.errors import SourceBlocked, SourceChanged, SourceError
from ingest.http import addresses
from ingest.http.connection_errors import why
from ingest.http.deadlines import Deadlines, overdue
from ingest.http.decompression import ENDLESS, PACKED, pieces, whole
from ingest.http.error_mapping import REMAINING, Answer, refuse_walls, status_error, wait_of
from ingest.http.robots import MAX_AGE, RobotsRules

__all__ = ["AGENT", "SPACING", "Answer", "Client", "refuse_walls", "status_error", "wait_of"]

#: How Marsad calls itself to every server.
AGENT = f"Marsad/{version('marsad')} (open-source research on public posts and counters)"
SPACING = 1.0
#: Seconds that nobody takes for work any more.
NOTICEABLE = 15.0
#: No page of posts needs a larger answer (unpacked), or one that takes longer, headers and all.
LARGEST = 20_000_000
SECONDS = 20.0
LONGEST_ANSWER = 60.0
#: A stream that sends nothing for so long is dead: servers send a sign of life more often.
SILENCE = 90.0
LONGEST_LINE = 10_000_000
_REDIRECTS = 5
_REDIRECTED = {301, 302, 303, 307, 308}
_LOGIN = re.compile(
    r"//(?:accounts|login|consent|passport)\.|/(?:login|signin|sign_in|checkpoint)\b", re.I
)


class Headers(TypedDict, total=False):
    """Headers of a request."""

    headers: Mapping[str, str] | None
    keys: Mapping[str, str] | None
    """Those that no message may show and no redirect may carry on."""


class Options(Headers, total=False):
    """How one answer is asked for."""

    secret: Mapping[str, str] | None
    """Parameters that no message may show and no redirect may carry on."""
    content: object
    """What is sent as JSON, which makes it a ``POST``."""
    largest: int
    """Bytes (unpacked) that the answer may have, :data:`LARGEST` unless said otherwise."""


class Client:
    """Asks over HTTP. One object serves all threads, so that a host is spared by all of them.

    ``sleep`` may raise to end a run; it is called before every request. ``say`` tells people of
    a host that wants more time between two requests than they would take for work.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        say: Callable[[str], None] = lambda message: None,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._say = say
        self._client = httpx2.Client(
            headers={"User-Agent": AGENT, "Accept-Language": "en", "Accept-Encoding": PACKED},
            timeout=SECONDS,
            limits=httpx2.Limits(max_connections=None),  # each stream keeps one
        )
        self._deadlines = Deadlines(clock)
        self._deadlines.watch(self._client)
        self._lock = threading.Lock()
        self._robots: dict[str, tuple[float, RobotsRules | None]] = {}
        self._next: dict[str, float] = {}
        self._used_up: dict[str, float] = {}

    def close(self) -> None:
        """Let go of connections."""
        self._client.close()

    def get(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        *,
        robots: bool = False,
        expected: Container[int] = (),
        **options: Unpack[Options],
    ) -> Answer:
        """Return the answer, if its status is below 400 or among ``expected``.

        ``robots`` asks robots.txt first: for pages made for people. Raises
        :class:`~ingest.errors.SourceError` with what came instead.
        """
        if robots:
            self.ask_robots(url)
        answer = self.ask(url, params, **options)
        if answer.status >= 400 and answer.status not in expected:
            raise status_error(answer)
        return answer

    def ask(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        **options: Unpack[Options],
    ) -> Answer:
        """Return the answer, whatever its status. Raises what :meth:`get` raises otherwise."""
        confidential = any(options.get(name) for name in ("secret", "keys", "content"))
        every = {**(params or {}), **(options.get("secret") or {})} or None
        first = url
        try:
            for _ in range(_REDIRECTS):
                answer = self._once(url, every, options)
                if answer.status not in _REDIRECTED or "location" not in answer.headers:
                    return answer
                url, every = _redirect(url, answer, secret=confidential), None
                self._deadlines.public_host = _guarded(first, url, answer)
        finally:
            self._deadlines.public_host = ""
        raise SourceChanged("it sends from one address to the next without end")

    @contextmanager
    def stream(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        **options: Unpack[Headers],
    ) -> Iterator[Iterator[str]]:
        """Open an answer without end and give its lines as they come.

        Raises what :meth:`get` raises, also from the lines: a stream that breaks off, or sends
        nothing for :data:`SILENCE` seconds, is a :class:`~ingest.errors.SourceError`.
        """
        host = self._wait_for(url)
        try:
            with ExitStack() as opened:
                with self._deadlines.within(LONGEST_ANSWER):
                    response = opened.enter_context(
                        self._client.stream(
                            "GET",
                            url,
                            params=dict(params) if params else None,
                            headers=_headers(options),
                            timeout=httpx2.Timeout(SECONDS, read=SILENCE),
                        )
                    )
                    if response.status_code != 200:
                        raise _no_stream(response, url)
                yield _lines(response)
        except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeError) as error:
            if isinstance(error, httpx2.HTTPError) and overdue(error):
                raise SourceError(ENDLESS) from None
            away = isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout)
            what = "can't be reached" if away else "ended the stream"
            raise SourceError(f"{host} {what}: {why(error)}") from None

    def ask_robots(self, url: str) -> None:
        """Raise :class:`SourceBlocked` where robots.txt forbids a page."""
        root = _root(url)
        read_at, rules = self._robots.get(root, (-MAX_AGE, None))
        if self._clock() - read_at >= MAX_AGE or root not in self._robots:
            rules = self._read_robots(root)
            self._robots[root] = (self._clock(), rules)
        if rules is not None and not rules.allows(url):
            raise SourceBlocked("its robots.txt forbids this page")

    def _once(
        self,
        url: str,
        params: Mapping[str, str] | None,
        options: Options,
    ) -> Answer:
        host, content = self._wait_for(url), options.get("content")
        try:
            with (
                self._deadlines.within(LONGEST_ANSWER),
                self._client.stream(
                    "GET" if content is None else "POST",
                    url,
                    params=params,
                    headers=_headers(options),
                    json=content,
                ) as response,
            ):
                body = whole(response, options.get("largest", LARGEST))
                found = {name.lower(): value for name, value in response.headers.items()}
                answer = Answer(response.status_code, body, found, url)
        except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeError, ValueError) as error:
            if isinstance(error, httpx2.HTTPError) and overdue(error):
                raise SourceError(ENDLESS) from None
            raise SourceError(f"{host} can't be reached: {why(error)}") from None
        finally:
            self._spare(url)
        self._note_limit(host, answer)
        return answer

    def _wait_for(self, url: str) -> str:
        """Wait until a host may be asked again; return the host."""
        host = urlsplit(url).netloc
        rest = self._used_up.get(host, 0.0) - self._clock()
        if rest > 0:
            raise SourceBlocked(f"the number of requests that {host} allows is used up", wait=rest)
        with self._lock:  # each thread takes a turn of its own
            turn = max(self._clock(), self._next.get(host, 0.0))
            self._next[host] = turn + SPACING
        pause = max(0.0, turn - self._clock())
        if pause > NOTICEABLE:
            self._say(
                f"{host}: its robots.txt asks for long pauses, the next one is {pause:.0f} s."
            )
        self._sleep(pause)
        return host

    def _spare(self, url: str) -> None:
        host = urlsplit(url).netloc
        with self._lock:
            earliest = self._clock() + max(SPACING, self._delay(url))
            self._next[host] = max(self._next.get(host, 0.0), earliest)

    def _note_limit(self, host: str, answer: Answer) -> None:
        left = next((answer.headers[name] for name in REMAINING if name in answer.headers), "")
        if left.strip() == "0" and answer.status < 400:
            self._used_up[host] = self._clock() + answer.wait

    def _read_robots(self, root: str) -> RobotsRules | None:
        # RFC 9309, 2.3.1: without a file everything is allowed, without an answer nothing is
        answer = self.ask(root + "/robots.txt")
        if answer.status >= 500 or answer.status == 429:
            raise SourceBlocked(
                f"its robots.txt can't be read: it answers {answer.status}", wait=answer.wait
            )
        if answer.status >= 400:
            return None
        return RobotsRules(answer.body)

    def _delay(self, url: str) -> float:
        _, rules = self._robots.get(_root(url), (0.0, None))
        return rules.crawl_delay if rules else 0.0


def _headers(options: Headers) -> dict[str, str]:
    return {**(options.get("headers") or {}), **(options.get("keys") or {})}


def _redirect(url: str, answer: Answer, *, secret: bool) -> str:
    try:
        target = urljoin(url, answer.headers["location"])
        parts = urlsplit(target)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        raise SourceChanged("it sends to no address", body=answer.body) from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise SourceChanged("it sends to no address of the web", body=answer.body)
    if _LOGIN.search(target):
        raise SourceBlocked("it sends visitors to a login", body=answer.body)
    if secret:  # without the query, which may hold a key
        address = f"{parts.scheme}://{parts.hostname}{port}{parts.path}"[:200]
        raise SourceChanged(
            f"it sends to {address}, and no key goes anywhere but where it was meant to: if that "
            "is the same platform, name its address (--url)",
            body=answer.body,
        )
    return target


def _guarded(first: str, url: str, answer: Answer) -> str:
    """Return the host that a redirect leads to, if it must be a public one.

    A source that is private itself, as of a test or an intranet, may send to private addresses.
    """
    host = urlsplit(url).hostname or ""
    named = urlsplit(first).hostname or ""
    if host == named or addresses.is_private(named):
        return ""
    if addresses.is_private(host):
        raise SourceChanged(
            f"it sends to {host}, an address of this machine or its network, which is not asked: "
            "name that address as the source if it is meant",
            body=answer.body,
        )
    return host


def _no_stream(response: httpx2.Response, url: str) -> SourceError:
    """Return what an answer means that is no stream."""
    body = whole(response, LARGEST)
    found = {name.lower(): value for name, value in response.headers.items()}
    answer = Answer(response.status_code, body, found, url)
    if answer.status in _REDIRECTED and "location" in found:
        _redirect(url, answer, secret=True)
    return status_error(answer)


def _root(url: str) -> str:
    return "{0.scheme}://{0.netloc}".format(urlsplit(url))


def _lines(response: httpx2.Response) -> Iterator[str]:
    """Yield lines; unlike the client's own iterator this one knows a line that never ends."""
    rest = b""
    for chunk in pieces(response):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line.removesuffix(b"\r").decode("utf-8", "replace")
        if len(rest) > LONGEST_LINE:
            raise SourceChanged("it sends a line without end", body=rest[:LONGEST_LINE])
    raise SourceError("the stream ended", body=rest)
