"""Likes and followers of a Facebook page, from the Graph API.

Schema: the node ``Page`` with ``fan_count`` and ``followers_count``,
https://developers.facebook.com/docs/graph-api/reference/page, errors as in
https://developers.facebook.com/docs/graph-api/guides/error-handling (v23.0, 2025-05). Needs a
token of an app with Page Public Content Access or Page Public Metadata Access, or of the page
itself; without one Facebook shows a login wall, and no public page is read here. Addresses
without a version mean the oldest one the app may use. Not verified live.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from urllib.parse import SplitResult, parse_qs

from ingest.errors import SourceBlocked, SourceChanged, SourceGone
from ingest.sources.counters.base import Answer, Figure, Reader, Request, decoded, whole

_PAGE = re.compile(r"[A-Za-z0-9.-]{2,}")
_HOSTS = {"www.facebook.com", "facebook.com", "m.facebook.com", "web.facebook.com", "fb.com"}
_FIELDS = {"fan_count": "likes", "followers_count": "followers"}
#: Codes of "no such page" (803: no such alias; 100 with the subcode 33: no such object).
_GONE, _UNSUPPORTED, _NO_OBJECT = 803, 100, 33


class Facebook(Reader):
    """Pages by name or id."""

    platform = "facebook"
    form = "facebook:page"
    needs = "MARSAD_FACEBOOK_TOKEN"
    schema = date(2025, 5, 1)
    documented = "https://developers.facebook.com/docs/graph-api/reference/page"
    probe = "facebook"
    accounts = _PAGE
    host = "https://graph.facebook.com"

    def recognise(self, address: SplitResult) -> str:
        """``https://www.facebook.com/page``."""
        if address.hostname not in _HOSTS:
            return ""
        if address.path == "/profile.php":
            account = parse_qs(address.query).get("id", [""])[0]
        else:
            account = address.path.strip("/")
        return account if self.valid(account) else ""

    def request(self, account: str, key: str) -> Request:
        """Ask for both counters; the token travels as the documentation has it, a parameter."""
        return Request(f"/{account}", {"fields": ",".join(_FIELDS)}, secret={"access_token": key})

    def parse(self, answer: Answer) -> Sequence[Figure]:
        """Return likes and followers, as far as the token may see them."""
        content = decoded(answer)
        error = content.get("error")
        if isinstance(error, dict):
            words = str(error.get("message", ""))[:300]
            code, subcode = error.get("code"), error.get("error_subcode")
            if code == _GONE or (code == _UNSUPPORTED and subcode == _NO_OBJECT):
                raise SourceGone(f"there is no such page, or the token may not see it: {words}")
            raise SourceBlocked(f"it refuses (code {code}): {words}")
        if answer.status != 200:
            raise SourceChanged(f"it answers {answer.status} in an unknown form")
        figures = [
            Figure(metric, whole(content, field))
            for field, metric in _FIELDS.items()
            if field in content
        ]
        if not figures:
            raise SourceBlocked("the token may see neither likes nor followers of this page")
        return figures
