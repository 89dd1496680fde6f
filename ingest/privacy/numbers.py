"""Numbers that lead to a person: of telephones, bank accounts, cards, papers and machines.

All functions search a folded view (:mod:`ingest.privacy.folded`), in time linear in its length.
Telephone numbers are validated by Google's libphonenumber where they do not begin with ``0``,
``00`` or ``+``. IBANs must pass the check of ISO 13616 (modulo 97), cards the one of ISO/IEC 7812
(Luhn). Numbers of papers are found after their word only.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence

from ingest.privacy.folded import Span

PHONE = "[phone]"
#: Numbers of bank accounts, cards and identity papers, addresses of machines.
ID = "[id]"

_SEPARATOR = r"[ \t.()/_:,|-]"
#: Digits in groups, with at most three separators between two of them.
_RUN = re.compile(rf"[+(]{{0,2}}\d(?:{_SEPARATOR}{{0,3}}\d){{6,}}")
_GROUP = re.compile(r"\d+")
# Groups of three are a figure: 10 000 000 000 dirhams.
_FIGURE = re.compile(r"(?<![\d+])(?<!\d[ .,'])[1-9]\d{0,2}(?:[ .,']\d{3})+(?![ .,']?\d)")
_DAY, _MONTH = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])"
_DATE = re.compile(
    rf"(?<![\d./-])(?:(?:19|20)\d\d[./-]{_MONTH}[./-]{_DAY}|{_DAY}[./-]{_MONTH}[./-](?:\d\d){{1,2}})"
    r"(?![./-]?\d)"
    rf"|(?<!\d)(?:(?:19|20)\d\d {_MONTH} {_DAY}|{_DAY} {_MONTH} (?:19|20)\d\d)(?!\d)"
)
# With a year of four digits nothing beside it makes a date a telephone number.
_FULL_DATE = re.compile(rf"(?<![\d/.]){_DAY}([/.]){_MONTH}\1(?:19|20)\d\d(?!\d)")
_FRACTION = re.compile(r"(?<![\d.,])0[.,]\d{5,}(?!\d)")
_TIME = re.compile(r"(?<![\d:])(?:[01]?\d|2[0-3])[:hH][0-5]\d(?::[0-5]\d)?(?![:\d])")
#: Digits of telephone numbers: with a country's prefix (E.164 allows 15), with a leading zero.
_INTERNATIONAL = range(8, 16)
_NATIONAL = range(9, 13)
_ANY = range(8, 14)
#: Groups that hold more digits than any number has.
_GROUPS = 17
#: Numbers that are looked up in one text; of a text with more, every long number is masked.
_MOST_LOOKUPS = 1_000

_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]){11,30}(?![A-Za-z0-9])")
#: Of countries whose accounts are likeliest (SWIFT's IBAN Registry, ISO 13616).
_IBAN_LENGTHS = {
    "AE": 23, "BE": 16, "CH": 21, "CI": 28, "DE": 22, "DZ": 26, "EG": 29, "ES": 24, "FR": 27,
    "GB": 22, "IT": 27, "LY": 25, "MA": 28, "MR": 27, "NL": 18, "PT": 25, "SA": 24, "SN": 28,
    "TN": 24, "TR": 26,
}  # fmt: skip
# Written in groups of four it is one even with a slip in its digits.
_GROUPED_IBAN = re.compile(
    r"(?<![A-Za-z0-9])[A-Z]{2}\d\d(?:[ -][A-Z0-9]{4}){3,7}"
    r"(?:[ -][A-Z0-9]{1,3}(?![ -]?\d))?(?![A-Za-z0-9])"
)
_ACCOUNT = re.compile(
    r"(?:\b(?:r\.?i\.?b\.?|iban|compte bancaire|account number|n° de compte)|الحساب البنكي"
    r"|رقم الحساب)\W{0,6}(\d(?:[ -]?\d){13,29})",
    re.IGNORECASE,
)
_CARD = re.compile(r"(?<![\d+])\d(?:[ -]?\d){14,15}(?!\d)")
_CARD_BEGIN = re.compile(r"4|5[1-5]|2[2-7]|6[045]|3[47]")
_PAPER = re.compile(
    r"(?:\b(?:c\.?i\.?n\.?(?:e\.?)?|cnie?|carte (?:d['’]identité|nationale)|passe?port|pi[eè]ce"
    r" d['’]identité|id card|identity card)|بطاقتي|البطاقة الوطنية|بطاقة التعريف|بطاقة وطنية"
    r"|جواز السفر|جواز سفر)"
    r"(?:\W{0,4}(?:n[°ºo]|num[ée]ro|number|no|رقمها|رقم|est|is))?\W{0,4}"
    r"([A-Za-z]{0,3}[ -]?\d{5,12})(?!\d)",
    re.IGNORECASE,
)
_IPV4 = re.compile(
    r"(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?!\.?\d)"
)
_IPV6 = re.compile(r"(?<![\w:.])[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7}(?![\w:])")


def personal_numbers(view: str, country: str | None) -> list[Span]:
    """Return the places of all such numbers in a view; ``country`` as ISO 3166 writes it."""
    found = [*_identifiers(view)]
    if found:  # the digits of an account are no telephone number
        chars = list(view)
        for span in found:
            chars[span.start : span.end] = "\0" * (span.end - span.start)
        view = "".join(chars)
    return [*found, *_phones(view, country)]


def _identifiers(view: str) -> Iterator[Span]:
    for match in _IPV4.finditer(view):
        yield Span(match.start(), match.end(), ID)
    if view.count(":") > 1:
        for match in _IPV6.finditer(view):
            if _is_ipv6(match[0]):
                yield Span(match.start(), match.end(), ID)
    for match in _IBAN.finditer(view):
        if end := _iban_end(match[0]):
            yield Span(match.start(), match.start() + end, ID)
    for match in _GROUPED_IBAN.finditer(view):
        if sum(char.isdigit() for char in match[0]) >= 10:
            yield Span(match.start(), match.end(), ID)
    for match in _CARD.finditer(view):
        if _is_card(re.sub(r"\D", "", match[0])):
            yield Span(match.start(), match.end(), ID)
    for pattern in (_ACCOUNT, _PAPER):
        for match in pattern.finditer(view):
            group = match.lastindex or 0
            yield Span(match.start(group), match.end(group), ID)


def _is_ipv6(text: str) -> bool:
    if len([part for part in text.split(":") if part]) < 3:
        return False
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def _iban_end(text: str) -> int:
    """Return where the IBAN at the begin of a text ends, 0 if there is none.

    Of one that is right in several lengths its country's counts, else the longest: digits of
    another number may stand behind it.
    """
    ends = [place + 1 for place, char in enumerate(text) if char.isalnum()]
    own = _IBAN_LENGTHS.get(text[:2].upper(), 0)
    for end in [*ends[max(own - 1, 0) : own], *reversed(ends)]:
        packed = re.sub(r"[ -]", "", text[:end]).upper()
        if len(packed) < 15:
            return 0
        if len(packed) <= 34 and packed.isascii():
            number = "".join(str(int(char, 36)) for char in packed[4:] + packed[:4])
            if int(number) % 97 == 1:
                return end
    return 0


def _is_card(digits: str) -> bool:
    if not _CARD_BEGIN.match(digits) or (len(digits) == 15) != (digits[0] == "3"):
        return False
    doubled = [int(d) if place % 2 else 2 * int(d) for place, d in enumerate(digits.zfill(16))]
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def _phones(view: str, country: str | None) -> Iterator[Span]:
    for pattern in (_DATE, _FULL_DATE, _TIME, _FIGURE, _FRACTION):
        view = pattern.sub(lambda match: "\0" * len(match[0]), view)
    lookups = _MOST_LOOKUPS
    for run in _RUN.finditer(view):
        plus = "+" in run[0][:2]
        groups = [match.span() for match in _GROUP.finditer(view, *run.span())]
        at = 0
        while at < len(groups):
            start = groups[at][0]
            found = 0
            digits = ""
            for stop in range(at, len(groups)):
                if found and _begins_another(view, groups[stop:]):
                    break
                digits += view[slice(*groups[stop])]
                if len(digits) > 17:
                    break
                between = view[groups[at][1] : groups[stop][0]]
                if digits[0] == "0" or (plus and at == 0):
                    alone = groups[at][1] - start == 1 and between[:1] in {".", ","}
                    known = not alone and _is_dialled(digits, plus=plus and at == 0)
                elif len(digits) not in _ANY or country is None:
                    continue
                else:
                    lookups -= 1
                    known = lookups < 0 or _is_valid(digits, country)
                if known:
                    found = stop + 1
            if found:
                begin = run.start() if at == 0 else start
                yield Span(begin, groups[found - 1][1], PHONE)
            at = found or at + 1


def _begins_another(view: str, groups: Sequence[tuple[int, int]]) -> bool:
    """Say whether these groups of digits, behind a whole number, begin with one of their own."""
    if view[groups[0][0]] != "0":
        return False
    return sum(end - start for start, end in groups[:_GROUPS]) >= _NATIONAL.start


def _is_dialled(digits: str, *, plus: bool) -> bool:
    """Say whether digits that begin as telephone numbers do are as many as these have."""
    if plus:
        return len(digits) in _INTERNATIONAL
    if digits[:2] == "00" and len(digits) - 2 in _INTERNATIONAL:
        return True
    return digits[:2] != "00" and len(digits) in _NATIONAL


def _is_valid(digits: str, country: str) -> bool:
    import phonenumbers  # its 60 modules only where there is a number to look up

    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(digits, country))
    except phonenumbers.NumberParseException:
        return False
