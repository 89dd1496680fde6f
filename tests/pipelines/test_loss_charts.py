"""Charts of likes lost: what a reader must not have to guess."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ingest.records import Counter
from pipelines.charts.losses import beginning, draw, styles_of
from pipelines.charts.size import size_of
from pipelines.charts.words import ENGLISH, Language
from pipelines.errors import OutputError
from pipelines.pages.report import Moment
from pipelines.pages.series import series
from tests.pipelines.test_charts import boxes_of, overlap

ZONE = ZoneInfo("UTC")
START = datetime(2016, 2, 26, tzinfo=UTC)


def lost(page: str, value: int, day: int = 1, source: str = "press", **fields: Any) -> Counter:
    at = START + timedelta(days=day)
    return Counter(
        source=source, page=page, metric="likes_lost", value=value, at=at, span=86_400, **fields
    )


def chart(*counters: Counter, since: Moment | None = None) -> Any:
    return draw(series(counters), (), ZONE, since, {"a": "A & Sons"})


def words(figure: Any) -> list[str]:
    return [text.get_text() for text in figure.texts]


@pytest.mark.parametrize(
    ("sizes", "scales", "told"),
    [
        ((100, 110), 1, "one scale for all pages"),
        ((100, 110, 500), 2, "one scale, but where noted"),
        ((100, 500), 2, "each page has its own scale"),
        ((100,), 1, "time zone UTC"),
    ],
)
def test_pages_of_like_size_have_one_scale_and_others_are_noted(
    sizes: tuple[int, ...], scales: int, told: str
) -> None:
    figure = chart(*(lost(name, size) for name, size in zip("abc", sizes, strict=False)))
    assert len({ax.get_ylim() for ax in figure.axes}) == scales
    assert words(figure)[1 + len(sizes)].endswith(told)
    assert words(figure).count("own scale") == ("noted" in told)


def test_every_panel_has_dates_with_their_year_and_shows_where_counting_starts() -> None:
    figure = chart(lost("a", 100), lost("b", 90, day=17), since=Moment(START, 86_400))
    boxes_of(figure)
    for ax in figure.axes:
        labels = [label.get_text() for label in ax.get_xticklabels() if label.get_text()]
        assert labels == ["29 Feb\n2016", "03 Mar", "07 Mar", "10 Mar", "14 Mar"]
        assert any(line.get_linestyle() == "--" for line in ax.lines)
    assert "2016-02-26: losses are counted from here on" in words(figure)
    assert "A & Sons" in words(figure)


def test_a_loss_that_names_no_start_has_a_hollow_mark_and_the_chart_says_so() -> None:
    def fillings(counter: Counter) -> list[Any]:
        (ax,) = chart(counter).axes
        return [line.get_markerfacecolor() for line in ax.lines if line.get_marker() != "None"]

    assert fillings(lost("a", 100)) == ["none"]
    assert fillings(lost("a", 100, since=START)) != ["none"]
    assert any("does not say since when" in one for one in words(chart(lost("a", 100))))
    assert not any("Hollow" in one for one in words(chart(lost("a", 100, since=START))))


def test_a_reading_alone_stands_on_an_axis_of_whole_numbers() -> None:
    alone = Counter(source="s", page="a", metric="likes", value=7, at=START)
    figure = chart(alone)
    boxes_of(figure)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["0", "1"]
    assert "1 reading, 2016-02-26, time zone UTC" in words(figure)


def test_more_than_a_figure_is_a_bar_to_one_side() -> None:
    (ax,) = chart(lost("a", 100_000, granularity=100_000, bound="least")).axes
    assert [100_000, 200_000] in [list(line.get_ydata()) for line in ax.lines]


def test_no_text_meets_another_or_leaves_the_page() -> None:
    sources = [f"https://paper-{n}.example/{'long' * 60 * (n % 2)}" for n in range(9)]
    figure = chart(
        *(lost(page, 10**n, n, sources[n]) for page in ("a", "b") for n in range(9)),
        lost("c" * 200, 5, 3),
        since=Moment(START),
    )
    boxes = boxes_of(figure)
    for number, (text, box) in enumerate(boxes):
        assert box.x0 >= 0, text
        assert box.x1 <= figure.bbox.x1, text
        assert box.y0 >= 0, text
        for others, other in boxes[number + 1 :]:
            assert not overlap(box, other), (text, others)


def test_styles__of_a_source_stay_when_others_come_later_or_are_not_shown() -> None:
    early = [lost("a", 100, day=2, source="second"), lost("a", 90, day=1, source="first")]
    later = [*early, lost("a", 300, day=9, source="another")]
    before, after = styles_of(early), styles_of(later)
    assert {source: after[source] for source in before} == before
    assert len({(style.colour, style.mark) for style in after.values()}) == 3
    shown = [one for one in series(later) if one.source == "second"]
    (line,) = [
        line
        for line in draw(shown, (), ZONE, None, {}, later).axes[0].lines
        if line.get_marker() == after["second"].mark
    ]
    assert line.get_color() == after["second"].colour


def test_readings_long_before_the_others_do_not_squeeze_the_chart() -> None:
    counters = [lost("a", 50, day=-400), *(lost("a", 100 + day, day=day) for day in (1, 2, 3, 5))]
    figure = chart(*counters)
    (ax,) = figure.axes
    low, high = ax.get_xlim()
    assert high - low < 8
    assert "Left of the chart, before 2016-02-27: 1 reading." in words(figure)
    drawn = [x for line in ax.lines if line.get_marker() != "None" for x in line.get_xdata()]
    assert min(drawn) >= low


def test_the_axis_begins_where_it_was_asked_to() -> None:
    assert beginning([lost("a", 1), lost("a", 2, day=9)], Moment(START, 60)) == START
    assert beginning([lost("a", 1), lost("a", 2, day=9)], None) == lost("a", 1).at


@pytest.mark.parametrize(
    ("code", "title", "first"),
    [
        ("fr", "Mentions J'aime perdues, par page et par source", "27 fév."),
        ("ar", "الإعجابات المفقودة حسب الصفحة والمصدر", "27 فبراير"),
    ],
)
def test_the_chart_is_in_french_and_in_arabic_from_right_to_left(
    code: Any, title: str, first: str
) -> None:
    counters = [lost("a", 1_234_567, day=1), lost("a", 1_500_000, day=5)]
    language = Language(code, "MA")
    since = Moment(START, 86_400)
    figure = draw(series(counters), (), ZONE, since, {"a": "Inwi"}, (), language)
    boxes_of(figure)
    said = words(figure)
    assert said[0] == title
    english = ("reading", "scale", "Bars", "Hollow", "counted from", "Made with")
    assert not any(word in line for line in said for word in english)
    (ax,) = figure.axes
    low, high = ax.get_xlim()
    assert (low > high) == (code == "ar")
    dates = [label.get_text() for label in ax.get_xticklabels() if label.get_text()]
    assert first in [date.partition("\n")[0] for date in dates]
    assert language.number(1_200_000) in [label.get_text() for label in ax.get_yticklabels()]


@pytest.mark.parametrize("size", ["article", "slide", "1600x900", "900x1600"])
def test_a_chart_of_a_size_holds_all_its_words_and_names_what_has_no_room(size: str) -> None:
    counters = [lost(page, 1_000 * n, n) for page in "abcdef" for n in range(1, 4)]
    wanted = size_of(size)
    figure = draw(series(counters), (), ZONE, Moment(START), {}, (), ENGLISH, wanted)
    assert figure.get_figwidth() == wanted.width
    if wanted.height:
        assert figure.get_figheight() == wanted.height
    shown = len(figure.axes)
    assert shown >= 1
    assert any("Not shown: " in one for one in words(figure)) == (shown < 6)
    boxes = boxes_of(figure)
    for number, (text, box) in enumerate(boxes):
        assert box.x0 >= 0, text
        assert box.x1 <= figure.bbox.x1, text
        assert box.y0 >= 0, text
        assert not any(overlap(box, other) for _, other in boxes[number + 1 :]), text


def test_a_size_without_room_for_any_page_is_refused() -> None:
    with pytest.raises(OutputError, match="no room for any page"):
        draw(series([lost("a", 5)]), (), ZONE, None, {}, (), ENGLISH, size_of("1600x400"))
