"""A running page over a store of a few posts, which are fictional and written for these tests."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx2
import pytest
import uvicorn

from ingest.records import Post, Sentiment, Target
from pipelines.records import Batch, Collected, Position
from pipelines.stages import index
from pipelines.stores.sqlite import SqliteStore
from pipelines.web.app import make_app
from pipelines.web.service import Options

NOON = datetime(2016, 2, 27, 12, tzinfo=UTC)
ZONE = "Africa/Casablanca"


def sentiment(label: str) -> Sentiment:
    chances = dict.fromkeys(("negative", "neutral", "positive"), 0.1) | {label: 0.8}
    return Sentiment(label, **chances)  # type: ignore[arg-type]


def towards(entity: str, label: str) -> Target:
    chances = dict.fromkeys(("negative", "neutral", "positive"), 0.1) | {label: 0.8}
    return Target(entity, label, **chances)  # type: ignore[arg-type]


def a_post(number: int, text: str, **fields: object) -> Post:
    """A scored post; one an hour unless another time is given."""
    values: dict[str, object] = {
        "id": f"twitter:{number}",
        "platform": "twitter",
        "text": text,
        "created_at": NOON + timedelta(hours=number),
        "collected_at": NOON,
        "author": "u_aaaaaaaaaaaaaaaa",
        "digest": f"digest-{number}",
        "language": "fr",
        "language_confidence": 0.9,
        "sentiment": sentiment("negative"),
        "flags": ("fictional",),
        "model": "test",
        **fields,
    }
    return Post(**values)  # type: ignore[arg-type]


POSTS = (
    a_post(1, "inwi coupe les appels, honte à eux", entities=("inwi",), counts={"likes": 12}),
    a_post(
        2,
        "إنوي قطعات لينا واتساب",
        language="ary",
        entities=("inwi", "whatsapp"),
        targets=(towards("inwi", "negative"), towards("whatsapp", "neutral")),
    ),
    a_post(
        3,
        "inwi 7bsat lina whatsapp",
        language="ary-Latn",
        entities=("inwi", "whatsapp"),
        targets=(towards("inwi", "negative"), towards("whatsapp", "positive")),
    ),
    a_post(4, "skype works again", language="en", sentiment=sentiment("positive")),
    a_post(5, "bonjour à tous", platform="youtube", id="youtube:5", sentiment=sentiment("neutral")),
)


def fill(path: Path, posts: tuple[Post, ...] | list[Post], after: str = "") -> Path:
    """Put scored posts into a store; ``after`` is how often that was done before."""
    store = SqliteStore(path, timezone=ZONE)
    try:
        cursor = str(int(after or 0) + 1)
        position = Position(key="test", name="test", cursor=cursor, done=True)
        batch = Batch(
            position=position, previous_cursor=after, posts=[Collected(post) for post in posts]
        )
        store.accept_scored(batch, index(posts, ZoneInfo(ZONE)))
    finally:
        store.close()
    return path


class Site:
    """A page on a port of its own."""

    def __init__(self, url: str, options: Options) -> None:
        self.url = url
        self.options = options
        self.client = httpx2.Client(base_url=url, follow_redirects=False, timeout=600)

    def get(self, path: str, **options: object) -> httpx2.Response:
        return self.client.get(path, **options)  # type: ignore[arg-type]

    def token(self, path: str) -> str:
        """The token that a page puts into its forms."""
        found = re.search(r'name="token" value="([^"]+)"', self.page(path))
        assert found, path
        return found[1]

    def post(self, path: str, **fields: str) -> httpx2.Response:
        return self.client.post(path, data=fields)

    def done(self, answer: httpx2.Response) -> str:
        """The page of the work that an answer leads to, once it has ended."""
        assert answer.status_code == 303, answer.text
        while "every 1s" in (page := self.page(answer.headers["location"])):
            time.sleep(0.2)
        return page

    def page(self, path: str) -> str:
        """The text of a page that must be there, wherever it leads first."""
        answer = self.client.get(path, follow_redirects=True)
        assert answer.status_code == 200, answer.text
        return answer.text


@contextlib.contextmanager
def serving(options: Options) -> Iterator[Site]:
    """Serve a page on a free port."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(make_app(options), log_level="error", access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    site = Site(f"http://127.0.0.1:{listening.getsockname()[1]}", options)
    try:
        site.client.get("/healthz", timeout=60)
        yield site
    finally:
        site.client.close()
        server.should_exit = True
        thread.join()
        listening.close()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """Serve pages over posts (or over a store that is not there) until the test ends."""
    with contextlib.ExitStack() as stack:

        def start(posts: tuple[Post, ...] | list[Post] | None = POSTS, **options: object) -> Site:
            path = tmp_path / "store.db"
            if posts is not None and not path.exists():
                fill(path, posts)
            values: dict[str, object] = {
                "store": str(path),
                "accounts": tmp_path / "web.db",
                "threads": 2,
                **options,
            }
            return stack.enter_context(serving(Options(**values)))  # type: ignore[arg-type]

        yield start


@pytest.fixture(scope="session")
def _one_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("web")
    options = Options(
        store=str(fill(folder / "store.db", POSTS)), accounts=folder / "web.db", threads=2
    )
    with serving(options) as site:
        yield site


@pytest.fixture
def site(_one_site: Site) -> Site:
    """A page that tests share: they read only. Each has cookies of its own."""
    _one_site.client.cookies.clear()
    return _one_site
