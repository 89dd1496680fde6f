"""What the reader of a platform's counters is: some facts and three pure functions."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, ClassVar
from urllib.parse import SplitResult

import msgspec

from ingest.errors import SourceChanged
from ingest.http.client import Answer, refuse_walls

__all__ = ["Answer", "Figure", "Reader", "Request", "decoded", "refuse_walls", "whole"]


#: No counter of people, or of what they did, has more digits.
_DIGITS = 15


class Figure(msgspec.Struct, frozen=True):
    """One counter of a page as it stood when it was read."""

    metric: str
    value: int
    granularity: int = 1


class Request(msgspec.Struct, frozen=True):
    """What to ask a platform for. ``secret`` are the parameters that no message may show."""

    path: str
    params: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    secret: Mapping[str, str] = {}


class Reader(ABC):
    """Reads the counters of one platform's pages. Its functions are pure."""

    platform: ClassVar[str]
    form: ClassVar[str]
    """How a page is named, for messages."""
    accounts: ClassVar[re.Pattern[str]]
    """What accounts may be called."""
    host: ClassVar[str] = ""
    """The address the platform answers at, where it is the same for all accounts."""
    needs: ClassVar[str] = ""
    """Environment variable with the key it needs; empty if it needs none."""
    page: ClassVar[bool] = False
    """Whether it reads pages made for people, for which robots.txt speaks."""
    schema: ClassVar[date]
    """Date of the platform's published schema, or of the public parser, it was written from."""
    documented: ClassVar[str]
    """Where that is published."""
    probe: ClassVar[str]
    """An account that is surely there, for ``marsad sources check``."""

    def valid(self, account: str) -> bool:
        """Say whether an account may be called so."""
        return bool(self.accounts.fullmatch(account))

    def base(self, account: str) -> str:
        """Return the address the platform answers at, unless another one is configured."""
        return self.host

    @abstractmethod
    def recognise(self, address: SplitResult) -> str:
        """Return the account whose page an address is, empty if it is none of this platform."""

    @abstractmethod
    def request(self, account: str, key: str) -> Request:
        """Return what to ask for."""

    @abstractmethod
    def parse(self, answer: Answer) -> Sequence[Figure]:
        """Return the counters an answer holds.

        Also given are answers with an error status, where a platform explains itself in them.
        Raises :class:`~ingest.errors.SourceBlocked`, ``SourceChanged`` or ``SourceGone``.
        """


def decoded(answer: Answer) -> dict[str, Any]:
    """Return the JSON object of an answer. Raises ``SourceBlocked`` or ``SourceChanged``."""
    content = answer.json()
    if not isinstance(content, dict):
        raise SourceChanged("it answered JSON of an unknown form")
    return content


def whole(content: Mapping[str, Any], field: str) -> int:
    """Return a field that must be a count. Raises :class:`~ingest.errors.SourceChanged`."""
    value = content.get(field)
    if isinstance(value, str) and value.isdecimal() and len(value) <= _DIGITS:
        value = int(value)  # Google's APIs write long numbers as strings
    if type(value) is not int or not 0 <= value < 10**_DIGITS:
        raise SourceChanged(f"its answer has no count in {field!r}")
    return value
