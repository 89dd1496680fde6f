"""The text of a piece of HTML as a reader sees it: what platforms give instead of plain text."""

from __future__ import annotations

import re
from html.parser import HTMLParser

_BREAKS = {"br", "li", "tr", "div"}
_PARAGRAPHS = {"p", "ul", "ol", "blockquote", "pre", "h1", "h2", "h3", "h4", "h5", "h6", "table"}
_HIDDEN = {"script", "style", "template", "head", "title"}
_EMPTY = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "wbr"}
_UNCLOSED = re.compile(r"<(?![a-zA-Z/!?][^<>]*+>)")
_MANY = re.compile(r"[^\S\n]*\n[^\S\n]*(?:\n\s*)*")


def text_of(html: str) -> str:
    """Return the text: entities as characters, lines and paragraphs as line ends.

    Never raises; what is no HTML stays as it is.
    """
    if "<" not in html and "&" not in html:
        return html.strip()
    reader = _Text()
    reader.feed(only_closed(html))
    reader.close()
    text = "".join(reader.parts)
    return _MANY.sub(lambda gap: "\n\n" if gap[0].count("\n") > 1 else "\n", text).strip()


def only_closed(html: str) -> str:
    """Return markup without comments, with ``&lt;`` for each ``<`` that begins no closed tag.

    The library's parser looks for an end that never comes from each such place anew, in time that
    grows with the square of the length (https://github.com/python/cpython/issues/135462).
    """
    parts, at = [], 0
    while (begin := html.find("<!--", at)) >= 0:
        end = html.find("-->", begin + 4)
        if end < 0:
            break
        parts.append(html[at:begin])
        at = end + 3
    # a section <![…]]> is passed over up to its first >, as browsers do
    return _UNCLOSED.sub("&lt;", "".join([*parts, html[at:]])).replace("<![", "<!")


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
    """Collects what is shown, with the names of people in mark-up that has no sign as ``[user]``.

    A link to an account that is shown as ``@name`` stays: masking knows which of these may be
    read. Mastodon repeats the link to a quoted post in a paragraph ``quote-inline`` for readers
    without quotes; it is no text of the author.
    """

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0
        self._left_out: list[str] = []
        """The elements that are open since one that is left out began."""
        self._link: int | None = None
        """Where the text of an open link to an account begins among the parts."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._left_out:
            if tag not in _EMPTY:
                self._left_out.append(tag)
            return
        if tag in _HIDDEN:
            self._hidden += 1
        elif tag in _PARAGRAPHS:
            self.parts.append("\n\n")
        elif tag in _BREAKS:
            self.parts.append("\n")
        if attrs:
            named = dict(attrs)
            classes = (named.get("class") or "").split()
            if "quote-inline" in classes:
                self._left_out = [tag]
            elif tag == "a" and self._link is None and _names_account(classes, named.get("href")):
                self._link = len(self.parts)

    def handle_endtag(self, tag: str) -> None:
        if self._left_out:
            if tag in self._left_out:
                del self._left_out[len(self._left_out) - 1 - self._left_out[::-1].index(tag) :]
            return
        if tag in _HIDDEN:
            self._hidden = max(0, self._hidden - 1)
        elif tag in _PARAGRAPHS:
            self.parts.append("\n\n")
        elif tag == "a" and self._link is not None:
            shown = "".join(self.parts[self._link :]).strip()
            if shown and shown[0] not in "@＠#＃":
                self.parts[self._link :] = ["[user]"]
            self._link = None

    def handle_data(self, data: str) -> None:
        if not (self._hidden or self._left_out):
            self.parts.append(data)


def _names_account(classes: list[str], address: str | None) -> bool:
    """Say whether a link leads to a person: Mastodon, Google+ and Telegram mark it so."""
    if address and address.startswith(("tg://user", "tg://openmessage")):
        return True
    return ("mention" in classes and "hashtag" not in classes) or "proflink" in classes
