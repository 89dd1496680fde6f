"""One request as a page sees it: who asks, in which language, and how an answer is drawn."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from pathlib import PurePath
from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qsl, urlencode

from fastapi import Depends, HTTPException, Request
from jinja2 import Environment, PackageLoader, select_autoescape
from starlette.responses import HTMLResponse, RedirectResponse, Response

from pipelines.pages.table import short
from pipelines.stores.protocols import Store
from pipelines.web import wording
from pipelines.web.asked import Asked, asked
from pipelines.web.cache import Made
from pipelines.web.failures import kind_of
from pipelines.web.hostile import visible
from pipelines.web.locales import LANGUAGES, Words, negotiate, words
from pipelines.web.queries.posts import Study
from pipelines.web.security.accounts import User
from pipelines.web.security.roles import Role, may
from pipelines.web.service import Service

T = TypeVar("T")

SESSION, VISIT, LANGUAGE = "marsad_session", "marsad_visit", "marsad_language"
#: Stands in pages that are kept where the token of the visitor belongs.
_TOKEN = f"token-{secrets.token_urlsafe(16)}"
#: A visitor's choice of language is kept for a year, in seconds.
_YEAR = 365 * 86400

_TEMPLATES = Environment(
    loader=PackageLoader("pipelines.web"),
    autoescape=select_autoescape(default=True, default_for_string=True),
    trim_blocks=True,
    lstrip_blocks=True,
    extensions=["jinja2.ext.i18n"],
)
_TEMPLATES.globals["languages"] = LANGUAGES
_TEMPLATES.globals["kind_of"] = kind_of
_TEMPLATES.filters["short_host"] = short
_TEMPLATES.filters["mapped"] = lambda field: f"map-{field}"
_TEMPLATES.filters["visible"] = visible
_TEMPLATES.filters["kind"] = lambda result: result.__struct_config__.tag
_TEMPLATES.filters["base_name"] = lambda path: PurePath(path).name


class LoginNeededError(Exception):
    """The page needs an account, and nobody is logged in."""


def words_of(request: Request) -> Words:
    """Return the language of a request."""
    chosen = (request.query_params.get("ui", ""), request.cookies.get(LANGUAGE, ""))
    return words(negotiate(chosen, request.headers.get("accept-language", "")))


class View:
    """One request: language, account, form token."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.service: Service = request.app.state.service
        self.user = self._user()
        self.asked: Asked = asked(_lists(request))
        self.words = words_of(request)
        self._visit = request.cookies.get(SESSION) or request.cookies.get(VISIT) or ""
        self._new_visit = "" if self._visit else secrets.token_urlsafe(16)
        self._for_all = False

    @property
    def who(self) -> str:
        """Return who is told in the audit log, and whose requests are counted together."""
        client = self.request.client
        return (self.user and self.user.name) or (client.host if client else "unknown")

    def may(self, needed: Role) -> bool:
        """Tell whether the visitor may do what needs this role."""
        return self.user is not None and may(self.user.role, needed)

    async def ask(self, question: Callable[[Store], T]) -> T:
        """Ask the store. Raises :class:`~pipelines.errors.MarsadError`."""
        return await self.service.readers.ask(question)

    def limit(self, action: str) -> None:
        """Count an action. Raises ``HTTPException`` 429 where it is too often."""
        if not self.service.limits.take(action, self.who):
            raise HTTPException(429, self.words.gettext("Too many requests. Wait, and try again."))

    def author_lookup(self, asked: Asked) -> None:
        """Count and record a search for the posts of one author; the name is written nowhere."""
        if "author:" in asked.q or "author:" in asked.vs:
            self.limit("author")
            self.service.accounts.record(self.who, "author look-up", "a search with author:")

    def token(self) -> str:
        """Return the token that this visitor's forms carry."""
        if self._for_all:
            return _TOKEN
        return self.service.tokens.make(self._visit or self._new_visit)

    def check(self, token: str) -> None:
        """Check the token of a form. Raises ``HTTPException`` 403."""
        if not self._visit or not self.service.tokens.good(token, self._visit):
            raise HTTPException(
                403, self.words.gettext("This form has expired. Go back, load it anew, send again.")
            )

    def country(self, country: str) -> None:
        """Write dates as they are written in a country."""
        self.words = words(self.words.language, country)

    def names(self, study: Study) -> dict[str, str]:
        """Return the names of watched entities in the visitor's language, by their ids."""
        return study.told_in(self.words.language).entities

    def here(self, **changes: str) -> str:
        """Return the address of this page with some of its values changed."""
        values = [
            (name, value)
            for name, value in parse_qsl(self.request.url.query)
            if name not in changes
        ]
        return f"{self.request.url.path}?{urlencode([*values, *changes.items()])}"

    def render(self, template: str, code: int = 200, **values: Any) -> Response:
        """Return a page."""
        words = self.words
        context = {
            "_": words.gettext,
            "gettext": words.gettext,
            "ngettext": words.ngettext,
            "words": words,
            "view": self,
            "asked": self.asked,
            "path": self.request.url.path,
            "name_of": wording.Names(words),
            **values,
        }
        response = HTMLResponse(_TEMPLATES.get_template(template).render(context), code)
        return self.finished(response)

    async def cached(self, make: Callable[[], Awaitable[Response]]) -> Response:
        """Return the page that ``make`` makes, or made before from the same state of the store.

        For pages that depend on the store, the address, the language and the role alone. A search
        for an author is made anew each time: nothing of it is kept.
        """
        state = self.service.readers.state()
        if state is None or "author" in f"{self.asked.q} {self.asked.vs}":
            return await make()

        async def made() -> Made:
            self._for_all = True
            try:
                answer = await make()
            finally:
                self._for_all = False
            return Made(bytes(answer.body), answer.media_type or "text/html")

        user = self.user or User("", "reader")
        key = (
            state,
            self.request.url.path,
            self.request.url.query,
            self.words.language,
            user.name,
            user.role,
        )
        page = await self.service.pages.get(key, made)
        body = page.body
        if _TOKEN.encode() in body:
            body = body.replace(_TOKEN.encode(), self.token().encode())
        return self.finished(Response(body, media_type=page.media_type))

    def redirect(self, address: str) -> Response:
        """Return an answer that leads on to another page of ours."""
        return self.finished(RedirectResponse(address, 303))

    def finished(self, response: Response) -> Response:
        """Set the cookies that a visitor needs."""
        secure = self.service.options.https
        chosen = self.request.query_params.get("ui", "")
        if chosen in LANGUAGES and self.request.cookies.get(LANGUAGE) != chosen:
            response.set_cookie(
                LANGUAGE, chosen, max_age=_YEAR, secure=secure, httponly=True, samesite="lax"
            )
        if self._new_visit:
            response.set_cookie(
                VISIT, self._new_visit, secure=secure, httponly=True, samesite="strict"
            )
        return response

    def _user(self) -> User | None:
        if not self.service.options.login:
            return User("", "administrator")
        scheme, _, token = self.request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and token:
            return self.service.accounts.bearer(token.strip())
        secret = self.request.cookies.get(SESSION)
        return self.service.accounts.session(secret) if secret else None


def _needs(role: Role) -> Any:
    """Return a dependency: the view of a visitor who has this role.

    Raises :class:`LoginNeededError`, or ``HTTPException`` 403 for too small a role.
    """

    async def check(request: Request) -> View:
        view = View(request)
        if view.user is None:
            raise LoginNeededError
        if not view.may(role):
            raise HTTPException(
                403,
                view.words.gettext(
                    "Your account may not do this: it needs the role %(role)s. Ask an "
                    "administrator of this page.",
                    role=role,
                ),
            )
        if view.user.name:
            view.limit("read")
        return view

    return Depends(check)


#: The view of a visitor who may do what the role may; for the signatures of routes.
Reader = Annotated[View, _needs("reader")]
Coder = Annotated[View, _needs("coder")]
Exporter = Annotated[View, _needs("exporter")]
Administrator = Annotated[View, _needs("administrator")]


def safe_next(address: str) -> str:
    """Return an address to go on to after logging in: one of this page's own."""
    inside = address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if inside else "/"


def _lists(request: Request) -> Mapping[str, list[str]]:
    values: dict[str, list[str]] = {}
    for name, value in request.query_params.multi_items():
        values.setdefault(name, []).append(value)
    return values
