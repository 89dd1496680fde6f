"""The languages of the page: which one a reader gets, and how it writes dates and numbers.

Translations are gettext catalogues (``translations/fr.po``), read once when the process starts, so
that no compiled file has to be built. Dates and numbers follow the Unicode CLDR as Babel ships it;
the country is that of the case, so that months have the names that its readers use (Arabic has
different ones from country to country).
"""

from __future__ import annotations

import functools
import io
import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from importlib import resources
from zoneinfo import ZoneInfo

from babel import Locale, localedata
from babel.dates import format_date, format_datetime, format_timedelta, get_timezone_location
from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent
from babel.support import NullTranslations, Translations

#: Languages of the page, as they call themselves.
LANGUAGES = {"en": "English", "fr": "Français", "ar": "العربية"}
DEFAULT = "en"
#: Whose dates and numbers a language takes where the country has none of its own in it.
_USUAL = {"en": "GB", "fr": "FR"}


class Words:
    """One language in one country: sentences, dates, numbers."""

    def __init__(self, language: str, country: str = "") -> None:
        # names of months differ between Arab countries; French and English are the same in all
        place = country if language == "ar" else ""
        name = f"{language}_{place or _USUAL.get(language, '')}"
        self.language = language
        usual = f"{language}_{_USUAL.get(language, '')}".rstrip("_")
        self._locale = name if localedata.exists(name) else usual
        self.locale = Locale.parse(self._locale)
        self._texts = _catalogue(language)

    @property
    def direction(self) -> str:
        """Return ``ltr`` or ``rtl``."""
        return str(self.locale.text_direction)

    @property
    def colon(self) -> str:
        """Return a colon with the spaces around it."""
        return typeset(" : ", self.language) if self.language == "fr" else ": "

    @property
    def browser(self) -> str:
        """Return the locale by which a browser writes numbers as :meth:`number` does."""
        return self._locale.replace("_", "-")

    def gettext(self, message: str, **values: object) -> str:
        """Return a sentence in this language, with ``%(name)s`` filled in."""
        text = self._texts.gettext(message)
        return text % values if values else text

    def ngettext(self, one: str, many: str, number: int, **values: object) -> str:
        """Return a sentence in the grammatical number of ``number``, written as ``%(num)s``."""
        text = self._texts.ngettext(one, many, number)
        return str(text % {"num": self.number(number), **values})

    def number(self, value: float | None) -> str:
        """Return a number with the separators of the language; a dash for ``None``."""
        if value is None:
            return "–"
        return _number(value, self._locale)

    def percent(self, share: float | None, digits: int = 0) -> str:
        """Return a share between 0 and 1 in per cent; a dash for ``None``."""
        if share is None:
            return "–"
        pattern = self.locale.percent_formats[None]
        return str(
            format_percent(
                round(share, digits + 2),
                format=pattern.pattern.replace("0", "0" + ("." + "0" * digits if digits else "")),
                locale=self.locale,
            )
        )

    def day(self, day: str | date, form: str = "long") -> str:
        """Return a calendar day in words; ``form`` is short, medium, long or full."""
        if not day:
            return self.gettext("date unknown")
        found = date.fromisoformat(day) if isinstance(day, str) else day
        return _day(found, form, self._locale)

    def month(self, day: str | date) -> str:
        """Return month and year in words."""
        found = date.fromisoformat(day) if isinstance(day, str) else day
        return str(format_date(found, "LLLL y", locale=self.locale))

    def moment(self, at: datetime | None, zone: ZoneInfo) -> str:
        """Return a moment to the minute, as calendar and clock in ``zone`` show it."""
        if at is None:
            return self.gettext("date unknown")
        return _moment(at, zone, self._locale)

    def ltr(self, name: str) -> str:
        """Return a path or an address so that it stays in order inside a sentence."""
        if self.direction != "rtl":
            return name
        return f"\N{LEFT-TO-RIGHT ISOLATE}{name}\N{POP DIRECTIONAL ISOLATE}"

    def place(self, zone: str) -> str:
        """Return the city that a time zone is named after."""
        return _place(zone, self._locale)

    def duration(self, seconds: float) -> str:
        """Return a stretch of time in its largest unit."""
        return str(format_timedelta(timedelta(seconds=seconds), locale=self.locale))

    def listed(self, parts: Sequence[str]) -> str:
        """Return several things in a row, as the language joins them."""
        return str(format_list(list(parts), style="unit", locale=self.locale))

    def bucket(self, start: str, by: str) -> str:
        """Return the name of a stretch of time: a month, an hour, or the first day of a week."""
        if by == "month":
            return self.month(start)
        day = self.day(start[:10], "medium")
        return f"{day} {start[11:13]}:00" if by == "hour" else day

    def months(self) -> list[str]:
        """Return the short names of the months, for the axes of charts."""
        names = self.locale.months["stand-alone"]["abbreviated"]
        return [str(names[number]) for number in range(1, 13)]


# A page writes the same few numbers and days many times; the names of locales are quick to find.


@functools.lru_cache(maxsize=10_000)
def _number(value: float, locale: str) -> str:
    return str(format_decimal(value, locale=locale))


@functools.lru_cache(maxsize=1_000)
def _place(zone: str, locale: str) -> str:
    return str(get_timezone_location(zone, locale=locale, return_city=True))


@functools.lru_cache(maxsize=10_000)
def _day(day: date, form: str, locale: str) -> str:
    # "medium" of some locales is all digits, in which the names of months are lost
    shown = str(format_date(day, "d MMM y" if form == "medium" else form, locale=locale))
    return _first(shown, day, locale)


@functools.lru_cache(maxsize=10_000)
def _moment(at: datetime, zone: ZoneInfo, locale: str) -> str:
    try:
        shown = str(format_datetime(at, "d MMM y HH:mm", tzinfo=zone, locale=locale))
        return _first(shown, at.astimezone(zone), locale)
    except (OverflowError, ValueError):  # an implausible date at either end of the calendar
        return f"{at:%Y-%m-%d %H:%M} UTC"


def _first(shown: str, day: date, locale: str) -> str:
    """Return a date with the first of a month as French has it: ``1er mars``."""
    return shown.replace("1 ", "1er ", 1) if day.day == 1 and locale.startswith("fr") else shown


@functools.lru_cache(maxsize=64)
def words(language: str, country: str = "") -> Words:
    """Return one language, made once."""
    return Words(language if language in LANGUAGES else DEFAULT, country)


def negotiate(chosen: Sequence[str], accepted: str) -> str:
    """Return the language for a reader: the first known of ``chosen``, else of the browser's.

    ``accepted`` is the header ``Accept-Language`` (RFC 9110, section 12.5.4).
    """
    for one in chosen:
        if one in LANGUAGES:
            return one
    ranked: list[tuple[float, int, str]] = []
    for place, part in enumerate(accepted[:500].split(",")):
        tag, _, rest = part.partition(";")
        quality = rest.strip().removeprefix("q=") or "1"
        try:
            weight = float(quality)
        except ValueError:
            continue
        ranked.append((-weight, place, tag.strip().partition("-")[0].lower()))
    return next((tag for weight, _, tag in sorted(ranked) if tag in LANGUAGES and weight), DEFAULT)


def typeset(text: str, language: str) -> str:
    """Return a sentence with the spaces and apostrophes that printers of the language use.

    In French a narrow space, at which no line breaks, stands before ``: ; ! ? % »`` and after
    ``«``; catalogues are written with the spaces of a keyboard.
    """
    if language != "fr":
        return text
    text = re.sub(r"(?<=\w)'(?=[\w%])", "\N{RIGHT SINGLE QUOTATION MARK}", text)
    return re.sub(r" (?=(?:[:;!?»]|%(?!\())(?:\W|$))|(?<=«) ", "\N{NARROW NO-BREAK SPACE}", text)


@functools.lru_cache(maxsize=8)
def _catalogue(language: str) -> NullTranslations:
    file = resources.files("pipelines.web").joinpath("translations", f"{language}.po")
    if not file.is_file():
        return NullTranslations()
    compiled = io.BytesIO()
    catalogue = read_po(io.BytesIO(file.read_bytes()), locale=language)
    for one in catalogue:
        if one.id:
            said = one.string if isinstance(one.string, tuple | list) else (one.string,)
            forms = tuple(typeset(form or "", language) for form in said)
            one.string = forms if one.pluralizable else forms[0]
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled)
