"""Uploads: a file is looked at first, corrected if need be, then imported."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from starlette.datastructures import UploadFile
from starlette.responses import Response

from ingest.sources.archive.preview import ImportPreview
from ingest.watchlist.loader import NONE, available
from ingest.zones import names as zone_names
from pipelines.results import Failure, Previewed
from pipelines.settings import zone
from pipelines.web import wording
from pipelines.web.jobs import JobFailedError
from pipelines.web.view import Administrator, View

router = APIRouter(include_in_schema=False)

#: Records of an uploaded file that are read; the same import goes on after them.
ROWS = 5_000_000
#: What an import can be told; empty values leave it to what is recognised.
_FIELDS = ("watchlist", "timezone", "platform", "date-order")
#: What a field is called that says which column of the file holds a field of a post.
_MAP = "map-"
#: Bytes that are copied at once.
_CHUNK = 1 << 20


@router.get("/upload")
async def form(view: Administrator) -> Response:
    """Ask for a file."""
    return _form(view)


@router.post("/upload")
async def upload(request: Request, view: Administrator) -> Response:
    """Take a file and look at it: nothing is imported yet."""
    async with request.form(max_files=1, max_fields=12) as sent:
        view.check(str(sent.get("token", "")))
        view.limit("upload")
        file = sent.get("file")
        if not isinstance(file, UploadFile) or not file.filename:
            raise HTTPException(400, view.words.gettext("Choose a file."))
        folder = view.service.jobs.place()
        target = folder / _safe(file.filename)
        size = 0
        with target.open("wb") as stream:
            while chunk := await file.read(_CHUNK):
                size += len(chunk)
                if size > view.service.options.upload_bytes:
                    target.unlink()
                    raise HTTPException(413, view.words.gettext("The file is too large."))
                stream.write(chunk)
        chosen = _chosen({name: str(value) for name, value in sent.items()})
    return await _look(view, target, chosen)


@router.post("/upload/again")
async def again(request: Request, view: Administrator) -> Response:
    """Look at a file once more with other settings, or import it."""
    async with request.form(max_files=0, max_fields=60) as sent:
        view.check(str(sent.get("token", "")))
        values = {name: str(value) for name, value in sent.items()}
    job = view.service.jobs.get(values.get("job", ""))
    owner = view.user.name if view.user else ""
    if job is None or job.owner != owner or job.kind != "preview":
        raise HTTPException(404, view.words.gettext("This work is over and its files are removed."))
    target = Path(job.title)
    chosen = _chosen(values)
    if values.get("what") != "import":
        return await _look(view, target, chosen)
    view.service.accounts.record(view.who, "import", target.name)
    made = view.service.jobs.start(
        "import",
        [*_arguments(view, target, chosen), f"--limit={ROWS}", "--", str(target)],
        owner=owner,
        folder=target.parent,
        title=view.words.gettext("Import of %(name)s", name=target.name),
    )
    return view.redirect(f"/jobs/{made.id}")


async def _look(view: View, target: Path, chosen: dict[str, str]) -> Response:
    owner = view.user.name if view.user else ""
    job = view.service.jobs.start(
        "preview",
        [*_arguments(view, target, chosen), "--preview", "--", str(target)],
        owner=owner,
        folder=target.parent,
        title=str(target),
    )
    await job.finished.wait()
    found = job.first(Previewed)
    if found is None:
        failure = job.first(Failure)
        raise JobFailedError(failure or Failure(error="MarsadError", message=job.output))
    return _form(view, job=job.id, name=target.name, chosen=chosen, preview=found.preview)


def _form(view: View, **values: Any) -> Response:
    chosen: dict[str, str] = values.pop("chosen", {"watchlist": _usual()})
    preview: ImportPreview | None = values.get("preview")
    shown: dict[str, Any] = {"job": "", "preview": None, **values}
    return view.render(
        "upload.html",
        watchlists=available(),
        zones=zone_names(),
        platforms=wording.PLATFORMS,
        columns=list(wording.COLUMNS),
        choices=_columns(preview) if preview else [],
        megabytes=view.service.options.upload_bytes // 1_000_000,
        zone=zone(chosen.get("timezone") or "UTC"),
        chosen=chosen,
        **shown,
    )


def _columns(preview: ImportPreview) -> list[str]:
    """Return the columns of a file that ``--map`` can name."""
    return [name for name in preview.fields if "=" not in name.partition(",")[2]]


def _chosen(values: Mapping[str, str]) -> dict[str, str]:
    """Return what a form says of an import; what it can't say is left out."""
    known = {*_FIELDS, *(f"{_MAP}{name}" for name in wording.COLUMNS)}
    chosen = {name: one[:500].strip() for name, one in values.items() if name in known and one}
    # a watchlist may be a file: the form names those that come with Marsad, and no file
    if chosen.get("watchlist", NONE) not in {NONE, _usual(), *available()}:
        chosen["watchlist"] = NONE
    return chosen


def _usual() -> str:
    from pipelines.commands._shared.context import configured

    return configured().watchlist


def _arguments(view: View, target: Path, chosen: Mapping[str, str]) -> list[str]:
    """Return the arguments of ``marsad ingest archive``, without the file."""
    arguments = ["ingest", "archive", f"--store={view.service.options.store}"]
    for name, value in chosen.items():
        if name.startswith(_MAP):
            arguments.append(f"--map={name.removeprefix(_MAP)}={value}")
        elif value:
            arguments.append(f"--{name}={value}")
    return arguments


def _safe(name: str) -> str:
    """Return a name for an uploaded file: its own, without what leads elsewhere."""
    kept = "".join(sign for sign in Path(name).name if sign.isalnum() or sign in "._- ")
    return kept.strip(". ")[-100:] or f"upload-{secrets.token_hex(4)}"
