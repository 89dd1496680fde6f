"""The name of an account: as people see it, and how pseudonyms are and were made of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from ingest.privacy.masking import handle_name

#: Returns the form of a name on a platform that its pseudonym is made of.
Form = Callable[[str, str], str]

_LONGEST = 512
_WITH_MAIL = re.compile(
    r"[^\s@<>()]+@[^\s@<>()]+\s*\(([^()]+)\)|([^<>()]+?)\s*[<(][^\s@<>()]+@[^\s@<>()]+[>)]"
)


def shown_name(name: str, platform: str) -> str:
    """Return an account's name as people see it, which addresses and ids may hold.

    Feeds write their authors ``mail (Name)`` or ``Name <mail>``; feedparser's own
    ``author_detail`` ends such a mail address after four letters of its last part.
    """
    if platform != "rss" or "@" not in name:
        return name
    found = _WITH_MAIL.fullmatch(name.strip()[:_LONGEST])
    return (found[1] or found[2]).strip() if found else name


def account_name(name: str, platform: str) -> str:
    """Return the form in which the names of accounts of one platform are compared."""
    return handle_name(shown_name(name, platform))


def _with_mail(name: str, platform: str) -> str:
    """Return the form before names of feeds were read apart from mail addresses."""
    return handle_name(name)


def _as_written(name: str, platform: str) -> str:
    """Return the form that pseudonyms were made of at first."""
    return name.lstrip("@＠").casefold()


#: How the name of an account is read, the present way first: what is stored keeps its pseudonym,
#: and an earlier deletion refuses what the account writes now.
FORMS: Final[tuple[Form, ...]] = (account_name, _with_mail, _as_written)


def forms_of(*names: str) -> tuple[Form, ...]:
    """Return the forms that can differ for these names: of most there is one."""
    joined = "".join(names)
    plain = joined.isascii() and " ".join(joined.split()) == joined
    return (
        FORMS[:1] if plain and not ("@" in joined and ("(" in joined or "<" in joined)) else FORMS
    )
