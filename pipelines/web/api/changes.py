"""Taking posts away, deleting them, and how far such work is."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Body, HTTPException, Path
from starlette.responses import Response

from pipelines.export import FORMATS
from pipelines.web import commandline, queries
from pipelines.web.api.parameters import Asked
from pipelines.web.api.shapes import DeletionAnswer, JobAnswer, answer, described
from pipelines.web.jobs import Job
from pipelines.web.pages.delete import deletion_arguments
from pipelines.web.pages.export import record_export
from pipelines.web.pages.jobs import own
from pipelines.web.view import Administrator, Exporter, Reader

router = APIRouter(prefix="/api/v1", tags=["change"])

JobId = Annotated[str, Path(max_length=64)]


@router.post(
    "/exports", status_code=202, responses=described(JobAnswer, code=202), response_model=None
)
async def export(
    view: Exporter,
    asked: Asked,
    formats: Annotated[list[Literal["ndjson", "csv", "parquet", "xlsx"]], Body(embed=True)],
) -> Response:
    """Start an export; ``/export/{id}.zip`` gives its folder when it is done."""
    names = [name for name in FORMATS if name in formats]
    if not names:
        raise HTTPException(400, f"Choose formats among {', '.join(FORMATS)}.")
    view.limit("export")
    folder = view.service.jobs.place()
    record_export(view, asked, names)
    job = view.service.jobs.start(
        "export",
        commandline.export(asked, view.service.options.store, str(folder / "study"), names),
        owner=view.user.name if view.user else "",
        folder=folder,
    )
    return answer(told(job), 202)


@router.get("/jobs/{job_id}", responses=described(JobAnswer, 404), response_model=None)
async def state(view: Reader, job_id: JobId) -> Response:
    """Say how far work is."""
    return answer(told(own(view, job_id)))


@router.post("/deletions", responses=described(DeletionAnswer), response_model=None)
async def delete(
    view: Administrator,
    post: Annotated[str, Body(max_length=500)] = "",
    author: Annotated[str, Body(max_length=500)] = "",
    platform: Annotated[str, Body(max_length=50)] = "",
    sure: Annotated[bool, Body()] = False,
) -> Response:
    """Say what a deletion would hit; with ``sure`` do it. Name a post or an account."""
    arguments, what = deletion_arguments(view, post, author, platform)
    view.limit("delete")
    if author:
        view.limit("author")
        view.service.accounts.record(view.who, "author look-up", "before a deletion")
    found = await view.ask(
        lambda store: queries.deletion(store, post.strip(), author.strip(), platform.strip())
    )
    job = None
    if sure:
        view.service.accounts.record(view.who, "delete", what)
        job = told(
            view.service.jobs.start(
                "delete",
                arguments,
                owner=view.user.name if view.user else "",
                folder=view.service.jobs.place(),
            )
        )
    return answer(DeletionAnswer(found.posts, found.platforms, job))


def told(job: Job) -> JobAnswer:
    """Return a job as the API tells it."""
    return JobAnswer(job.id, job.state, list(job.lines))
