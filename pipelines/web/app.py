"""The page as one ASGI application."""

from __future__ import annotations

import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from importlib import resources
from importlib.metadata import version
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipelines.errors import BrokerError, MarsadError, StoreError
from pipelines.web.api import ROUTERS as API_ROUTES
from pipelines.web.api.shapes import describe
from pipelines.web.failures import kind_of
from pipelines.web.jobs import JobFailedError
from pipelines.web.pages import ROUTERS as PAGES
from pipelines.web.security.bodies import BodyLimit, TooLongError
from pipelines.web.security.headers import SecurityHeaders
from pipelines.web.security.origin import OwnOrigin
from pipelines.web.service import Options, Service
from pipelines.web.view import LoginNeededError, View, words_of

log = logging.getLogger(__name__)

API = "/api/"


def make_app(options: Options) -> FastAPI:
    """Return the page for these options. Raises :class:`~pipelines.errors.AccountError`."""
    service = Service(options)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        service.warm_up()
        yield
        await service.close()

    app = FastAPI(
        title="Marsad",
        version=version("marsad"),
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.service = service
    for router in (*PAGES, *API_ROUTES):
        app.include_router(router)
    describe(app)
    files = resources.files("pipelines.web").joinpath("static")
    app.mount("/static", StaticFiles(directory=str(files)), name="static")
    _explain_errors(app)
    # The last one added is the first that a request meets.
    app.add_middleware(Unforeseen)
    app.add_middleware(BodyLimit, upload_bytes=options.upload_bytes, refuse=_too_long)
    app.add_middleware(OwnOrigin, login=options.login)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(options.hosts), www_redirect=False)
    app.add_middleware(SecurityHeaders, https=options.https)
    return app


def _explain_errors(app: FastAPI) -> None:
    """Answer every failure with what happened and what to do, never with a stack trace."""

    @app.exception_handler(MarsadError)
    async def known(request: Request, error: MarsadError) -> Response:
        status = 503 if isinstance(error, StoreError | BrokerError) else 400
        return _failed(request, status, type(error).__name__, str(error))

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        return _failed(request, error.status_code, "HTTPError", str(error.detail))

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        places = "; ".join(
            f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()
        )
        return _failed(request, 422, "InvalidRequest", places)

    @app.exception_handler(JobFailedError)
    async def job(request: Request, error: JobFailedError) -> Response:
        return _failed(request, 503, error.failure.error, error.failure.message)

    @app.exception_handler(LoginNeededError)
    async def login(request: Request, error: LoginNeededError) -> Response:
        if request.url.path.startswith(API):
            return _failed(request, 401, "LoginNeeded", "Send Authorization: Bearer TOKEN.")
        here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        onward = here if request.method == "GET" else "/"
        return View(request).redirect(f"/login?next={quote(onward)}")


class Unforeseen:
    """Answers what nobody thought of: a number to find it by in the log, and no stack trace.

    It stands inside of the other layers, so that its answers have their headers too.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except TooLongError:
            raise
        except Exception:
            if begun or scope["type"] != "http":
                raise
            number = secrets.token_hex(4)
            log.exception("request %s failed (%s)", scope["path"], number)
            message = (
                f"Marsad failed on this request. Its log has the details under {number}: please "
                "report them."
            )
            answer = _failed(Request(scope, receive), 500, "InternalError", message)
            await answer(scope, receive, send)


def _failed(request: Request, status: int, code: str, message: str) -> Response:
    if request.url.path.startswith(API):
        return JSONResponse({"error": {"code": code, "message": message}}, status)
    try:
        view = View(request)
    except MarsadError as error:  # the file with the accounts can't be read either
        return PlainTextResponse(f"{message}\n{error}", status)
    store = view.service.options.store
    own = code == "HTTPError"  # said by a page, in the reader's language
    return view.render(
        "error.html",
        status,
        kind="not-found" if status == 404 else kind_of(code, store),
        message="" if own and message == HTTPStatus(status).phrase else message,
        own=own,
        store=store,
    )


def _too_long(scope: Scope, most: int) -> Response:
    request = Request(scope)
    if request.url.path.startswith(API):
        message = f"This is too long: at most {most:,} bytes are taken."
    else:
        words = words_of(request)
        message = words.gettext(
            "This is too long: at most %(size)s megabytes are taken. Read a larger file in a "
            "terminal, with marsad ingest archive.",
            size=words.number(most // 1_000_000),
        )
    return _failed(request, 413, "HTTPError", message)
