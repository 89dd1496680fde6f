"""The pages, one module each; each has its routes as ``router``."""

from pipelines.web.pages import health, search

ROUTERS = (health.router, search.router)
