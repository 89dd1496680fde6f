"""Listening to a WebSocket, with failures as errors of sources."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidStatus,
    InvalidURI,
    WebSocketException,
)
from websockets.sync.client import ClientConnection, connect

from ingest.errors import SourceChanged, SourceError
from ingest.http.client import AGENT, SECONDS, Answer, refuse_walls, status_error
from ingest.http.connection_errors import why
from ingest.stop import Stopped

#: The longest message, in bytes.
LARGEST = 10_000_000
#: Seconds after which a quiet connection is looked after.
_TURN = 0.5
#: Seconds that a server gets to say goodbye.
_GOODBYE = 1.0


@contextmanager
def listen(url: str, stopped: Callable[[], bool]) -> Iterator[Iterator[bytes | None]]:
    """Connect and give messages as they come, ``None`` after each quiet half second.

    Raises :class:`~ingest.errors.SourceError` if the connection can't be made, and, from the
    messages, when it ends; :class:`~ingest.stop.Stopped` when the run is to end. A
    connection that is dead without saying so is noticed by its missing answers to pings.
    """
    host = urlsplit(url).netloc
    try:
        connection = connect(
            url,
            user_agent_header=AGENT,
            open_timeout=SECONDS,
            max_size=LARGEST,
            compression=None,
            close_timeout=_GOODBYE,
        )
    except InvalidStatus as error:
        raise _refused(error) from None
    except InvalidURI:
        raise SourceError(f"{url} is no address of a stream: it begins with wss://") from None
    except InvalidHandshake as error:
        raise SourceChanged(f"{host} speaks no WebSocket ({type(error).__name__})") from None
    except (OSError, EOFError, WebSocketException) as error:
        raise SourceError(f"{host} can't be reached: {why(error)}") from None
    with connection:
        yield _messages(connection, host, stopped)


def _messages(
    connection: ClientConnection, host: str, stopped: Callable[[], bool]
) -> Iterator[bytes | None]:
    while not stopped():
        try:
            yield connection.recv(timeout=_TURN, decode=False)
        except TimeoutError:
            yield None
        except ConnectionClosed as error:
            close = error.rcvd
            said = f" ({close.code} {close.reason})".rstrip(" )") + ")" if close else ""
            raise SourceError(f"{host} ended the connection{said}") from None
    raise Stopped


def _refused(error: InvalidStatus) -> SourceError:
    response = error.response
    body = bytes(response.body or b"")
    headers = {name.lower(): value for name, value in response.headers.raw_items()}
    answer = Answer(response.status_code, body, headers)
    if answer.status >= 400:
        return status_error(answer)
    if answer.status < 300:
        try:
            refuse_walls(body)
        except SourceError as wall:
            return wall
        return SourceChanged("it answers with a page instead of a stream", body=body)
    return SourceChanged(f"it sends elsewhere ({answer.status})", body=body)
