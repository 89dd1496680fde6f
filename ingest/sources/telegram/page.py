"""One page of a channel's public preview (``t.me/s/channel``), before snscrape reads it.

snscrape 0.7 takes the link, the date and the words of every message and leaves three things out:

* a page that is no preview ends its walk without a word (:func:`refused`),
* one message that lacks something ends it with a bare ``TypeError`` (:func:`prepare` takes such
  messages off the page and hands them back),
* lines run into each other, and of an answer it takes the words that are answered
  (:func:`prepare` puts line ends behind ``<br>`` and renames what is quoted).

What the page says beside that (views, what is answered or forwarded) is read here as well.
Markup as of 2026-10, from public parsers of it; Telegram documents none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

import bs4
import msgspec

from ingest.errors import SourceBlocked, SourceChanged, SourceError, SourceGone
from ingest.http.client import refuse_walls

_MESSAGE = "div.tgme_widget_message[data-post]"
_DIGITS = 18
_NATIVE = re.compile(r"\w+/\d+")
_LINK = re.compile(r"https?://t\.me/(?:s/)?(\w+/\d+)")


class Beside(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a message says that snscrape does not read."""

    views: str = ""
    """As the page has it: ``2.4K``."""
    reply_to: str = ""
    """``channel/number`` of the message it answers."""
    forwarded: str = ""
    """``channel/number`` of the message it forwards."""
    forwarded_from: str = ""
    """Name of whom it forwards, where no message is linked."""


class Odd(msgspec.Struct, frozen=True):
    """A message that snscrape can't read."""

    number: int
    raw: bytes
    problem: str


class Page(msgspec.Struct, frozen=True):
    """A preview, ready for snscrape."""

    body: bytes
    messages: int
    """How many it shows, Telegram's own notes included."""
    beside: Mapping[str, Beside]
    """By ``channel/number``, of posts."""
    odd: Sequence[Odd]
    """From the newest to the oldest, as snscrape goes."""


def prepare(body: bytes, read: Callable[[bs4.Tag], object]) -> Page:
    """Return a page with what snscrape can read of it, and what it can't.

    ``read`` reads one message as snscrape does, and fails as it does. Raises
    :class:`~ingest.errors.SourceChanged` if it can read none of the page's messages.
    """
    soup = bs4.BeautifulSoup(body, "lxml")
    shown = len(soup.select(_MESSAGE))
    # Telegram's own notes (a channel was created, a message was pinned) are no posts
    for note in soup.select("div.service_message"):
        note.decompose()
    messages = soup.select(_MESSAGE)
    beside, odd = {}, []
    # what has no number of its own stands where the one above it does
    number = max((_number(str(message["data-post"])) for message in messages), default=0) + 1
    for message in reversed(messages):
        native = str(message["data-post"])
        number = _number(native) or number
        raw = str(message).encode()
        _separate_lines(message)
        _rename_quotes(message)
        beside[native] = _beside(message)
        if problem := _problem(message, native, read):
            odd.append(Odd(number, raw, problem))
            message.decompose()
    if messages and len(odd) == len(messages):
        raise SourceChanged(
            f"none of its messages has the known form ({odd[0].problem})", body=body
        )
    return Page(str(soup).encode(), shown, beside, odd)


def _problem(message: bs4.Tag, native: str, read: Callable[[bs4.Tag], object]) -> str:
    if not _NATIVE.fullmatch(native):
        return "its id is not channel/number"
    try:
        read(message)
    except Exception as error:  # whatever snscrape stumbles over
        return f"{type(error).__name__} in snscrape"
    return ""


def _number(native: str) -> int:
    number = native.rpartition("/")[2]
    return int(number) if number.isdecimal() and len(number) <= _DIGITS else 0


def _separate_lines(message: bs4.Tag) -> None:
    for end in message.find_all("br"):
        end.insert_after("\n")


def _rename_quotes(message: bs4.Tag) -> None:
    for quote in message.select(".tgme_widget_message_reply .tgme_widget_message_text"):
        quote["class"] = "tgme_widget_message_metatext"


def _beside(message: bs4.Tag) -> Beside:
    views = message.select_one(".tgme_widget_message_views")
    origin = message.select_one(".tgme_widget_message_forwarded_from_name")
    forwarded = _linked(origin)
    return Beside(
        views=views.get_text().strip() if views else "",
        reply_to=_linked(message.select_one("a.tgme_widget_message_reply")),
        forwarded=forwarded,
        forwarded_from=origin.get_text().strip() if origin and not forwarded else "",
    )


def _linked(tag: bs4.Tag | None) -> str:
    link = _LINK.match(str(tag.get("href") or "")) if tag else None
    return link[1] if link else ""


def refused(url: str, body: bytes) -> SourceError | None:
    """Return why a page is no preview of a channel; nothing if it is one.

    Telegram sends a visitor from a preview that it does not give to the page that every channel,
    group and account has; its address has no ``/s/``. Whom it finds too busy it tells that a
    channel has no messages.
    """
    if b"<" not in body:
        return SourceChanged("it answered something else than a page", body=body)
    soup = bs4.BeautifulSoup(body, "lxml")
    if "/s/" in url and soup.select_one(".tgme_channel_history"):
        if soup.select_one(".tme_no_messages_found"):
            return SourceBlocked(
                "it shows no messages, as it does when it is asked too often", body=body
            )
        return None
    if soup.select_one(".tgme_page_extra"):
        return SourceBlocked(
            "it has no public preview: it is a group or an account, or the preview was turned "
            "off. An export of Telegram Desktop can be read with `marsad ingest archive`",
            body=body,
        )
    if soup.select_one(".tgme_page"):
        return SourceGone("there is no channel of this name (any more)", body=body)
    try:
        refuse_walls(body)
    except SourceBlocked as error:
        return error
    return SourceChanged("its page has another form than the known one", body=body)
