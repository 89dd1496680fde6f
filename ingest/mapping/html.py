"""The text of a piece of HTML as a reader sees it: what platforms give instead of plain text."""

from __future__ import annotations

import re
from html.parser import HTMLParser

_BREAKS = {"br", "li", "tr", "div"}
_PARAGRAPHS = {"p", "ul", "ol", "blockquote", "pre", "h1", "h2", "h3", "h4", "h5", "h6", "table"}
_HIDDEN = {"script", "style", "template", "head", "title"}
_MANY = re.compile(r"[^\S\n]*\n[^\S\n]*(?:\n\s*)*")


def text_of(html: str) -> str:
    """Return the text: entities as characters, lines and paragraphs as line ends.

    Never raises; what is no HTML stays as it is.
    """
    if "<" not in html and "&" not in html:
        return html.strip()
    reader = _Text()
    reader.feed(html)
    reader.close()
    text = "".join(reader.parts)
    return _MANY.sub(lambda gap: "\n\n" if gap[0].count("\n") > 1 else "\n", text).strip()


class Lenient(HTMLParser):
    """A parser that no markup stops."""

    def parse_html_declaration(self, i: int) -> int:
        """Pass over what begins with ``<!``; return where it ends, -1 if it does not.

        The library's parser fails with an ``AssertionError`` at ``<![`` and an unknown word; a
        browser passes over it up to the next ``>``.
        """
        try:
            return super().parse_html_declaration(i)
        except AssertionError:
            return self.parse_bogus_comment(i)


class _Text(Lenient):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _HIDDEN:
            self._hidden += 1
        elif tag in _PARAGRAPHS:
            self.parts.append("\n\n")
        elif tag in _BREAKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _HIDDEN:
            self._hidden = max(0, self._hidden - 1)
        elif tag in _PARAGRAPHS:
            self.parts.append("\n\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data)
