"""The pages beside the search, asked over a socket as a browser without JavaScript does."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import Callable
from datetime import timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
from openpyxl import load_workbook

from pipelines.analysis.remarks import NoSample
from pipelines.records import Batch, Collected, Position
from pipelines.stages import index
from pipelines.stores.sqlite import SqliteStore
from pipelines.web.locales import words
from pipelines.web.remarks import in_words
from pipelines.web.security.accounts import Accounts
from tests.web.conftest import NOON, POSTS, ZONE, Site, a_post, sentiment

PAGES = ("/", "/search", "/trends", "/likes", "/status", "/post?id=twitter:1")


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", ["en", "fr", "ar"])
def test_page__is_there_in_each_language(site: Site, path: str, language: str) -> None:
    answer = site.get(path, headers={"Accept-Language": language})
    assert answer.status_code == 200
    assert f'<html lang="{language}"' in answer.text


@pytest.mark.parametrize("path", [path for path in PAGES if "post" not in path])
def test_page__without_a_store_says_what_to_do(serve: Callable[..., Site], path: str) -> None:
    answer = serve(None).get(path)
    assert answer.status_code == 503
    assert "There are no posts yet" in answer.text


def test_page__that_is_not_there_says_so(site: Site) -> None:
    answer = site.get("/nothing")
    assert answer.status_code == 404
    assert "There is no such page" in answer.text


def test_post__that_is_not_there_says_so(site: Site) -> None:
    assert site.get("/post?id=twitter:99").status_code == 404
    assert site.get("/post").status_code == 404


def test_post__shows_its_probabilities_and_where_it_comes_from(site: Site) -> None:
    page = site.page("/post?id=twitter:2")
    assert "twitter:2" in page
    assert re.search(r"negative</span> ←</th><td class=\"number\">80%", page)
    assert "u_aaaaaaaaaaaaaaaa" in page


def test_post__links_only_to_web_addresses(serve: Callable[..., Site]) -> None:
    page = serve([a_post(1, "inwi", url="javascript:alert(1)")]).page("/post?id=twitter:1")
    assert "javascript:" not in page


def test_post__says_which_words_moved_its_mood(site: Site) -> None:
    page = site.page("/post?id=twitter:1&why=1")
    assert "Which words moved it" in page
    assert "occlusion" in page
    assert 'class="effect ' in page


def chart(page: str) -> dict[str, object]:
    """What the script draws."""
    found = re.search(r'data-chart="([^"]+)"', page)
    assert found
    data: dict[str, object] = json.loads(html.unescape(found[1]))
    return data


def test_trends__table_chart_and_file_hold_the_same_figures(serve: Callable[..., Site]) -> None:
    site = serve(
        [a_post(number % 10, f"inwi {number}", id=f"twitter:{number}") for number in range(12)]
    )
    page = site.page("/trends?q=inwi")
    rows = list(csv.DictReader(io.StringIO(site.get("/download/trends.csv?q=inwi").text[1:])))
    assert [(row["bucket"], row["posts"]) for row in rows] == [("2016-02-27", "12")]
    drawn = chart(page)["groups"][0]["rows"][0]  # type: ignore[index]
    assert drawn[:3] == ["2016-02-27", "ok", 12]
    assert drawn[3] == float(rows[0]["negative"])
    assert f">{round(100 * float(rows[0]['negative']))}%<" in page


def test_trends__of_few_posts_have_no_share_and_say_so(site: Site) -> None:
    page = site.page("/trends?q=inwi")
    assert "too few posts for a share" in page
    assert chart(page)["groups"][0]["rows"][0][1:3] == ["few", 3]  # type: ignore[index]


def test_trends__choose_weeks_where_days_have_too_few_posts(serve: Callable[..., Site]) -> None:
    monday = NOON + timedelta(days=2)
    posts = [a_post(n, f"inwi {n}", created_at=monday + timedelta(days=n // 3)) for n in range(126)]
    site = serve(posts)
    page = site.page("/trends")
    assert chart(page)["by"] == "week"
    assert "Each point is a week, since days have too few posts" in page
    assert "too few posts for a share" not in page
    assert chart(site.page("/trends?by=day"))["by"] == "day"
    rows = list(csv.DictReader(io.StringIO(site.get("/download/trends.csv").text[1:])))
    assert rows[0]["bucket"].startswith("2016-W")


def test_trends__show_two_searches_side_by_side(serve: Callable[..., Site]) -> None:
    site = serve([a_post(n, f"{('inwi', 'skype')[n % 2]} {n}") for n in range(60)])
    page = site.page("/trends?q=inwi&vs=skype")
    groups = chart(page)["groups"]
    assert [one["name"] for one in groups] == ["inwi", "skype"]  # type: ignore[index]
    assert [one["search"] for one in groups] == ["/search?q=inwi", "/search?q=skype"]  # type: ignore[index]
    for address in ("q=inwi", "q=skype"):
        alone = chart(site.page(f"/trends?by={chart(page)['by']}&{address}"))["groups"]
        assert alone[0]["rows"] in [one["rows"] for one in groups]  # type: ignore[index]
    assert site.get("/download/trends.svg?q=inwi&vs=skype").content.startswith(b"<?xml")


def test_trends__say_what_has_too_few_labels_in_each_language(site: Site) -> None:
    page = html.unescape(site.page("/trends?split=entity"))
    assert "the attitude to inwi has 0 labels of the 100 that are needed" in page
    french = site.get("/trends?q=inwi&vs=skype", headers={"Accept-Language": "fr"})
    page = html.unescape(french.text)
    assert "«\u202finwi\u202f» a 0 étiquette sur les 100 nécessaires" in page
    assert "this study has 0 labels of the 100" in html.unescape(site.page("/trends"))


def test_trends__shown_as_the_model_gives_them_ask_for_no_labels(site: Site) -> None:
    page = html.unescape(site.page("/trends?raw=1"))
    assert "as the model gives them, as asked for" in page
    assert "that are needed" not in page


def test_trends__name_an_entity_in_the_language_of_the_reader() -> None:
    said = in_words(NoSample("vpn", 1.0, 0.5), words("fr"), {"vpn": "les VPN"})
    assert "mentionnent les VPN" in said


def test_query__that_cannot_be_read_is_asked_again_as_it_was_but_for_its_words(
    site: Site,
) -> None:
    page = site.get("/trends?q=(&vs=skype&by=week&split=language&raw=1").text
    assert 'action="/trends"' in page
    for name, value in (("vs", "skype"), ("by", "week"), ("split", "language"), ("raw", "1")):
        assert re.search(rf'name="{name}"[^>]* value="{value}"', page), name


@pytest.mark.parametrize(
    ("file", "path"),
    [("trends.csv", "/trends"), ("trends.svg", "/trends"), ("posts.xlsx", "/search")],
)
def test_query__of_a_download_that_cannot_be_read_leads_to_its_page(
    site: Site, file: str, path: str
) -> None:
    page = site.get(f"/download/{file}?q=(").text
    assert f'<form class="box" action="{path}"' in page


def test_trends__record_an_author_who_is_asked_for_in_the_second_search(
    serve: Callable[..., Site],
) -> None:
    site = serve()
    site.page("/trends?vs=author:some_handle")
    accounts = Accounts(site.options.accounts)
    assert [line.action for line in accounts.audit()] == ["author look-up"]
    accounts.close()


def test_trends__puts_groups_side_by_side(site: Site) -> None:
    groups = chart(site.page("/trends?split=language"))["groups"]
    assert {group["name"] for group in groups} >= {"French", "Darija"}  # type: ignore[attr-defined, index]


def test_trends__shows_lines_with_and_without_copied_texts(serve: Callable[..., Site]) -> None:
    words = "coupez vos téléphones deux jours avec nous"
    own = [a_post(n, words, id=f"twitter:9{n}", author=f"u_copy{n}") for n in range(6)]
    site = serve([*POSTS, *own])
    groups = chart(site.page("/trends?copies=both&by=day"))["groups"]
    posts = {group["name"]: sum(row[2] or 0 for row in group["rows"]) for group in groups}  # type: ignore[attr-defined, index]
    assert list(posts) == ["all posts", "without copied texts"]
    assert posts["all posts"] - posts["without copied texts"] == 6
    (alone,) = chart(site.page("/trends?copies=out&by=day"))["groups"]  # type: ignore[misc]
    assert sum(row[2] or 0 for row in alone["rows"]) == posts["without copied texts"]
    assert "avec et sans" in site.page("/trends?copies=both&ui=fr")


def test_trends__says_on_which_days_shares_changed(site: Site) -> None:
    assert "No clear change" in site.page("/trends?breaks=1")
    assert "No clear change" not in site.page("/trends")


def test_trends__a_day_leads_to_its_posts(site: Site) -> None:
    group = chart(site.page("/trends?q=inwi&split=entity&entity=inwi"))["groups"][0]  # type: ignore[index]
    assert group["search"] == "/search?q=inwi&entity=inwi"
    assert site.get(group["search"] + "&day=2016-02-27").status_code == 200


def test_trends__gives_the_chart_as_svg_and_png(site: Site) -> None:
    assert site.get("/download/trends.svg").content.startswith(b"<?xml")
    assert site.get("/download/trends.pdf").content.startswith(b"%PDF")
    assert site.get("/download/trends.png").content.startswith(b"\x89PNG")
    assert site.get("/download/trends.exe").status_code == 404
    assert site.get("/download/trends.svg?q=nowhere").status_code == 404


def test_trends__of_posts_without_a_date_say_so(serve: Callable[..., Site]) -> None:
    undated = a_post(1, "inwi", created_at=None, flags=("date-unknown",))
    assert "no usable date" in serve([undated]).page("/trends")


def test_trends__refuse_to_draw_more_points_than_a_screen_has(serve: Callable[..., Site]) -> None:
    posts = [
        a_post(1, "inwi", created_at=NOON),
        a_post(2, "inwi again", created_at=NOON + timedelta(days=200)),
    ]
    assert "too many points" in serve(posts).page("/trends?by=hour")


def test_overview__compares_the_newest_week_with_the_one_before(serve: Callable[..., Site]) -> None:
    posts = [
        a_post(1, "inwi", created_at=NOON - timedelta(days=7)),
        a_post(2, "inwi", created_at=NOON, sentiment=sentiment("positive")),
        a_post(3, "inwi", created_at=NOON),
    ]
    page = serve(posts).page("/?by=week")
    assert "The newest week with posts: from 22 February 2016" in page
    assert re.search(
        r'class="figure">2</p>\s*<p>posts\s*<span class="hint">\(1 the week before', page
    )


def test_overview__takes_months_where_weeks_have_too_few_posts(serve: Callable[..., Site]) -> None:
    posts = [
        a_post(n, "inwi", created_at=NOON - timedelta(days=2 * n), entities=("inwi",))
        for n in range(60)
    ]
    site = serve(posts)
    page = site.page("/")
    assert "The newest month with posts: February 2016" in page
    assert "(15 the month before)" in page
    assert "too few posts for a share" not in page
    assert "The newest day with posts: 27 February 2016" in site.page("/?by=day")


def test_likes__without_readings_say_where_they_come_from(site: Site) -> None:
    assert "marsad pages import" in site.page("/likes")


def test_likes__tell_one_figure_for_each_page_with_its_time_and_source(
    serve: Callable[..., Site],
) -> None:
    page = serve([a_post(1, "inwi", watchlist="morocco-2016@0")]).page("/likes")
    # as the newest source has it, never as a range of figures of different days
    assert '<p class="figure">170,000</p>' in page
    assert "between 1 March 2016 and 10 March 2016, as bfmbusiness.bfmtv.com published" in page
    assert "In steps of 10,000: between 170,000 and 180,000." in page
    assert "maghress.com says 123,380 and labass.net says 137,500 for the same time" in page
    overview = serve().page("/")
    assert '<p class="figure">170,000</p>' in overview


def test_likes__of_a_case_are_told_as_published(serve: Callable[..., Site]) -> None:
    site = serve([a_post(1, "inwi", watchlist="morocco-2016@0")])
    page = site.page("/likes")
    assert "were published by the sources named" in page
    assert "Maroc Telecom" in page
    # 94,282 in 39 hours: no decimals, of which the sources know nothing
    assert '<td class="number">2,417</td>' in page
    assert "Likes lost, by page and source" in site.get("/download/likes.svg").text
    assert "الإعجابات المفقودة" in site.get("/download/likes.svg?ui=ar").text
    assert "labass.net" in site.get("/download/likes.csv").text
    assert site.get("/download/likes.pdf").content.startswith(b"%PDF")


def test_trends__of_copies_are_named_in_the_language_of_the_file(site: Site) -> None:
    for code, names in {
        "fr": ("tous les messages", "sans les copies"),
        "ar": ("كل المنشورات", "دون النصوص المنسوخة"),
    }.items():
        chart = site.get(f"/download/trends.svg?copies=both&by=day&ui={code}").text
        assert all(name in chart for name in names)
        assert "without copies" not in chart


@pytest.mark.parametrize("path", ["/search", "/trends"])
def test_query__that_cannot_be_read_can_be_changed_where_that_is_said(
    site: Site, path: str
) -> None:
    answer = site.get(f"{path}?q=(inwi&lang=fr")
    assert answer.status_code == 400
    form = re.search(r'<form class="box".*?</form>', answer.text, re.DOTALL)
    assert form, answer.text
    assert f'action="{path}"' in form[0]
    assert 'name="q" type="search" dir="auto" value="(inwi"' in form[0]
    assert 'type="hidden" name="lang" value="fr"' in form[0]


def test_status__shows_the_ledger(site: Site) -> None:
    page = site.page("/status")
    assert re.search(rf"searchable</th><td class=\"number\">{len(POSTS)}<", page)
    assert "days in the time of Casablanca" in page
    assert "الأيام بتوقيت الدار البيضاء" in site.page("/status?ui=ar")


@pytest.mark.parametrize("name", ["trends", "likes"])
def test_download__for_excel_holds_the_rows_of_the_table(
    serve: Callable[..., Site], name: str
) -> None:
    site = serve([a_post(n, f"=1+{n}", watchlist="morocco-2016@0") for n in range(12)])
    query = "?split=platform&vs=%3D2%2B3" if name == "trends" else ""
    assert f"/download/{name}.xlsx" in site.page(f"/{name}{query}")
    book = load_workbook(io.BytesIO(site.get(f"/download/{name}.xlsx{query}").content))
    sheet = book.worksheets[0]
    text = site.get(f"/download/{name}.csv{query}").text[1:]
    assert sheet.max_row == len(list(csv.reader(io.StringIO(text))))
    assert all(cell.data_type != "f" for row in sheet for cell in row)


def test_post__with_a_provisional_score_says_so(serve: Callable[..., Site]) -> None:
    site = serve([a_post(2, "inwi encore")])
    new = a_post(1, "inwi", scored="provisional")
    with SqliteStore(site.options.store, timezone=ZONE) as store:
        position = Position(key="new", name="new", cursor="1", done=True)
        waiting = msgspec.structs.replace(new, scored="", sentiment=None, model="")
        batch = Batch(position=position, previous_cursor="", posts=[Collected(waiting)])
        store.accept(batch)
        store.index(index([new], ZoneInfo(ZONE)))
    assert site.page("/search").count("provisional score") == 1
    assert "provisional score" in site.page("/post?id=twitter:1")
    assert "marsad score --pending" in site.page("/status")
    assert "1 post of the store has a provisional score" in site.page("/trends?q=inwi")
