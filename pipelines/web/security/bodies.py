"""How much a request may send: refused as soon as it is more, not after all was read."""

from __future__ import annotations

from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: Where files are sent to.
UPLOAD = "/upload"
#: Bytes that any other request may send.
FORM = 1_000_000


class BodyLimit:
    """Refuses bodies that are too long, by their announced length and by what comes.

    ``refuse`` makes the answer; it is told how many bytes would have been taken.
    """

    def __init__(
        self, app: ASGIApp, *, upload_bytes: int, refuse: Callable[[Scope, int], Response]
    ) -> None:
        self._app = app
        self._upload = upload_bytes
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # A little more than the file itself: its form has names and boundaries.
        most = self._upload + FORM if scope["path"] == UPLOAD else FORM
        announced = Headers(scope=scope).get("content-length", "0")
        if not announced.isdigit() or int(announced) > most:
            await self._refuse(scope, most)(scope, receive, send)
            return
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > most:
                raise TooLongError
            return message

        try:
            await self._app(scope, counted, send)
        except TooLongError:
            await self._refuse(scope, most)(scope, receive, send)


class TooLongError(Exception):
    """More came than a request may send."""
