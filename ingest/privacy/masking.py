"""Take people out of texts: mentions, mail addresses, telephone and other numbers, links.

Each becomes a placeholder, so that the text stays readable and a model can learn from it:
``[user]``, ``[mail]``, ``[phone]``, ``[id]``, ``[url]``. Handles of what is watched stay: that a
post addresses @inwi is the evidence, and a company is not a person.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container

from ingest.privacy.folded import Folded, Span
from ingest.privacy.numbers import personal_numbers
from nlp.text import MARKS

# A link ends at white space, quotes and pictographs; the punctuation of the sentence around it
# is given back. A bare address (bit.ly/x) is a link only with a path: "telquel.ma" is a name.
_END = r"\s<>\"«»“”\u2600-\u27bf\U0001f000-\U0001faff"
# Names of servers have bounds: without them each hyphen of a long line would be tried as the
# begin of one that reaches to its end.
_URL = re.compile(
    rf"(?:https?://|www\.)[^{_END}]+"
    rf"|(?<![\w@.])(?:[\w-]{{1,63}}\.){{1,10}}[a-z]{{2,63}}/[^{_END}]*",
    re.IGNORECASE,
)
_TRAILING = ".,;:!?…)]}'’،؛؟"
# A comma is a slip of the finger only before an ending that is no word.
_MAIL = re.compile(
    rf"(?<![\w.+@＠-])[\w.+{MARKS}-]{{1,64}}[@＠﹫][\w-]{{1,63}}"
    r"(?:(?:\.[\w-]{1,63})+|,(?:com|net|org|info|fr)(?!\w))"
)
# A name goes on over vowel signs and joiners, not over marks that turn the direction of writing.
_NAME = rf"\w(?:(?![\u202a-\u202e\u2066-\u2069])[\w{MARKS}])*"
# Where a program writes the shown name of a person, of several words, it stands between isolates.
# What stands before the sign goes too if it is half an address (somebody.else@mail).
_MENTION = re.compile(
    r"(?:(?<![\w.+-])[a-zA-Z][a-zA-Z0-9_]*+(?:[.+-][a-zA-Z0-9_]++)++)?[@＠﹫]"
    rf"(?:[{MARKS}]*[\u2066-\u2068](?P<shown>[^\u2066-\u2069\n]{{1,100}})\u2069"
    rf"|[{MARKS}]*(?P<handle>{_NAME}(?:[.-]{_NAME})*(?:@[\w-]+(?:\.[\w-]+)+)?))"
)
#: A text without end in what it hides is masked as far as this; no text of people needs more.
_ROUNDS = 50
_FORMAT = "\u00ad\u061c\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
_REDDIT = re.compile(r"(?<![\w/])/?u/[\w-]{3,}")
# Signs of a mail address in other forms: `name @gmail.com`, `name (at) host.org`, `name at gmail
# dot com`. Where no bracket marks the sign, only a provider of mail tells it from a sentence.
_PROVIDER = (
    r"(?:gmail|googlemail|hotmail|yahoo|ymail|outlook|live|msn|icloud|aol|gmx|proton(?:mail)?|"
    r"riseup|laposte|orange|wanadoo|free|sfr|mail|yandex|zoho|tutanota)"
)
_LOCAL = r"(?<![\w.+-])[\w.+-]{1,64}"
_POINT = r"\s{0,2}(?:\.|[(\[{<]\s?(?:dot|point)\s?[)\]}>]|(?<=\s)(?:dot|point)(?=\s))\s{0,2}"
_WRITTEN_MAIL = re.compile(
    rf"{_LOCAL}\s{{0,2}}[(\[{{<]\s?(?:at|arobase|arobas|@)\s?[)\]}}>]\s{{0,2}}"
    rf"[\w-]{{1,63}}(?:{_POINT}[\w-]{{2,63}}){{0,4}}"
    rf"|{_LOCAL}\s{{0,2}}@\s{{0,2}}{_PROVIDER}(?:{_POINT}[a-z]{{2,6}}){{1,2}}(?!\w)"
    rf"|{_LOCAL}\s@\s[\w-]{{1,63}}(?:\.[\w-]{{2,63}}){{1,4}}(?!\w)"
    rf"|{_LOCAL}(?:\s|[_-])(?:at|arobase|arobas|a)(?:\s|[_-]){_PROVIDER}"
    rf"(?:{_POINT}[a-z]{{2,6}}){{1,2}}(?!\w)",
    re.IGNORECASE,
)
_AT_WORD = re.compile(r"(?<![a-z0-9])at(?![a-z0-9])")
_TO_PROVIDER = re.compile(rf" a {_PROVIDER}")
#: The fewest digits of a number that leads to a person are five, of a paper.
_DIGIT = r"[\d\u00b2\u00b3\u00b9\u2070-\u2089\u2460-\u24ff]"
_DIGITS = re.compile(rf"{_DIGIT}(?:[^\d\n]{{0,4}}{_DIGIT}){{4}}")


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
    return found is not None and text[0] in "@＠﹫" and found["handle"] is not None


def mask(text: str, *, keep: Container[str] = frozenset(), country: str | None = None) -> str:
    """Return the text with placeholders for people and links.

    ``keep`` holds the :func:`handle_name` of handles that stay; ``country`` (ISO 3166, two
    letters) is where numbers without an international prefix belong to. Masking a masked text
    changes nothing. Never raises.
    """
    # What stood beside a number or name may be seen only now; each time there is less to find.
    for _ in range(_ROUNDS):
        before = text
        text = _masked_once(text, keep, country)
        if text == before:
            break
    return text


def _masked_once(text: str, keep: Container[str], country: str | None) -> str:
    if "/" in text or "www." in text or "WWW." in text:
        text = _URL.sub(_mask_url, text)
        text = _REDDIT.sub("[user]", text)
    signed = "@" in text or "＠" in text or "﹫" in text
    if signed or _may_be_written(text):
        folded = Folded(text)
        spans = [Span(*found.span(), "[mail]") for found in _WRITTEN_MAIL.finditer(folded.view)]
        if signed:
            spans += [Span(*found.span(), "[mail]") for found in _MAIL.finditer(folded.view)]
            text = _mask_accounts(folded.replaced(spans), keep)
        else:
            text = folded.replaced(spans)
    if _DIGITS.search(text):
        folded = Folded(text)
        text = folded.replaced(personal_numbers(folded.view, country))
    return text


def _may_be_written(text: str) -> bool:
    lower = text.lower()
    return (
        ("at" in lower and _AT_WORD.search(lower) is not None)
        or "arobas" in lower
        or (" a " in lower and _TO_PROVIDER.search(lower) is not None)
    )


def _mask_url(found: re.Match[str]) -> str:
    url = found.group()
    return "[url]" + url[len(url.rstrip(_TRAILING)) :]


def _mask_accounts(text: str, keep: Container[str]) -> str:
    text = _MAIL.sub("[mail]", text)
    return _MENTION.sub(lambda found: _mask_mention(found, keep), text)


def _mask_mention(found: re.Match[str], keep: Container[str]) -> str:
    name = found["handle"] or found["shown"]
    if handle_name(name) in keep:
        return found.group()
    return "[user]" + name[len(name.rstrip(_FORMAT)) :] if found["handle"] else "[user]"
