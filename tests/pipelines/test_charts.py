import re
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Any
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import msgspec
import pytest

from ingest.records import Gap
from pipelines import annotations
from pipelines.annotations import Event
from pipelines.charts import Caption, asked, format_of, render, write
from pipelines.charts.layout import draw
from pipelines.charts.page import Page
from pipelines.charts.panels import visible
from pipelines.errors import OutputError, WatchlistError
from pipelines.records import Sum
from pipelines.trends import deaf_times, rows

ZONE = ZoneInfo("Africa/Casablanca")
CAPTION = Caption(query="inwi", timezone="Africa/Casablanca", posts=90, models=["test-1"])


def some_rows(days=30, groups=("inwi", "meditel"), gaps=()):
    first = date(2016, 2, 10)
    sums = [
        Sum(
            str(first + timedelta(days=n)),
            group,
            "fr",
            "negative",
            n % 5 * 10,
            n % 5 * 7.0,
            n % 5 * 2.0,
            n % 5 * 1.0,
        )
        for n in [*range(1, days), 1]
        for group in groups
    ]
    return rows(sums, "day", zone=ZONE, gaps=gaps)


def words_of(found, caption=CAPTION, by="day", events=(), deaf=()):
    figure = draw(found, by, caption, events=events, names={"inwi": "Inwi"}, deaf=deaf)
    return [text.get_text() for text in figure.texts]


def boxes_of(figure: Any) -> list[tuple[str, Any]]:
    """Return where every text of a figure stands, dates and numbers of the axes included."""
    renderer = figure.canvas.get_renderer()
    figure.draw(renderer)
    texts = [*figure.texts]
    for ax in figure.axes:
        texts.append(ax.yaxis.label)
        for axis in (ax.xaxis, ax.yaxis):
            low, high = axis.get_view_interval()
            # ticks outside of what is shown are there, but not drawn
            texts += [t.label1 for t in axis.get_major_ticks() if low <= t.get_loc() <= high]
    return [
        (text.get_text(), text.get_window_extent(renderer))
        for text in texts
        if text.get_visible() and text.get_text().strip()
    ]


def overlap(one: Any, other: Any) -> bool:
    return bool(
        min(one.x1, other.x1) - max(one.x0, other.x0) > 1
        and min(one.y1, other.y1) - max(one.y0, other.y0) > 1
    )


EVENTS = [Event(date(2016, 2, day), f"event {day}") for day in (11, 11, 12, 12, 13, 26, 27)]


# The file


@pytest.mark.parametrize("form", ["svg", "png", "pdf"])
def test_the_same_rows_give_the_same_bytes(form):
    one = render(some_rows(), "day", CAPTION, form, events=EVENTS)
    assert render(some_rows(), "day", CAPTION, form, events=EVENTS) == one


def test_an_svg_is_well_formed_and_names_neither_date_nor_machine():
    content = render(some_rows(), "day", CAPTION, "svg").decode()
    ElementTree.fromstring(content)
    assert "<dc:date>" not in content
    assert "Sentiment of posts: inwi" in content


def test_a_png_is_wide_enough_for_print():
    content = render(some_rows(), "day", CAPTION, "png")
    assert int.from_bytes(content[16:20], "big") == 1600


def test_the_users_own_matplotlib_settings_change_nothing():
    import matplotlib as mpl

    plain = render(some_rows(), "day", CAPTION, "png")
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "red", "text.usetex": True}):
        assert render(some_rows(), "day", CAPTION, "png") == plain
        assert mpl.rcParams["font.size"] == 30


def test_a_format_is_asked_for_by_the_files_name(tmp_path):
    assert format_of(tmp_path / "a.SVG") == "svg"
    assert format_of(tmp_path / "a.pdf") == "pdf"
    with pytest.raises(OutputError, match=r"an \.svg, a \.png or a \.pdf"):
        format_of(tmp_path / "a.jpg")


def test_a_chart_that_can_not_be_written_leaves_the_older_one(tmp_path):
    with pytest.raises(OutputError, match="can't be written"):
        write(tmp_path / "no folder" / "a.svg", b"new")
    write(tmp_path / "a.svg", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["a.svg"]


# What it says


def test_title__of_the_reader_s_own_takes_the_place_of_the_query():
    own = Caption(query="inwi", title="Une semaine de février", timezone="UTC", posts=9)
    assert words_of(some_rows(), own)[0] == "Une semaine de février"


def test_event__is_a_band_over_its_day():
    figure = draw(some_rows(), "day", CAPTION, events=EVENTS[-1:], names={})
    for ax in figure.axes:
        bands = [patch for patch in ax.patches if patch.get_alpha() == 0.07]
        assert [round(band.get_width(), 6) for band in bands] == [1]


def test_title_and_foot_say_query_zone_posts_and_what_is_missing():
    caption = Caption(
        query="inwi", timezone="Europe/Paris", posts=1234, without_date=5, pending=6, models=["m-7"]
    )
    text = "\n".join(words_of(some_rows(), caption))
    assert "Sentiment of posts: inwi" in text
    assert "1,234 posts, 2016-02-11 to 2016-03-10, by day, time zone Europe/Paris" in text
    assert "5 of the posts have no usable date" in text
    assert "6 more posts in the store wait to be scored" in text
    assert "Model: m-7" in text


def test_charts_of_attitudes_say_so_with_names_and_the_query_in_small_print():
    caption = Caption(
        query=asked("whatsapp", {"lang": ["fr", "ary"]}, {}),
        exact="whatsapp lang:fr,ary entity:inwi since:2016-02-11",
        split="entity",
        towards=["Inwi"],
        timezone="UTC",
        posts=9,
    )
    title, *words = words_of(some_rows(), caption)
    assert title == "Attitude towards Inwi, in posts: whatsapp, in fr, ary"
    assert any("attitude towards that entity, not its overall mood" in one for one in words)
    assert words[-1].endswith(f"Query: {caption.exact}")
    every = Caption(split="entity", timezone="UTC", posts=9)
    assert words_of(some_rows(), every)[0] == "Attitude towards each entity"
    assert not any("overall mood" in one for one in words_of(some_rows()))


@pytest.mark.parametrize(
    ("fictional", "head", "foot"),
    [(9, "9 posts, all FICTIONAL", "Posts"), (4, "9 posts, 4 of them FICTIONAL", "4 posts")],
)
def test_a_chart_of_invented_posts_can_not_be_taken_for_a_true_one(fictional, head, foot):
    words = words_of(some_rows(), Caption(timezone="UTC", posts=9, fictional=fictional))
    assert any(one.startswith(head) for one in words)
    assert any(one.startswith(f"{foot} drawn here are invented") for one in words)
    assert not any("invented" in one or "FICTIONAL" in one for one in words_of(some_rows()))


def test_each_group_has_its_panels_on_the_same_axes():
    figure = draw(some_rows(), "day", CAPTION, events=(), names={"inwi": "Inwi"})
    volumes, shares = figure.axes[::2], figure.axes[1::2]
    assert len(volumes) == 2
    assert len({(*ax.get_xlim(), *ax.get_ylim()) for ax in volumes}) == 1
    assert {ax.get_ylim() for ax in shares} == {(0, 1)}
    assert {"Inwi", "meditel"} <= {text.get_text() for text in figure.texts}


def test_groups_for_which_there_is_no_room_are_named():
    found = some_rows(groups=[f"group{n}" for n in range(9)])
    assert "Not shown: group6, group7, group8." in words_of(found)


def test_events_are_numbered_in_the_plot_and_listed_below():
    texts = words_of(some_rows(), events=EVENTS)
    for number, event in enumerate(EVENTS, start=1):
        assert texts.count(str(number)) == 2
        assert event.words() in texts


def test_events_outside_the_time_shown_are_left_out():
    texts = words_of(some_rows(), events=[Event(date(2017, 1, 1), "much later")])
    assert "much later" not in texts


def test_what_is_unknown_is_hatched_and_explained_only_where_it_occurs():
    gap = Gap(
        source="s", start=datetime(2016, 2, 15, tzinfo=UTC), end=datetime(2016, 2, 20, tzinfo=UTC)
    )
    deaf = draw(some_rows(gaps=[gap]), "day", CAPTION, events=(), names={})
    assert all(any(patch.get_hatch() for patch in ax.patches) for ax in deaf.axes)
    assert "a source was not listening" in words_of(some_rows(gaps=[gap]))
    assert "a source was not listening" not in words_of(some_rows())


def test_where_posts_came_only_the_gap_is_hatched():
    hour = Gap(
        source="s",
        start=datetime(2016, 2, 13, 6, tzinfo=UTC),
        end=datetime(2016, 2, 13, 7, tzinfo=UTC),
    )
    seconds = Gap(source="s", start=hour.end, end=hour.end + timedelta(seconds=9))
    later = datetime(2016, 3, 1, tzinfo=UTC)
    found = some_rows(gaps=[hour, seconds])
    deaf = deaf_times([hour, seconds], ZONE, later)
    assert deaf[0] == (datetime(2016, 2, 13, 6), datetime(2016, 2, 13, 7))
    figure = draw(found, "day", CAPTION, events=(), names={}, deaf=deaf)
    for ax in figure.axes:
        hatched = [patch.get_extents() for patch in ax.patches if patch.get_hatch()]
        low, high = ax.transData.transform([(0, 0), (1, 0)])[:, 0]
        assert [(box.x1 - box.x0) / (high - low) < 3 / 24 for box in hatched] == [True, True]
    assert "a source was not listening" in words_of(found, deaf=deaf)


@pytest.mark.parametrize("posts", [{0: 1, 1436: 2}, {0: 1, 1: 1, 700: 3, 702: 1, 1435: 1, 1436: 2}])
def test_a_day_among_years_has_a_bar_that_can_be_seen(posts):
    first = date(2022, 12, 17)
    sums = [
        Sum(str(first + timedelta(days=n)), "", "fr", "negative", many, many * 0.9, 0, many * 0.1)
        for n, many in posts.items()
    ]
    found = rows(sums, "day", zone=ZONE)
    drawn = visible(found)
    assert {n: drawn[n].posts for n in posts} == posts
    runs = [(full, len(list(run))) for full, run in groupby(drawn, key=lambda row: row.posts > 0)]
    assert all(width >= 0.003 * len(found) for full, width in runs if full)
    assert sum(width for full, width in runs if full) <= 6 * len(posts)
    assert visible(some_rows()) == some_rows()


def test_no_curve_is_drawn_over_too_few_posts():
    (lonely,) = rows([Sum("2016-02-27", "", "fr", "negative", 1, 0.9, 0.1, 0)], "day", zone=ZONE)
    _, shares = draw([lonely], "day", CAPTION, events=(), names={}).axes
    assert not shares.lines
    assert "too few posts" in [text.get_text() for text in shares.texts]


def test_curve__shows_the_same_shares_as_the_rows():
    sums = [Sum(f"2016-02-{d}", "", "fr", "positive", 50, 5, 10, 35) for d in range(10, 20)]
    sums += [Sum(f"2016-02-{d}", "", "fr", "negative", 90, 80, 5, 5) for d in range(20, 25)]
    found = rows(sums, "day", zone=ZONE)
    volume, shares = draw(found, "day", CAPTION, events=(), names={}).axes
    assert list(shares.lines[-1].get_ydata()) == [row.negative for row in found]
    heights = [row.negative_posts for row in found]
    assert [heights[0], heights[-1]] == [5, 80]
    assert volume.patches[0].get_data().values.tolist() == [5, 80]


@pytest.mark.parametrize("days", [2, 9, 30, 90, 400])
def test_no_text_meets_another_or_leaves_the_page(days):
    caption = Caption(query="long " * 60, timezone="Africa/Casablanca", posts=10**6, pending=9)
    events = [*EVENTS, Event(date(2016, 2, 11), "words " * 60)]
    figure = draw(some_rows(days), "day", caption, events=events, names={"inwi": "n" * 200})
    boxes = boxes_of(figure)
    for number, (words, box) in enumerate(boxes):
        assert box.x0 >= 0, words
        assert box.x1 <= figure.bbox.x1, words
        assert box.y0 >= 0, words
        assert box.y1 <= figure.bbox.y1, words
        for others, other in boxes[number + 1 :]:
            assert not overlap(box, other), (words, others)


# Scripts


def test_arabic_is_shaped_and_runs_from_right_to_left():
    """Joined letters are narrower than the same letters apart."""
    page = Page(1)
    joined = page.wide(page.text("حيد لايك"))
    apart = page.wide(page.text("\u200c".join("حيد") + " " + "\u200c".join("لايك")))
    assert joined < apart


def test_what_the_font_has_no_sign_for_becomes_a_box_without_a_warning(recwarn):
    words = words_of(some_rows(), Caption(query="\U0001f1f2 𓀀 $x$", timezone="UTC", posts=1))
    assert words[0] == "Sentiment of posts: □ □ $x$"
    assert not recwarn.list


# The events' file


def test_events_are_read_in_order_of_time_and_figures_are_passed_over(tmp_path):
    path = tmp_path / "events.csv"
    path.write_text(
        "\ufeffdate,kind,entity,label,note,source_url\n"
        "2016-03-01,event,all,Later,,https://example.org/2\n"
        "2016-02-27,likes_lost,inwi,100,a figure,https://example.org/3\n"
        '2016-02-26,event,inwi,Earlier,"in short,  the first",https://example.org/1\n',
        encoding="utf-8",
    )
    first, last = annotations.load(str(path))
    assert first.words() == "Earlier: in short, the first"
    assert (first.entity, first.source) == ("inwi", "https://example.org/1")
    assert (last.day, last.words()) == (date(2016, 3, 1), "Later")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"date,note\nsoon,x\n", "line 2: 'soon' is no date; write YYYY-MM-DD or DD/MM/YYYY"),
        (b"day,what\n", "must name the columns date and label or note; it names day, what"),
        (b"", "it names nothing"),
        (b'date,note\n2016-02-27,"x\n', "near line 2: unexpected end of data"),
        (b"date,note\n2016-02-27\n", ""),
    ],
)
def test_a_file_of_events_that_is_wrong_is_told_with_its_place(tmp_path, content, message):
    path = tmp_path / "events.csv"
    path.write_bytes(content)
    if message:
        with pytest.raises(WatchlistError, match=re.escape(message)):
            annotations.load(str(path))
    else:
        assert annotations.load(str(path)) == [Event(date(2016, 2, 27))]


def test_the_shipped_case_has_events_with_sources():
    events = annotations.load("morocco-2016")
    assert len(events) >= 5
    assert all(event.label and event.source.startswith("http") for event in events)


def test_words_are_as_wide_at_every_resolution_as_they_were_measured():
    from pipelines.charts import _settings

    with _settings():
        page = Page(2.0, 7.0)
        text = page.text("Pointillés : rien n'est connu entre deux relevés. " * 2, fontsize=7.5)
        measured = page.wide(text)
        page.figure.set_dpi(300)
        assert page.wide(text) == pytest.approx(measured, rel=0.01)


def test_an_event_is_named_in_the_language_that_has_words_for_it(tmp_path):
    path = tmp_path / "events.csv"
    path.write_text(
        "date,label,note,label_fr,note_fr,label_ar\n"
        "2016-02-26,Block extended,at home too,Blocage étendu,à la maison aussi,توسيع الحجب\n"
        "2016-02-27,Campaign,,,,\n",
        encoding="utf-8",
    )
    block, campaign = annotations.load(str(path))
    assert block.told_in("en").words() == "Block extended: at home too"
    assert block.told_in("fr").words() == "Blocage étendu\N{NO-BREAK SPACE}: à la maison aussi"
    assert (block.told_in("ar").words(), block.told_in("ar").language) == ("توسيع الحجب", "ar")
    assert campaign.told_in("fr").words() == "Campaign"
    for event in annotations.load("morocco-2016"):
        assert {"fr", "ar"} <= event.others.keys()


def test_the_part_of_all_posts_is_a_line_that_the_small_print_names():
    found = [msgspec.structs.replace(row, of_all=0.25) for row in some_rows(groups=("inwi",))]
    caption = msgspec.structs.replace(CAPTION, of_all=True)
    figure = draw(found, "day", caption, events=(), names={})
    dashed = [line for line in figure.axes[1].lines if line.get_linestyle() == "--"]
    assert [set(line.get_ydata()) for line in dashed] == [{0.25}]
    assert any("Dashed: which part of all posts" in text for text in words_of(found, caption))
    assert not any("Dashed" in text for text in words_of(some_rows()))


def test_a_watchlist_s_own_file_stands_for_the_events_beside_it(tmp_path):
    (tmp_path / "watchlist.toml").write_text('name = "mine"')
    assert annotations.find(str(tmp_path / "watchlist.toml")) is None
    (tmp_path / "events.csv").write_text("date,label\n2016-02-27,x\n")
    (event,) = annotations.load(str(tmp_path / "watchlist.toml"))
    assert event.label == "x"


def test_a_name_can_not_lead_out_of_the_watchlists():
    with pytest.raises(WatchlistError, match="no annotations"):
        annotations.load("../../../etc")
