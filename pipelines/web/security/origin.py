"""Refuses what another web site makes a browser send, and proxies where nobody logs in."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_OTHERS = (
    "This came from another web site and was refused. Open the page itself and try again there."
)
_PROXY = (
    "This page has no accounts and answers this machine alone, but the request came through a "
    "proxy, from anyone. Add an account (marsad users add) before you put a proxy in front of it."
)


class OwnOrigin:
    """Checks where a request comes from, beside the tokens of forms (defence in depth).

    What changes something must come from the page itself (``Sec-Fetch-Site``, ``Origin``); what
    is no browser sends neither header. Without ``login`` a request must not come through a proxy.
    """

    def __init__(self, app: ASGIApp, *, login: bool) -> None:
        self._app = app
        self._login = login

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            if not self._login and ("x-forwarded-for" in headers or "forwarded" in headers):
                await PlainTextResponse(_PROXY, 403)(scope, receive, send)
                return
            if scope["method"] not in _READING and not _own(headers):
                await PlainTextResponse(_OTHERS, 403)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _own(headers: Headers) -> bool:
    site = headers.get("sec-fetch-site")
    if site is not None:  # browsers set it themselves, and to trustworthy addresses alone
        return site in {"same-origin", "none"}
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")
