"""The pages, one module each; each has its routes as ``router``."""

from pipelines.web.pages import health, likes, overview, post, search, status, trends

ROUTERS = (
    health.router,
    overview.router,
    search.router,
    post.router,
    trends.router,
    likes.router,
    status.router,
)
