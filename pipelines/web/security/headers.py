"""The headers of every answer: what a browser may load, and who may show the page in a frame."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: Observable Plot puts this style into each chart; a test computes it from the shipped file.
PLOT_STYLE = "'sha256-QHM2H6tY9O1qrpnrtg/Qk95m6DgYkSAfTLYwUnJf8kg='"

CONTENT_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        f"style-src 'self' {PLOT_STYLE}",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)

_HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # with "no-referrer" browsers send forms with "Origin: null", as if they came from elsewhere
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_STATIC = "/static/"
#: For addresses that are reached by HTTPS alone: two years (RFC 6797).
_HTTPS = "max-age=63072000"


class SecurityHeaders:
    """Adds the headers to every answer, of errors too.

    Pages are kept by no cache, scripts and styles are.
    """

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        self._app = app
        self._https = https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if self._https:
                    headers.setdefault("Strict-Transport-Security", _HTTPS)
                # what is the same for everybody is asked for again and not sent again (ETag)
                kept = scope["path"].startswith(_STATIC)
                headers.setdefault("Cache-Control", "no-cache" if kept else "no-store")
            await send(message)

        await self._app(scope, receive, with_headers)
