"""Reading counters with the client that all sources share. Raises nothing: see :class:`Refusal`."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec

from ingest.errors import SourceChanged, SourceError
from ingest.http.client import AGENT, SPACING, Answer, Client, status_error
from ingest.sources.counters.base import Figure, Reader

__all__ = ["AGENT", "LARGEST", "SPACING", "Fetcher", "Refusal"]

#: No counter needs a larger answer.
LARGEST = 2_000_000


class Refusal(msgspec.Struct, frozen=True):
    """Why a counter could not be read, and what came instead."""

    error: SourceError
    body: bytes = b""
    wait: float = 0.0
    """Seconds for which the platform asked to be left alone."""


class Fetcher:
    """Reads counters over HTTP."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = Client(clock=clock, sleep=sleep)

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
        try:
            request = reader.request(account, key)
            url = address + request.path
            if reader.page:
                self._client.ask_robots(url)
            answer = self._client.ask(
                url, request.params, keys=request.headers, secret=request.secret, largest=LARGEST
            )
            if answer.status == 429 or answer.status >= 500:
                raise status_error(answer)
            return _parsed(reader, answer)
        except SourceError as error:
            return Refusal(
                error,
                answer.body if answer else error.body,
                answer.wait if answer else error.wait,
            )


def _parsed(reader: Reader, answer: Answer) -> list[Figure]:
    try:
        figures = list(reader.parse(answer))
    except SourceChanged:
        if answer.status >= 401:
            raise status_error(answer) from None  # which says more
        raise
    except SourceError:
        raise
    except Exception as error:  # a page that no reader was made for must not end the others
        raise SourceChanged(f"its answer can't be read ({type(error).__name__})") from error
    if answer.status >= 400:
        raise status_error(answer)
    return figures
