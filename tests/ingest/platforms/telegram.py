"""t.me on this machine: previews of channels, a page a time, as its visitors get them.

The markup is that of ``tests/ingest/fixtures/telegram``; all posts are invented.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.ingest.platforms.serving import Answer, Asked, Served, page, served

FIXTURES = Path(__file__).parent.parent / "fixtures" / "telegram"
PAGE = 20


@dataclass
class Message:
    number: int
    text: str
    date: str = "2026-03-02T10:00:00+00:00"
    views: str = "2.4K"
    inner: str = ""
    """Markup before the text: what is answered, or where it was forwarded from."""
    classes: str = "text_not_supported_wrap"
    footer: bool = True


@dataclass
class Channel:
    name: str
    messages: list[Message] = field(default_factory=list)

    def shows(self, before: int | None) -> list[Message]:
        older = [m for m in self.messages if before is None or m.number < before]
        return older[-PAGE:]


def rendered(channel: str, message: Message) -> str:
    text = (
        f'<div class="tgme_widget_message_text js-message_text" dir="auto">{message.text}</div>'
        if message.text
        else ""
    )
    footer = f"""<div class="tgme_widget_message_footer compact js-message_footer">
<div class="tgme_widget_message_info short js-message_info">
<span class="tgme_widget_message_views">{message.views}</span><span class="copyonly"> views</span>
<span class="tgme_widget_message_meta"><a class="tgme_widget_message_date"
 href="https://t.me/{channel}/{message.number}">
<time datetime="{message.date}" class="time">x</time></a>
</span></div></div>"""
    return f"""<div class="tgme_widget_message_wrap js-widget_message_wrap">
<div class="tgme_widget_message {message.classes} js-widget_message"
 data-post="{channel}/{message.number}" data-view="x">
<div class="tgme_widget_message_user"><a href="https://t.me/{channel}"><i><b>C</b></i></a></div>
<div class="tgme_widget_message_bubble">
<div class="tgme_widget_message_author accent_color"><a class="tgme_widget_message_owner_name"
 href="https://t.me/{channel}"><span dir="auto">A channel</span></a></div>
{message.inner}{text}{footer if message.footer else ""}
</div></div></div>"""


def preview(channel: Channel, before: int | None = None) -> str:
    shown = channel.shows(before)
    more = ""
    if shown and shown[0].number > channel.messages[0].number:
        first = shown[0].number
        more = (
            '<div class="tgme_widget_message_centered js-messages_more_wrap">'
            f'<a href="/s/{channel.name}?before={first}" class="tme_messages_more" '
            f'data-before="{first}"></a></div>'
        )
    return framed(channel.name, more + "".join(rendered(channel.name, m) for m in shown))


def framed(name: str, history: str) -> str:
    return f"""<!DOCTYPE html><html><head><title>A channel – Telegram</title></head>
<body class="widget_frame_base tgme_webpage"><header class="tgme_header">
<div class="tgme_channel_info">
<div class="tgme_channel_info_header_title"><span dir="auto">A channel</span></div>
<div class="tgme_channel_info_header_username"><a href="https://t.me/{name}">@{name}</a></div>
<div class="tgme_channel_info_counters"><div class="tgme_channel_info_counter">
<span class="counter_value">2.4K</span> <span class="counter_type">subscribers</span></div></div>
</div></header><main class="tgme_main"><section class="tgme_channel_history js-message_history">
{history}
</section></main></body></html>"""


def contact(name: str, extra: str = "") -> str:
    """The page of a name without a preview: ``extra`` counts the members of what is there."""
    counted = f'<div class="tgme_page_extra">{html.escape(extra)}</div>' if extra else ""
    return f"""<!DOCTYPE html><html><head><title>Telegram: Contact @{name}</title></head><body>
<div class="tgme_page_wrap"><div class="tgme_page"><div class="tgme_page_title">A name</div>
{counted}<div class="tgme_page_description">If you have <strong>Telegram</strong>, you can contact
<a href="tg://resolve?domain={name}">@{name}</a> right away.</div></div></div></body></html>"""


@contextmanager
def telegram(*channels: Channel, closed: Sequence[tuple[str, str]] = ()) -> Iterator[Served]:
    """Serve channels with a preview; ``closed`` are names without one and what is said of them."""
    known = {channel.name.lower(): channel for channel in channels}
    without = dict(closed)

    def answer(asked: Asked) -> Answer:
        name = asked.path.removeprefix("/s/").strip("/")
        if asked.path.startswith("/s/") and (channel := known.get(name.lower())):
            before = asked.query.get("before")
            return page(preview(channel, int(before) if before else None))
        if asked.path.startswith("/s/"):
            return Answer(b"", 302, {"Location": f"{{url}}/{name}"})
        return page(contact(name, without.get(name, "")))

    with served(answer) as platform:
        yield platform
