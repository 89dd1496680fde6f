"""Taking posts away: a file for Excel at once, or a folder with everything that explains it."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import anyio.to_thread
from fastapi import APIRouter, Form, HTTPException
from starlette.responses import FileResponse, Response

from pipelines.export import FORMATS
from pipelines.export.check import gone
from pipelines.results import Failure
from pipelines.web import commandline, queries
from pipelines.web.asked import Asked
from pipelines.web.files import download
from pipelines.web.jobs import JobFailedError
from pipelines.web.pages.jobs import own
from pipelines.web.search_state import chosen
from pipelines.web.view import Exporter, View

router = APIRouter(include_in_schema=False)

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@router.get("/export")
async def form(view: Exporter) -> Response:
    """Show what would be exported, and the command that does the same."""
    asked = view.asked
    posts, study = await view.ask(lambda store: queries.matching(store, asked))
    view.country(study.country)
    formats = tuple(view.request.query_params.getlist("format")) or _usual()
    formats = tuple(name for name in FORMATS if name in formats) or _usual()
    shown = commandline.export(asked, Path(view.service.options.store).name, "study", formats)
    return view.render(
        "export.html",
        posts=posts,
        formats=formats,
        known=list(FORMATS),
        command=commandline.shown(shown),
        chosen=chosen(asked),
        entities=view.names(study),
    )


@router.post("/export")
async def export(
    view: Exporter,
    token: Annotated[str, Form()] = "",
    formats: Annotated[list[str] | None, Form()] = None,
) -> Response:
    """Start an export of the posts that the address asks for."""
    view.check(token)
    view.limit("export")
    names = [name for name in FORMATS if name in (formats or ())] or list(_usual())
    folder = view.service.jobs.place()
    arguments = commandline.export(
        view.asked, view.service.options.store, str(folder / "study"), names
    )
    record_export(view, view.asked, names)
    job = view.service.jobs.start(
        "export",
        arguments,
        owner=view.user.name if view.user else "",
        folder=folder,
        title=view.words.gettext("Export"),
    )
    return view.redirect(f"/jobs/{job.id}")


@router.get("/export/{job_id}.zip")
async def folder(job_id: str, view: Exporter) -> Response:
    """Give the folder of an export, unless posts of it were deleted since."""
    job = own(view, job_id)
    if job.kind != "export" or job.state != "done":
        raise HTTPException(404, view.words.gettext("There is no such export."))
    written = job.folder / "study"
    # asked for before the posts are: what changes meanwhile is another state
    state = view.service.readers.state()
    if state is None or state != job.whole_in:
        if (await view.ask(lambda store: gone(written, store))).rows:
            raise HTTPException(
                410, view.words.gettext("Posts of this export were deleted since. Export again.")
            )
        job.whole_in = state
    packed = job.folder / "study.zip"
    if not packed.exists():
        await anyio.to_thread.run_sync(_pack, written, packed)
    return FileResponse(packed, filename="marsad-study.zip")


@router.get("/download/posts.xlsx")
async def excel(view: Exporter) -> Response:
    """Give the posts of a search as one file that Excel and LibreOffice open."""
    view.limit("export")
    form = "xlsx" if "xlsx" in FORMATS else "csv"
    folder = view.service.jobs.place()
    target = folder / "study"
    record_export(view, view.asked, [form])
    job = view.service.jobs.start(
        "excel",
        commandline.export(view.asked, view.service.options.store, str(target), [form]),
        owner=view.user.name if view.user else "",
        folder=folder,
    )
    await job.finished.wait()
    if job.state == "nothing":
        raise HTTPException(404, view.words.gettext("Nothing was found."))
    found = sorted(target.glob(f"posts.{form}"))
    if job.state != "done" or not found:
        failure = job.first(Failure)
        raise JobFailedError(failure or Failure(error="MarsadError", message=job.output))
    content = await anyio.to_thread.run_sync(found[0].read_bytes)
    if form == "xlsx":
        return download(content, "marsad-posts.xlsx", XLSX)
    return download(content, "marsad-posts.csv")


def _usual() -> tuple[str, ...]:
    return tuple(name for name in ("csv", "xlsx", "ndjson") if name in FORMATS)


def record_export(view: View, asked: Asked, formats: Sequence[str]) -> None:
    """Write an export into the audit log, without any name of an author."""
    # A query may name an author: the log must not.
    query = (
        "a search with author:"
        if "author:" in asked.q
        else commandline.shown(commandline.words(asked))
    )
    view.service.accounts.record(view.who, "export", f"{','.join(formats)}: {query}")


def _pack(folder: Path, target: Path) -> None:
    draft = target.with_suffix(".part")
    with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, Path("marsad-study") / path.relative_to(folder))
    draft.replace(target)
