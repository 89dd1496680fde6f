"""Charts of likes lost, one panel for each page: what was read, by whom, and how precisely.

Every reading is a point whose mark tells its source; bars show the step in which its figure
moves and the day or time in which it was read. Lines join readings of one source, and are
dotted where nothing is known between them. Marks are hollow where a source does not say since
when it counts. Nothing is averaged or filled in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ingest.records import Counter, Gap
from pipelines.charts import Format, rendered
from pipelines.charts.dates import date_axis
from pipelines.charts.loss_panel import Style, local, panel, unstated
from pipelines.charts.page import INK, LEFT, RIGHT, SOFT, Page, number
from pipelines.charts.size import AUTO, Size
from pipelines.charts.words import ENGLISH, Language
from pipelines.errors import OutputError
from pipelines.pages.report import Moment
from pipelines.pages.series import Series
from pipelines.pages.table import moment, short

#: Pages in one chart; the others are named in its foot.
MOST_PAGES = 6
#: Panels share a scale while none of them needs one more than so many times as high.
_ALIKE = 2

# Okabe and Ito's colours, distinct to colour-blind people; marks tell sources in grey print.
# The second blue comes last: two sources must not look like one.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#000000", "#56B4E9")
_MARKS = "osD^vPX<>*hd"

# Inches.
_TITLE, _NAME, _PANEL, _BETWEEN, _LINE, _END = 0.72, 0.24, 1.45, 0.44, 0.175, 0.1
_LEGEND_END = 0.08
#: Panels are never lower than this part of their usual height.
_LEAST = 0.45
#: Seconds of the shortest day of a clock.
_DAY = 23 * 3600


def render(
    found: Sequence[Series],
    gaps: Sequence[Gap],
    zone: ZoneInfo,
    form: Format,
    *,
    since: Moment | None = None,
    names: Mapping[str, str] | None = None,
    everything: Sequence[Counter] = (),
    language: Language = ENGLISH,
    size: Size = AUTO,
    real_text: bool = False,
) -> bytes:
    """Return the chart of series (at least one), as the bytes of a file.

    ``names`` are the pages' names for people, where they are entities of a watchlist.
    ``everything`` are all readings of the case: a source has the same colour and mark in every
    chart of them, whatever is drawn. Raises :class:`~pipelines.errors.OutputError` where a size
    has no room.
    """

    def make() -> Figure:
        return draw(found, gaps, zone, since, names or {}, everything, language, size)

    title = language.text("loss title")
    return rendered(make, title, form, about=title, dpi=size.dpi, real_text=real_text)


def draw(
    found: Sequence[Series],
    gaps: Sequence[Gap],
    zone: ZoneInfo,
    since: Moment | None,
    names: Mapping[str, str],
    everything: Sequence[Counter] = (),
    language: Language = ENGLISH,
    size: Size = AUTO,
) -> Figure:
    """Return the finished figure."""
    drawn = [one for one in found if one.kind in {"count", "loss"}]
    pages = [(page, list(own)) for page, own in groupby(drawn, key=lambda one: one.page)]
    draft = Page(1.0, size.width, rtl=language.rtl)
    for many in range(min(len(pages), MOST_PAGES), -1, -1):  # as many as have room
        shown = pages[:many]
        readings = [reading for _, own in shown for one in own for reading in one.readings]
        sources = {one.source for _, own in shown for one in own}
        known = styles_of(everything or readings)
        styles = {source: style for source, style in known.items() if source in sources}
        begin = beginning(readings, since)
        hidden = [names.get(page, page) for page, _ in pages[many:]]
        small = _foot(found, hidden, since, language)
        early = sum(reading.at < begin for reading in readings) if begin else 0
        if begin and early:
            day = language.day(f"{begin.astimezone(zone):%Y-%m-%d}")
            told = language.text("loss early", day=day, many=_many(early, language))
            small.insert(0, told)
        foot = [line for words in small for line in draft.wrapped(words)]
        lines = len(styles) + bool(since) + len(foot)
        others = _TITLE + many * (_NAME + _BETWEEN) + lines * _LINE + _LEGEND_END + _END
        height = size.height or others + many * _PANEL
        room = (height - others) / max(many, 1)
        if room >= _LEAST * _PANEL or (many == 0 and (not pages or room >= 0)):
            break
    if pages and not shown:
        raise OutputError("a chart of this size has no room for any page: choose another --size")
    page = Page(height, size.width, rtl=language.rtl)
    page.down(0.16)
    page.text(language.text("loss title"), fontsize=13, fontweight="bold")
    page.down(0.29)
    head = page.at
    page.down(_TITLE - page.at)
    axes = []
    for name, own in shown:
        style: dict[str, Any] = {"fontsize": 10.5, "fontweight": "bold", "room": page.plot - 1.3}
        page.text(names.get(name, name), left=LEFT, **style)
        page.down(_NAME)
        axes.append(page.axes(room))
        panel(axes[-1], own, gaps, zone, styles, begin, language)
        page.down(_BETWEEN)
    _dates(axes, readings, zone, since, begin, language)
    page.up(page.at - head)
    apart = _scaled(axes)
    page.text(_head(readings, zone, language) + _scales(apart, language), color=SOFT)
    page.down(_TITLE - head)
    _note_scales(page, apart, _NAME + room + _BETWEEN, language)
    _legend(page, styles, since, zone, language)
    for words in foot:
        page.text(words, fontsize=7.5, color=SOFT)
        page.down(_LINE)
    return page.figure


def _scaled(axes: Sequence[Any]) -> list[bool]:
    """Give panels of like height one scale; say which have another than most, or all their own."""
    heights = [ax.get_ylim()[1] - ax.get_ylim()[0] for ax in axes]
    alike: list[list[int]] = []
    for place in sorted(range(len(axes)), key=lambda place: -heights[place]):
        if alike and heights[place] * _ALIKE >= heights[alike[-1][0]]:
            alike[-1].append(place)
        else:
            alike.append([place])
    for own in alike:
        ends = [axes[place].get_ylim() for place in own]
        for place in own:
            axes[place].set_ylim(min(low for low, _ in ends), max(high for _, high in ends))
    most = max(alike, key=len, default=[])
    return [len(most) == 1 or place not in most for place in range(len(axes))]


def _note_scales(page: Page, apart: Sequence[bool], height: float, language: Language) -> None:
    """Note beside each panel, so far apart, that it has another scale than most."""
    for own_scale in apart:
        if own_scale and not all(apart):
            noted = language.text("loss own scale")
            page.text(noted, left=page.width - RIGHT, ha="right", room=1.2, color=SOFT)
        page.down(height)


def _scales(apart: Sequence[bool], language: Language) -> str:
    if len(apart) < 2:
        return ""
    key = "loss own scales" if all(apart) else "loss noted" if any(apart) else "loss one scale"
    return language.text("clause") + language.text(key)


def styles_of(readings: Sequence[Counter]) -> dict[str, Style]:
    """Return colour and mark of each source, in the order of their first readings.

    So a source keeps them when others come later, and when a chart shows some sources alone.
    """
    first: dict[str, datetime] = {}
    for reading in readings:
        first[reading.source] = min(first.get(reading.source, reading.at), reading.at)
    sources = sorted(first, key=lambda source: (first[source], source))
    return {
        source: Style(_COLOURS[place % len(_COLOURS)], _MARKS[place % len(_MARKS)])
        for place, source in enumerate(sources)
    }


def beginning(readings: Sequence[Counter], since: Moment | None) -> datetime | None:
    """Return when the axis begins: not at readings that lie long before all the others.

    They do if the time to the next reading is longer than that from there to the last one.
    """
    if since or not readings:
        return since.at if since else None
    times = sorted({reading.at for reading in readings})
    place = 0
    for number_ in range(len(times) - 3):
        if times[number_ + 1] - times[number_] > times[-1] - times[number_ + 1]:
            place = number_ + 1
    return times[place]


def _many(readings: int, language: Language) -> str:
    if readings == 1:
        return language.text("loss one reading")
    return language.text("loss readings", many=language.number(readings))


def _head(readings: Sequence[Counter], zone: ZoneInfo, language: Language) -> str:
    if not readings:
        return language.text("loss nothing")
    ends = [reading.at + timedelta(seconds=max(0, reading.span - 1)) for reading in readings]
    first = min(reading.at for reading in readings).astimezone(zone)
    last = max(ends).astimezone(zone)
    begins, until = (language.day(f"{moment:%Y-%m-%d}") for moment in (first, last))
    days = begins if begins == until else language.text("span", first=begins, last=until)
    named = language.text("zone", zone=zone.key)
    return language.listed([_many(len(readings), language), days, named])


def _dates(
    axes: Sequence[Any],
    readings: Sequence[Counter],
    zone: ZoneInfo,
    since: Moment | None,
    begin: datetime | None,
    language: Language,
) -> None:
    if not readings:
        return
    first = begin or min(reading.at for reading in readings)
    last = max(reading.at + timedelta(seconds=reading.span) for reading in readings)
    room = max((last - first) * 0.02, timedelta(minutes=5))
    for ax in axes:
        ends = number(local(first - room, zone)), number(local(last + room, zone))
        ax.set_xlim(*(ends[::-1] if language.rtl else ends))
        date_axis(ax, last - first, language.months())
        if since:
            ax.axvline(number(local(since.at, zone)), color=INK, linewidth=0.9, dashes=(3, 2))


def _legend(
    page: Page,
    styles: Mapping[str, Style],
    since: Moment | None,
    zone: ZoneInfo,
    language: Language,
) -> None:
    def entry(words: str, **look: Any) -> None:
        x, y = page.across(0.35), 1 - (page.at + 0.06) / page.height
        page.figure.add_artist(Line2D([x], [y], linestyle="", **look))
        page.text(words, left=0.5, fontsize=8, color=INK)
        page.down(_LINE)

    for source, style in styles.items():
        words = short(source) if source.startswith("pages/") else source
        entry(words, marker=style.mark, color=style.colour, markersize=5)
    if since:
        day = moment(since.at, since.span, zone)
        if language.code != "en":
            start = since.at.astimezone(zone)
            day = language.day(
                f"{start:%Y-%m-%d}" if since.span >= _DAY else f"{start:%Y-%m-%dT%H}"
            )
        words = language.text("loss start", day=day)
        entry(words, marker="|", color=INK, markersize=9)
    page.down(_LEGEND_END)


def _foot(
    found: Sequence[Series], hidden: Sequence[str], since: Moment | None, language: Language
) -> list[str]:
    lines = [language.text("loss bars")]
    if any(unstated(one, reading) for one in found for reading in one.readings):
        lines.append(language.text("loss hollow since" if since else "loss hollow"))
    if any(one.kind == "count" for one in found):
        lines.append(language.text("loss counted"))
    undrawn = sum(len(one.readings) for one in found if one.kind not in {"count", "loss"})
    if undrawn:
        lines.append(language.text("loss undrawn", many=language.number(undrawn)))
    if hidden:
        lines.append(language.text("hidden", names=language.listed(list(hidden))))
    return [*lines, language.text("made")]
