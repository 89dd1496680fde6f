"""The pages, one module each; each has its routes as ``router``."""

from pipelines.web.pages import (
    account,
    api,
    delete,
    export,
    health,
    jobs,
    label,
    likes,
    overview,
    post,
    search,
    status,
    trends,
    upload,
)

ROUTERS = (
    health.router,
    account.router,
    overview.router,
    search.router,
    post.router,
    trends.router,
    likes.router,
    export.router,
    delete.router,
    label.router,
    upload.router,
    jobs.router,
    status.router,
    api.router,
)
