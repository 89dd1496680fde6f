"""A proxy before a Kafka broker that loses answers and cuts connections.

Clients follow the addresses that a broker advertises, so the broker has a second listener that
advertises this proxy's port (:mod:`tests.servers.broker`).
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable

#: Requests by their number in Kafka's protocol (https://kafka.apache.org/protocol#protocol_api_keys).
PRODUCE, FETCH, OFFSET_COMMIT, END_TRANSACTION, TRANSACTION_OFFSETS = 0, 1, 8, 26, 28


class KafkaProxy:
    """Passes whole requests and answers on, and loses those answers it is told to.

    ``lose`` is asked for each answer, with the kind of its request and how many answers of that
    kind came before; a lost answer takes the connection with it, as a broken network does. The
    broker has carried out the request by then. ``lost`` counts them.
    """

    def __init__(self, port: int, target: int) -> None:
        self.port = port
        self.address = f"127.0.0.1:{port}"
        self.target = target
        self.lose: Callable[[int, int], bool] = lambda kind, number: False
        self.seen: Counter[int] = Counter()
        self.lost: Counter[int] = Counter()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", port), backlog=64)
        threading.Thread(target=self._accept, daemon=True).start()

    def reset(self) -> None:
        """Lose nothing any more and forget what was lost."""
        self.lose = lambda kind, number: False
        self.seen.clear()
        self.lost.clear()

    def cut(self) -> None:
        """Cut every connection that is open now."""
        with self._lock:
            for one in list(self._open):
                _shut(one)

    def close(self) -> None:
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            broker = socket.create_connection(("127.0.0.1", self.target), timeout=10)
        except OSError:
            _shut(client)
            client.close()
            return
        broker.settimeout(None)
        with self._lock:
            self._open |= {client, broker}
        kinds: dict[int, int] = {}  # of the requests on their way, by correlation id
        back = threading.Thread(target=self._answers, args=(broker, client, kinds), daemon=True)
        back.start()
        with contextlib.suppress(OSError):
            while frame := _frame(client):
                kind, _, correlation = struct.unpack_from(">hhi", frame, 4)
                kinds[correlation] = kind
                broker.sendall(frame)
        _shut(broker)
        _shut(client)
        back.join()
        with self._lock:
            self._open -= {client, broker}
        client.close()
        broker.close()

    def _answers(self, broker: socket.socket, client: socket.socket, kinds: dict[int, int]) -> None:
        with contextlib.suppress(OSError):
            while frame := _frame(broker):
                (correlation,) = struct.unpack_from(">i", frame, 4)
                if self._loses(kinds.pop(correlation, -1)):
                    break
                client.sendall(frame)
        _shut(broker)
        _shut(client)

    def _loses(self, kind: int) -> bool:
        with self._lock:
            number = self.seen[kind]
            self.seen[kind] += 1
            lost = self.lose(kind, number)
            self.lost[kind] += lost
        return lost


def _frame(stream: socket.socket) -> bytes:
    """One request or answer with its length before it; empty at the end of the stream."""
    head = _exactly(stream, 4)
    if not head:
        return b""
    return head + _exactly(stream, struct.unpack(">i", head)[0])


def _exactly(stream: socket.socket, size: int) -> bytes:
    parts = []
    while size:
        part = stream.recv(min(size, 1 << 20))
        if not part:
            return b""
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _shut(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
