"""What carries a scraper's requests: Marsad's own client in place of the scraper's connection.

snscrape asks through a session of ``requests``; only the adapter under that session is another.
So its requests have our name, spacing, limits and errors, go to whatever address is configured,
and what comes back passes a check before the scraper sees it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from ingest.errors import SourceBlocked, SourceChanged, SourceError
from ingest.http.client import Client
from ingest.stop import Stopped

#: What Weibo answers to whom it takes for a program: 432 to everybody without a login since
#: November 2025 (https://github.com/DIYgod/RSSHub/issues/20512).
_REFUSALS = (414, 418, 432)


class Transport(BaseAdapter):
    """Fetches for one scraper. ``home`` is the address it believes in, ``base`` where it is sent.

    ``check`` is given the address and body of every answer and returns the body that the scraper
    is to see; it raises :class:`~ingest.errors.SourceError` for what is no answer. A path that
    begins with ``unfollowed`` is answered with the redirect itself, as the scraper wants it.
    """

    def __init__(
        self,
        client: Client,
        home: str,
        base: str,
        check: Callable[[str, bytes], bytes],
        *,
        unfollowed: str = "",
    ) -> None:
        super().__init__()
        self._client = client
        self._home = home
        self._base = base
        self._check = check
        self._unfollowed = unfollowed
        self._body = b""

    def carry(self, scraper: Any) -> None:
        """Put this under a scraper's session, in place of all that it had."""
        scraper._session.adapters.clear()
        scraper._session.mount("", self)

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Make a :class:`~ingest.errors.SourceChanged` of what comes out of the scraper itself.

        It holds the last body that the scraper saw; other errors of sources pass.
        """
        try:
            yield
        except (SourceError, Stopped):
            raise
        except Exception as error:  # snscrape has no tree of errors: a KeyError is usual
            words = str(error) if type(error).__name__ == "ScraperException" else repr(error)
            raise SourceChanged(
                f"snscrape can't read its answer ({words[:200]})", body=self._body
            ) from error

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Return the answer to a scraper's request; what it says of the transport is ignored."""
        asked = request.url or ""
        if not asked.startswith(f"{self._home}/"):
            raise SourceChanged(f"its page sends to another host ({urlsplit(asked).netloc})")
        path = asked.removeprefix(self._home)
        answer = self._client.get(self._base + path, robots=True, expected=_REFUSALS)
        self._body = answer.body
        if answer.status in _REFUSALS:
            raise SourceBlocked(f"it refuses ({answer.status})", body=answer.body)
        found = self._home + _path(answer.url)
        if self._unfollowed and path.startswith(self._unfollowed) and _path(answer.url) != path:
            return _response(request, asked, HTTPStatus.FOUND, b"", {"Location": _path(answer.url)})
        return _response(request, found, answer.status, self._check(found, answer.body), {})

    def close(self) -> None:
        """Do nothing: its maker closes the client."""


def _path(url: str) -> str:
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")


def _response(
    request: requests.PreparedRequest, url: str, status: int, body: bytes, headers: dict[str, str]
) -> requests.Response:
    response = requests.Response()
    response.request = request
    response.url = url
    response.status_code = status
    response.encoding = "utf-8"
    response.headers = CaseInsensitiveDict(headers)
    response._content = body  # requests has no public way to make an answer
    return response
