"""Logging in and out."""

from __future__ import annotations

import asyncio
from typing import Annotated

import anyio.to_thread
from fastapi import APIRouter, Form, HTTPException, Request
from starlette.responses import Response

from pipelines.web.view import SESSION, VISIT, View, safe_next

#: Passwords that are checked at once: each takes 64 MiB of memory and a processor.
_HASHING = asyncio.Semaphore(2)

router = APIRouter(include_in_schema=False)


@router.get("/login")
async def form(request: Request, next: str = "/") -> Response:  # noqa: A002 - in addresses
    """Show the form."""
    view = View(request)
    if view.user is not None:
        return view.redirect(safe_next(next))
    return view.render("login.html", next=safe_next(next), failed=False)


@router.post("/login")
async def login(
    request: Request,
    name: Annotated[str, Form(max_length=64)] = "",
    password: Annotated[str, Form(max_length=1_000)] = "",
    token: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/",  # noqa: A002 - in addresses
) -> Response:
    """Begin a session. Ten tries in five minutes for each address, and for each name."""
    view = View(request)
    if not view.service.options.login:
        return view.redirect("/")
    view.check(token)
    limits, accounts = view.service.limits, view.service.accounts
    if not limits.take("login", f"from {view.who}") or not limits.take("login", f"as {name}"):
        raise HTTPException(
            429, view.words.gettext("Too many tries to log in. Wait five minutes, and try again.")
        )
    async with _HASHING:
        good = await anyio.to_thread.run_sync(accounts.verify, name, password)
    if not good:
        accounts.record(view.who, "login refused", "")
        return view.render("login.html", 403, next=safe_next(next), failed=True)
    accounts.record(name, "login", "")
    response = view.redirect(safe_next(next))
    response.delete_cookie(VISIT)
    response.set_cookie(
        SESSION,
        accounts.begin(name),
        secure=view.service.options.https,
        httponly=True,
        samesite="strict",
    )
    return response


@router.post("/logout")
async def logout(request: Request, token: Annotated[str, Form()] = "") -> Response:
    """End the session."""
    view = View(request)
    view.check(token)
    if secret := request.cookies.get(SESSION):
        view.service.accounts.end(secret)
    response = view.redirect("/login" if view.service.options.login else "/")
    response.delete_cookie(SESSION)
    return response
