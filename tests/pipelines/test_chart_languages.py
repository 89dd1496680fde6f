"""Charts in three languages, in several sizes, with real text and a description."""

import io
from datetime import date, timedelta
from types import SimpleNamespace
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import matplotlib as mpl
import pytest

from pipelines.analysis.breaks import Break, Breaks
from pipelines.annotations import Event
from pipelines.charts import Caption, Language, changes, method, render, size_of
from pipelines.charts.layout import draw
from pipelines.charts.size import DPI
from pipelines.charts.words import _TEXTS
from pipelines.errors import OutputError
from pipelines.records import Sum
from pipelines.trends import rows

MOROCCAN = ("يناير", "فبراير", "مارس", "أبريل", "ماي", "يونيو", "يوليوز", "غشت", "شتنبر")
EVENTS = [Event(date(2016, 2, 12), "Block extended")]


def some_rows(days=40, groups=("inwi", "orange")):
    sums = [
        Sum(str(date(2016, 2, 8) + timedelta(days=n)), group, "fr", "negative", 20, 9.0, 6.0, 5.0)
        for n in range(days)
        for group in groups
    ]
    return rows(sums, "day", zone=ZoneInfo("UTC"))


def caption(code="en", country="MA", **more):
    return Caption(timezone="Africa/Casablanca", posts=1600, language=Language(code, country),
                   models=["test-1"], **more)  # fmt: skip


def figure_of(code, **more):
    return draw(some_rows(), "day", caption(code, fictional=1600), events=EVENTS, names={}, **more)


def dates_of(figure):
    axis = figure.axes[-1].xaxis
    figure.draw(figure.canvas.get_renderer())
    return [text for label in axis.get_ticklabels() if (text := label.get_text())]


def test_language__has_every_text_in_three_languages_with_the_same_blanks():
    for key, texts in _TEXTS.items():
        blanks = [{part.split("}")[0] for part in text.split("{")[1:]} for text in texts]
        assert len(texts) == 3, key
        assert blanks[0] >= blanks[1] >= blanks[2] or blanks[0] == blanks[1] == blanks[2], key
        assert all(texts), key


def test_language__names_months_as_the_country_does():
    assert list(Language("ar", "MA").months().values())[:9] == list(MOROCCAN)
    assert Language("ar", "EG").months()["Aug"] == "أغسطس"
    assert Language("fr", "MA").day("2016-08-27") == "27 août 2016"
    assert Language("ar", "MA").day("2016-08-27") == "27 غشت 2016"
    assert Language("ar", "MA").buckets(2, "week") == "أسبوعان"


def test_chart__in_french_has_no_english_words():
    figure = figure_of("fr")
    words = " ".join(
        text.get_text() for text in figure.texts if text.get_text() != "Block extended"
    )
    assert "Tonalité de tous les messages" in words
    assert "1 600 messages" in words.replace("\N{NARROW NO-BREAK SPACE}", " ").replace("\xa0", " ")
    for english in ("posts", "negative", "share", "time zone", "not corrected"):
        assert english not in words
    assert [ax.get_ylabel() for ax in figure.axes[:2]] == ["messages par jour", "part"]
    assert any("fév." in label for label in dates_of(figure))


def test_chart__in_arabic_is_read_from_right_to_left():
    figure = figure_of("ar")
    later, earlier = figure.axes[0].get_xlim()
    assert later > earlier
    assert figure.axes[0].yaxis.get_ticks_position() == "right"
    title = figure.texts[0]
    assert title.get_ha() == "right"
    assert title.get_position()[0] > 0.9
    assert any("فبراير" in label for label in dates_of(figure))
    renderer = figure.canvas.get_renderer()
    for text in figure.texts:
        box = text.get_window_extent(renderer)
        assert box.x0 >= 0, text.get_text()
        assert box.x1 <= figure.bbox.x1, text.get_text()


def test_chart__marks_the_same_day_in_every_direction():
    for code in ("en", "ar"):
        figure = figure_of(code)
        figure.draw(figure.canvas.get_renderer())
        ax = figure.axes[0]
        noon = mpl.dates.date2num(date(2016, 2, 12)) + 0.5
        x = figure.transFigure.inverted().transform(ax.transData.transform((noon, 0)))[0]
        (mark,) = [
            text for text in figure.texts if text.get_bbox_patch() and text.get_text() == "1"
        ]
        assert mark.get_position()[0] == pytest.approx(x, abs=1e-6)


# Sizes


def png_size(content):
    return tuple(int.from_bytes(content[place : place + 4]) for place in (16, 20))


@pytest.mark.parametrize(
    ("size", "pixels"),
    [("slide", (1920, 1080)), ("1600x900", (1600, 900)), ("800x800", (800, 800))],
)
def test_chart__of_a_size_has_so_many_pixels(size, pixels):
    content = render(some_rows(), "day", caption(), "png", size=size_of(size))
    assert png_size(content) == pixels


def test_chart__for_an_article_is_17_8_centimetres_wide_with_all_its_words():
    figure = draw(some_rows(), "day", caption("fr", fictional=1600), events=EVENTS, names={},
                  size=size_of("article"))  # fmt: skip
    assert figure.get_figwidth() * 2.54 == pytest.approx(17.78)
    words = [text.get_text() for text in figure.texts]
    assert not [word for word in words if word.endswith("…")]
    assert "fuseau horaire Africa/Casablanca" in words


def test_chart__of_a_slide_shows_the_groups_that_have_room_and_names_the_others():
    found = some_rows(groups=("a", "b", "c", "d", "e", "f"))
    figure = draw(found, "day", caption(), events=[], names={}, size=size_of("slide"))
    assert 2 <= len(figure.axes) < 12
    assert any(text.get_text().startswith("Not shown: ") for text in figure.texts)


def test_chart__without_room_for_its_events_says_so():
    events = [Event(date(2016, 2, 8) + timedelta(days=n), f"event {n}") for n in range(30)]
    with pytest.raises(OutputError, match="--annotations none"):
        draw(some_rows(), "day", caption(), events=events, names={}, size=size_of("slide"))


@pytest.mark.parametrize("size", ["huge", "0x900", "1600", "99999x10", "900x"])
def test_size__that_cannot_be_is_refused(size):
    with pytest.raises(OutputError, match="size of a chart"):
        size_of(size)


def test_size__unnamed_is_1600_pixels_wide():
    assert size_of("").width * DPI == 1600


# SVG


def svg_of(real_text):
    content = render(some_rows(), "day", caption("ar"), "svg", real_text=real_text)
    return ElementTree.parse(io.BytesIO(content)).getroot()


SVG = "{http://www.w3.org/2000/svg}"


def test_svg__has_text_that_can_be_searched_where_asked():
    words = ["".join(text.itertext()) for text in svg_of(True).iter(f"{SVG}text")]
    assert any("المشاعر في كل المنشورات" in word for word in words)
    assert not list(svg_of(False).iter(f"{SVG}text"))


def test_svg__says_in_words_what_it_shows():
    root = svg_of(False)
    assert root.get("role") == "img"
    (description,) = root.findall(f"{SVG}desc")
    assert "(inwi): 45٪ في 8 فبراير 2016" in description.text


# Sentences


def test_changes__are_told_in_each_language():
    one = Break(group="inwi", start="2016-02-27", low="2016-02-26", high="2016-02-28", before=0.41,
                after=0.63, event="Block", day="2016-02-24", distance=2, placebo=0.04)  # fmt: skip
    found = [Breaks(group="inwi", buckets=60, found=[one], shuffled=0.05)]
    (french,) = changes(Language("fr", "MA"), found, "day", {"inwi": "inwi"})
    assert french.replace("\xa0", " ") == (
        "inwi: la part négative monte de 41 % à 63 % le 27 février 2016 (95 % : 26 février 2016 à "
        "28 février 2016) ; l'événement le plus proche, 2 jours avant : Block (24 février 2016). "
        "4 % de toutes les dates sont aussi proches d'un changement : sans doute pas un hasard."
    )
    (arabic,) = changes(Language("ar", "MA"), found, "day", {})
    assert "ارتفعت من 41٪ إلى 63٪ في 27 فبراير 2016" in arabic


def test_method__says_how_many_labels_there_are():
    def said(code, **fields):
        series = {"corrected": False, "correction": True, "labels": 0, "towards": False}
        made = SimpleNamespace(**(series | {"lacking": ""} | fields))
        return method(Language(code), made, {"vpn": "un VPN"}).replace("\xa0", " ")

    assert "with 120 labels" in said("en", corrected=True, labels=120)
    assert "aucune étiquette" in said("fr")
    assert "(labels of this study: 1; 100 are needed)" in said("en", labels=1)
    assert "attitude envers un VPN : 7 ; il en faut 100" in said(
        "fr", labels=7, towards=True, lacking="vpn"
    )
    assert "(labels of skype: 7; 100 are needed)" in said("en", labels=7, lacking="skype")
    assert "needed" not in said("en", labels=300, correction=False)
