"""Deleting posts, or all posts of an account: shown first, then done for good."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException
from starlette.responses import Response

from pipelines.settings import zone
from pipelines.web import queries
from pipelines.web.asked import Asked
from pipelines.web.view import Administrator, View

router = APIRouter(include_in_schema=False)

Text = Annotated[str, Form(max_length=500)]


@router.get("/delete")
async def form(view: Administrator, id: str = "") -> Response:  # noqa: A002 - in addresses
    """Ask what is to be deleted."""
    return view.render("delete.html", post_id=id, author="", platform="", preview=None)


@router.post("/delete/preview")
async def preview(
    view: Administrator,
    token: Text = "",
    post_id: Text = "",
    author: Text = "",
    platform: Text = "",
) -> Response:
    """Show what a deletion would hit. The name of an account stands in no address."""
    view.check(token)
    post_id, author, platform = post_id.strip(), author.strip(), platform.strip()
    _one(view, post_id, author)
    if author:
        view.limit("author")
        view.service.accounts.record(view.who, "author look-up", "before a deletion")
    found = await view.ask(lambda store: queries.deletion(store, post_id, author, platform))
    view.country(found.study.country)
    return view.render(
        "delete.html",
        post_id=post_id,
        author=author,
        platform=platform,
        preview=found,
        zone=zone(found.study.timezone),
        entities=view.names(found.study),
        asked=Asked(),
    )


@router.post("/delete")
async def delete(
    view: Administrator,
    token: Text = "",
    post_id: Text = "",
    author: Text = "",
    platform: Text = "",
    sure: Text = "",
) -> Response:
    """Delete. The same command as in a terminal, in a process of its own."""
    view.check(token)
    view.limit("delete")
    if not sure:
        raise HTTPException(400, view.words.gettext("Nothing was deleted: confirm it first."))
    arguments, what = deletion_arguments(view, post_id, author, platform)
    view.service.accounts.record(view.who, "delete", what)
    job = view.service.jobs.start(
        "delete",
        arguments,
        owner=view.user.name if view.user else "",
        folder=view.service.jobs.place(),
        title=view.words.gettext("Delete"),
    )
    return view.redirect(f"/jobs/{job.id}")


def deletion_arguments(
    view: View, post_id: str, author: str, platform: str
) -> tuple[list[str], str]:
    """Return the arguments of ``marsad delete``, and what the audit log says of it.

    Raises ``HTTPException``.
    """
    post_id, author, platform = post_id.strip(), author.strip(), platform.strip()
    _one(view, post_id, author)
    arguments = ["delete", f"--store={view.service.options.store}", *_yes()]
    if post_id:
        return [*arguments, "--", post_id], f"post {post_id}"
    if platform:
        arguments.append(f"--platform={platform}")
    return [*arguments, f"--author={author}"], "all posts of an account"


def _one(view: View, post_id: str, author: str) -> None:
    if bool(post_id) == bool(author):
        raise HTTPException(400, view.words.gettext("Name either a post by its id, or an account."))
    if post_id and not all(part.strip() for part in (*post_id.split(":", 1), "")[:2]):
        raise HTTPException(
            400,
            view.words.gettext(
                "%(id)s is no id of a post: they read platform:number.", id=repr(post_id)
            ),
        )


def _yes() -> list[str]:
    """Return the option that leaves out the question of the terminal, where there is one."""
    from pipelines.commands.delete import command

    return ["--yes"] if any(one.name == "yes" for one in command.params) else []
