"""Refuses what another web site makes a browser send, and proxies where nobody logs in."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

#: Headers that proxies add.
_PROXIED = frozenset(
    {"forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"}
)
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
    is no browser sends neither header. Reading is for the page itself and for people who follow a
    link to it: another site must not load it as an image or a frame, since a search or a file for
    Excel costs the machine work. Without ``login`` a request must not come through a proxy.
    """

    def __init__(self, app: ASGIApp, *, login: bool) -> None:
        self._app = app
        self._login = login

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            if not self._login and not _PROXIED.isdisjoint(headers.keys()):
                await PlainTextResponse(_PROXY, 403)(scope, receive, send)
                return
            good = _followed(headers) if scope["method"] in _READING else _own(headers)
            if not good:
                await PlainTextResponse(_OTHERS, 403)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _followed(headers: Headers) -> bool:
    """Tell whether the page itself asks, or a person who opens it (W3C's Fetch Metadata)."""
    if headers.get("sec-fetch-site") in {None, "same-origin", "none"}:
        return True
    return (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")) == (
        "navigate",
        "document",
    )


def _own(headers: Headers) -> bool:
    site = headers.get("sec-fetch-site")
    if site is not None:  # browsers set it themselves, and to trustworthy addresses alone
        return site in {"same-origin", "none"}
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")
