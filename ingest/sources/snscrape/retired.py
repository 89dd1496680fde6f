"""What people know from snscrape and what does not work any more: why, and what does instead.

Of each platform it is said what its scrapers in snscrape 0.7.0.20230622 (the last release) ask
for, and what became of that. As its maintainer has it
(https://github.com/JustAnotherArchivist/snscrape/issues/1045, 2025-02) and as of 2026-10.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec


class Retired(msgspec.Struct, frozen=True):
    """A platform that snscrape can't read any more."""

    platform: str
    why: str
    instead: str

    def __str__(self) -> str:
        """Return both as sentences for people."""
        return f"snscrape can't read {self.platform} any more: {self.why}. Instead: {self.instead}"


_X = Retired(
    "X (Twitter)",
    "since June 2023 X shows searches and timelines to accounts alone, and the interface that "
    "snscrape asked as a guest is closed",
    "`marsad ingest x QUERY` with a token for X's own interface (paid), or `marsad ingest archive` "
    "for files that snscrape, twarc, 4CAT or Zeeschuimer wrote",
)
_REDDIT = Retired(
    "Reddit",
    "it asked Pushshift, which has been open to moderators of Reddit alone since May 2023",
    "`marsad ingest archive` for dumps of Pushshift or Arctic Shift, and for what snscrape wrote",
)
_VK = Retired(
    "VK",
    "VK changed its pages in 2023 and shows most of them to accounts alone",
    "`marsad ingest archive` for exports of VK's own interface",
)
_MASTODON = Retired(
    "Mastodon",
    "it reads pages as servers before version 4 wrote them; since November 2022 a page holds no "
    "posts but a program that loads them",
    "`marsad ingest mastodon TAG`, which asks the interface of any instance",
)
_FACEBOOK = Retired(
    "Facebook",
    "Facebook shows a login wall to most visitors, and its pages change faster than scrapers",
    "`marsad ingest archive` for CrowdTangle, 4CAT and the Content Library's exports, and "
    "`marsad pages watch` for the likes of pages",
)
_INSTAGRAM = Retired(
    "Instagram",
    "Instagram sends visitors without an account to a login, and its former interface is closed",
    "`marsad ingest archive` for files of Zeeschuimer, 4CAT and CrowdTangle",
)

#: By the names under which people ask for them.
RETIRED: Final[Mapping[str, Retired]] = {
    "twitter": _X,
    "reddit": _REDDIT,
    "vk": _VK,
    "vkontakte": _VK,
    "facebook": _FACEBOOK,
    "instagram": _INSTAGRAM,
    "mastodon": _MASTODON,
}


def retired(scraper: str) -> Retired | None:
    """Return why a scraper of snscrape is not offered, by its own name (``reddit-search``)."""
    return RETIRED.get(scraper.partition("-")[0])
