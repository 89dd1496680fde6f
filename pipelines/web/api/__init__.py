"""The JSON API: what the pages show, for programs. Described by ``/api/openapi.json``."""

from pipelines.web.api import answers, changes

ROUTERS = (answers.router, changes.router)
