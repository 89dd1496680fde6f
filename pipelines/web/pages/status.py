"""The state of the store: the ledger, sources, dead letters, gaps; the audit log."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from fastapi import APIRouter, Form
from starlette.responses import Response

from pipelines.records import Ledger
from pipelines.settings import zone
from pipelines.web import queries
from pipelines.web.view import Administrator, Reader, View

router = APIRouter(include_in_schema=False)


class AuditLine(msgspec.Struct, frozen=True):
    """A line of the audit log as the page shows it."""

    when: str
    who: str
    action: str
    detail: str


@router.get("/status")
async def status(view: Reader) -> Response:
    """Show the state of the store."""
    whole = view.may("administrator")
    found = await view.ask(lambda store: queries.state(store, dead=whole))
    view.country(found.study.country)
    return view.render(
        "status.html",
        status=found.status,
        study=found.study,
        ledger=[(name, getattr(found.status.ledger, name)) for name in Ledger.__struct_fields__],
        sources=found.sources,
        inputs=found.inputs,
        gaps=found.gaps,
        dead=found.dead,
        zone=zone(found.study.timezone),
        audit=_audit(view) if whole else [],
    )


def _audit(view: View) -> list[AuditLine]:
    return [
        AuditLine(
            view.words.moment(datetime.fromtimestamp(one.at, UTC), zone("UTC")) + " UTC",
            one.who,
            one.action,
            one.detail,
        )
        for one in view.service.accounts.audit(50)
    ]


@router.post("/status/retry")
async def retry(view: Administrator, token: Annotated[str, Form()] = "") -> Response:
    """Try all dead letters again, as ``marsad dead retry`` does."""
    view.check(token)
    view.service.accounts.record(view.who, "retry", "all dead letters")
    job = view.service.jobs.start(
        "retry",
        ["dead", "retry", f"--store={view.service.options.store}"],
        owner=view.user.name if view.user else "",
        folder=view.service.jobs.place(),
        title=view.words.gettext("Try all of them again"),
    )
    return view.redirect(f"/jobs/{job.id}")
