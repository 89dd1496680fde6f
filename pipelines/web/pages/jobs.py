"""Long work: how far it is, what it said, and what it made."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException
from starlette.responses import Response

from pipelines.web.jobs import Job
from pipelines.web.view import Reader, View

router = APIRouter(include_in_schema=False)


def own(view: View, job_id: str) -> Job:
    """Return a job of the visitor's own. Raises ``HTTPException`` 404."""
    job = view.service.jobs.get(job_id)
    if job is None or view.user is None or job.owner != view.user.name:
        raise HTTPException(404, view.words.gettext("This work is over and its files are removed."))
    return job


@router.get("/jobs/{job_id}")
async def job(job_id: str, view: Reader) -> Response:
    """Show a job; the page looks again every second while it runs."""
    return view.render("job.html", job=own(view, job_id))
