"""Take people out of texts: mentions, e-mail addresses, telephone numbers and links.

Each becomes a placeholder, so that the text stays readable and a model can learn from it:
``[user]``, ``[mail]``, ``[phone]``, ``[url]``. Handles of what is watched stay: that a post
addresses @inwi is the evidence, and a company is not a person.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Sequence

import phonenumbers

from nlp.text import MARKS

# A link ends at white space, quotes and pictographs; the punctuation of the sentence around it
# is given back. A bare address (bit.ly/x) is a link only with a path: "telquel.ma" is a name.
_END = r"\s<>\"«»“”\u2600-\u27bf\U0001f000-\U0001faff"
# Names of servers have bounds: without them each hyphen of a long line would be tried as the
# begin of one that reaches to its end.
_URL = re.compile(
    rf"(?:https?://|www\.)[^{_END}]+"
    rf"|(?<![\w@.])(?:[a-z0-9-]{{1,63}}\.){{1,10}}[a-z]{{2,63}}/[^{_END}]*",
    re.IGNORECASE,
)
_TRAILING = ".,;:!?…)]}'’،؛؟"
# A comma is a slip of the finger only before an ending that is no word.
_MAIL = re.compile(
    rf"(?<![\w.+@＠-])[\w.+{MARKS}-]{{1,64}}[@＠][\w-]{{1,63}}"
    r"(?:(?:\.[\w-]{1,63})+|,(?:com|net|org|info|fr)(?!\w))"
)
# A name goes on over vowel signs and joiners, not over marks that turn the direction of writing.
_NAME = rf"\w(?:(?![\u202a-\u202e\u2066-\u2069])[\w{MARKS}])*"
# Where a program writes the shown name of a person, of several words, it stands between isolates.
# What stands before the sign goes too if it is half an address (somebody.else@mail).
_MENTION = re.compile(
    r"(?:(?<![\w.+-])[a-zA-Z][a-zA-Z0-9_]*+(?:[.+-][a-zA-Z0-9_]++)++)?[@＠]"
    rf"(?:[{MARKS}]*[\u2066-\u2068](?P<shown>[^\u2066-\u2069\n]{{1,100}})\u2069"
    rf"|[{MARKS}]*(?P<handle>{_NAME}(?:[.-]{_NAME})*(?:@[\w-]+(?:\.[\w-]+)+)?))"
)
_FORMAT = "\u00ad\u061c\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
_REDDIT = re.compile(r"(?<![\w/])/?u/[\w-]{3,}")
# Anything that may be a telephone number: at least eight digits of any script with the
# separators people use. The library decides; this only spares it most texts.
_DIGITS = re.compile(r"\d(?:[ .()/_:\u00a0\u202f-]{0,2}\d){7,}")
# Numbers that start as telephone numbers do, also where the country is not known: with the
# prefix of a country; with a zero; in five pairs, whatever stands between them.
_ZERO = "[0٠۰]"
_BEFORE, _AFTER = r"(?<![\w.,/:-])", r"(?![\w/:-])"
_NUMBERS = (
    re.compile(rf"(?<![\w.,/:])(?:[+＋]|{_ZERO}{{2}})(?:[ .()/_\u00a0-]{{0,2}}\d){{8,15}}{_AFTER}"),
    re.compile(rf"{_BEFORE}{_ZERO}\d(?:[ .\u00a0-]?\d){{7,10}}{_AFTER}"),
    re.compile(rf"{_BEFORE}{_ZERO}\d([ .\u00a0_/:-])\d\d(?:\1\d\d){{3}}{_AFTER}"),
)
_PHONE_STARTS = ("+", "＋", "0", "٠", "۰")
# Groups of three are a figure: 10 000 000 000 dirhams.
_FIGURE = re.compile(
    r"(?<![\d+＋])(?<!\d[ .,'\u00a0\u202f])[1-9١-٩۱-۹]\d{0,2}"
    r"(?:[ .,'\u00a0\u202f]\d{3})+(?![ .,'\u00a0\u202f]?\d)"
)
_DAY, _MONTH = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])"
_DATE = re.compile(
    rf"(?<![\d./-])(?:(?:19|20)\d\d[./-]{_MONTH}[./-]{_DAY}|{_DAY}[./-]{_MONTH}[./-](?:\d\d){{1,2}})"
    r"(?![./-]?\d)"
    rf"|(?<!\d)(?:(?:19|20)\d\d {_MONTH} {_DAY}|{_DAY} {_MONTH} (?:19|20)\d\d)(?!\d)"
)


def handle_name(handle: str) -> str:
    """Return the form in which names of accounts are compared.

    ``@Maroc_Telecom`` → ``maroc_telecom``. What a screen shows alike is one name: letters that
    are composed or wide (Unicode's NFKC), marks that nobody sees, runs of white space.
    """
    if not handle.isascii():
        handle = unicodedata.normalize("NFKC", handle)
        handle = "".join(char for char in handle if unicodedata.category(char) != "Cf")
        handle = unicodedata.normalize("NFKC", handle.casefold())
    return " ".join(handle.split()).lstrip("@ ").casefold()


def is_handle(text: str) -> bool:
    """Tell whether a text is one handle with its sign: ``@name``, also with dots or a server."""
    found = _MENTION.fullmatch(text)
    return found is not None and text[0] in "@＠" and found["handle"] is not None


def mask(text: str, *, keep: Container[str] = frozenset(), country: str | None = None) -> str:
    """Return the text with placeholders for people and links.

    ``keep`` holds the :func:`handle_name` of handles that stay; ``country`` (ISO 3166, two
    letters) is where numbers without an international prefix belong to. Masking a masked text
    changes nothing. Never raises.
    """
    if "/" in text or "www." in text or "WWW." in text:
        text = _URL.sub(_mask_url, text)
        text = _REDDIT.sub("[user]", text)
    if "@" in text or "＠" in text:
        text = _mask_accounts(text, keep)
    if _DIGITS.search(text):
        masked = _mask_phones(text, country)
        if masked != text:
            # What stood beside a number may be seen only now; each time there are fewer digits.
            return mask(masked, keep=keep, country=country)
    return text


def _mask_url(found: re.Match[str]) -> str:
    url = found.group()
    return "[url]" + url[len(url.rstrip(_TRAILING)) :]


def _mask_accounts(text: str, keep: Container[str]) -> str:
    before = ""
    while text != before:  # what stood beside a name may be seen only now, and is one @ less
        before = text
        text = _MAIL.sub("[mail]", text)
        text = _MENTION.sub(lambda found: _mask_mention(found, keep), text)
    return text


def _mask_mention(found: re.Match[str], keep: Container[str]) -> str:
    name = found["handle"] or found["shown"]
    if handle_name(name) in keep:
        return found.group()
    return "[user]" + name[len(name.rstrip(_FORMAT)) :] if found["handle"] else "[user]"


def _mask_phones(text: str, country: str | None) -> str:
    figures = [found.span() for found in _FIGURE.finditer(text)]
    spans = [
        (match.start, match.end)
        for match in phonenumbers.PhoneNumberMatcher(
            text, country, leniency=phonenumbers.Leniency.POSSIBLE, max_tries=1000
        )
        if _looks_like_phone(match, figures)
    ]
    spans += [
        found.span()
        for pattern in _NUMBERS
        for found in pattern.finditer(text)
        if not _DATE.match(found.group()) and not _inside(found.start(), figures)
    ]
    if not spans:
        return text
    parts, end = [], 0
    for start, stop in sorted(spans):
        if start >= end:
            parts += [text[end:start], "[phone]"]
        end = max(end, stop)
    return "".join([*parts, text[end:]])


def _looks_like_phone(
    match: phonenumbers.PhoneNumberMatch, figures: Sequence[tuple[int, int]]
) -> bool:
    if _DATE.search(match.raw_string):
        return False
    if match.raw_string.lstrip("( ").startswith(_PHONE_STARTS):
        return not _inside(match.start, figures)
    if any(start < match.end and match.start < end for start, end in figures):
        return False
    return phonenumbers.is_valid_number(match.number)


def _inside(place: int, figures: Sequence[tuple[int, int]]) -> bool:
    """Tell whether this is among the zeros of a figure, not at its begin."""
    return any(start < place < end for start, end in figures)
