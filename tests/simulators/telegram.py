"""t.me on this machine: the preview of one channel, a page a time, as its visitors get it.

The markup is in ``tests/ingest/fixtures/telegram/``, whose README says where it comes from.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from string import Template

from tests.simulators.base import moment
from tests.simulators.http import FIXTURES, Answer, Asked, HttpSimulator, page, serving

PAGE = 20
NAME = "nashrat_fictive"


def markup(name: str, **values: object) -> str:
    text = (FIXTURES / "telegram" / f"{name}.html").read_text(encoding="utf-8")
    return Template(text).substitute({name: str(value) for name, value in values.items()})


@dataclass
class Message:
    number: int
    text: str = ""
    date: str = "2026-11-01T00:01:00+00:00"
    views: str = "2.4K"
    before: str = ""
    """Markup before the text: what is answered, or where it was forwarded from."""
    service: bool = False

    def html(self, channel: str) -> str:
        if self.service:
            return markup("service", channel=channel, number=self.number)
        words = (
            f'<div class="tgme_widget_message_text js-message_text" dir="auto">{self.text}</div>'
        )
        return markup(
            "message",
            channel=channel,
            number=self.number,
            date=self.date,
            views=self.views,
            inner=self.before + (words if self.text else ""),
        )


class Telegram(HttpSimulator):
    """One channel with a preview, one group, and one channel whose preview is turned off."""

    name = "telegram"
    target = f"@{NAME}"

    def __init__(self) -> None:
        super().__init__()
        self.messages = [Message(1, service=True)]
        self.busy = False
        """Whether it tells everybody that there are no posts."""

    def publish(self, count: int) -> Sequence[str]:
        ids = []
        for _ in range(count):
            number = self.messages[-1].number + 1
            date = moment(number - 1).isoformat()
            self.messages.append(Message(number, f"post number {number - 1}", date))
            ids.append(f"telegram:{NAME}/{number}")
        return ids

    def accounts(self) -> Sequence[str]:
        return [NAME]

    def answer(self, asked: Asked) -> Answer:
        name = asked.path.removeprefix("/s/").strip("/")
        if asked.path.startswith("/s/") and name.lower() == NAME:
            return page(self.preview(asked.query.get("before")))
        if asked.path.startswith("/s/"):
            return Answer(b"", 302, {"Location": f"{{url}}/{name}"})
        members = {"some_group": "1 234 members", "closed_channel": "2.4K subscribers"}
        extra = f'<div class="tgme_page_extra">{members[name]}</div>' if name in members else ""
        return page(markup("contact", channel=name, extra=extra))

    def preview(self, before: str | None) -> str:
        if self.busy:
            return markup("page", channel=NAME, history=markup("no-posts"))
        older = [m for m in self.messages if before is None or m.number < int(before)]
        shown = older[-PAGE:]
        history = "".join(message.html(NAME) for message in shown)
        if len(older) > PAGE:
            history = markup("more", channel=NAME, number=shown[0].number) + history
        return markup("page", channel=NAME, history=history)


@contextmanager
def telegram() -> Iterator[Telegram]:
    simulator = Telegram()
    with serving(simulator):
        yield simulator
