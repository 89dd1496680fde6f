"""The search page, asked over a socket as a browser without JavaScript does."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.web.conftest import POSTS, Site, a_post


def ids(page: str) -> list[str]:
    """The posts of a page, in its order."""
    return re.findall(r'class="when" href="/post\?id=([^&"]+)', page)


def names(*numbers: int) -> list[str]:
    return [f"twitter%3A{number}" for number in numbers]


def test_search__finds_a_word_in_every_script(site: Site) -> None:
    assert ids(site.page("/search?q=whatsapp")) == names(3, 2)


def test_search__as_a_story_begins_with_the_oldest_post(site: Site) -> None:
    assert ids(site.page("/search?q=inwi&sort=oldest")) == names(1, 2, 3)


def test_search__as_a_story_goes_on_over_pages_without_missing_a_post(
    serve: Callable[..., Site],
) -> None:
    site = serve([a_post(number, "inwi") for number in range(1, 46)])
    shown = [ids(site.page(f"/search?sort=oldest&page={page}")) for page in (1, 2, 3)]
    assert [len(page) for page in shown] == [20, 20, 5]
    assert [one for page in shown for one in page] == names(*range(1, 46))


def test_search__reads_names_of_languages_and_days_in_the_box(site: Site) -> None:
    answer = site.get("/search?q=inwi+darija+27+f%C3%A9vrier+2016")
    assert answer.status_code == 303
    address = answer.headers["location"]
    assert "q=inwi" in address
    assert "lang=ary&lang=ary-Latn" in address
    assert "day=2016-02-27" in address
    assert ids(site.page(address)) == names(3, 2)


def test_search__facets_count_all_matches_and_narrow_with_a_link(site: Site) -> None:
    page = site.page("/search?q=inwi")
    assert re.search(r'href="/search\?q=inwi&amp;lang=ary-Latn">[^<]+<span>1</span>', page)
    assert re.search(r'href="/search\?q=inwi&amp;entity=whatsapp">[^<]+<span>2</span>', page)
    assert ids(site.page("/search?q=inwi&entity=whatsapp")) == names(3, 2)


def test_search__marks_what_was_found_and_other_spellings_apart(site: Site) -> None:
    page = site.page("/search?q=inwi")
    assert '<mark class="exact">inwi</mark>' in page
    assert '<mark class="fuzzy">إنوي</mark>' in page


def test_search__shows_texts_in_their_own_direction(site: Site) -> None:
    assert 'class="text" dir="auto" lang="ary-Arab"' in site.page("/search?lang=ary")


def test_search__says_that_posts_are_fictional(site: Site) -> None:
    assert "all fictional" in site.page("/search")


def test_search__explains_a_query_that_can_not_be_read(site: Site) -> None:
    answer = site.get("/search?q=(inwi")
    assert answer.status_code == 400
    assert "This query can&#39;t be read" in answer.text
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("values", ["lang=klingon", "day=tomorrow", "target=x", "sentiment=sad"])
def test_search__explains_a_filter_that_can_not_be(site: Site, values: str) -> None:
    assert site.get(f"/search?{values}").status_code == 400


@pytest.mark.parametrize(
    "values",
    ["page=0", "page=99999", "page=-1", "page=x", "sort=odd", "q=%00", "zzz=1"],
)
def test_search__takes_addresses_that_were_edited_by_hand(site: Site, values: str) -> None:
    assert site.get(f"/search?{values}").status_code == 200


def test_search__says_why_nothing_was_found(site: Site) -> None:
    page = site.page("/search?entity=viber")
    assert "No post mentions viber. There are posts on: inwi, whatsapp." in page
    days = site.get("/search?since=2016-03-01&until=2016-02-01", headers={"Accept-Language": "fr"})
    assert "Aucun jour n’est" in days.text


def test_search__without_a_store_says_what_to_do(serve: Callable[..., Site]) -> None:
    answer = serve(None).get("/search")
    assert answer.status_code == 503
    assert "There are no posts yet" in answer.text
    assert "marsad ingest archive" in answer.text


def test_search__opens_a_store_that_was_made_after_the_page(serve: Callable[..., Site]) -> None:
    from pathlib import Path

    from tests.web.conftest import fill

    site = serve(None)
    assert site.get("/search").status_code == 503
    fill(Path(site.options.store), POSTS)
    assert ids(site.page("/search?q=skype")) == names(4)


def test_search__opens_a_store_anew_that_was_replaced(serve: Callable[..., Site]) -> None:
    from pathlib import Path

    from tests.web.conftest import fill

    site = serve()
    assert len(ids(site.page("/search"))) == len(POSTS)
    for file in Path(site.options.store).parent.glob("store.db*"):
        file.unlink()
    fill(Path(site.options.store), POSTS[:1])
    assert ids(site.page("/search")) == names(1)


@pytest.mark.parametrize(("language", "direction"), [("en", "ltr"), ("fr", "ltr"), ("ar", "rtl")])
def test_search__speaks_the_language_of_the_browser(
    site: Site, language: str, direction: str
) -> None:
    answer = site.get("/search", headers={"Accept-Language": f"{language}-MA,en;q=0.5"})
    assert f'<html lang="{language}" dir="{direction}">' in answer.text


def test_search__keeps_the_language_that_was_chosen(site: Site) -> None:
    chosen = site.get("/search?ui=ar")
    assert 'lang="ar" dir="rtl"' in chosen.text
    assert 'lang="ar" dir="rtl"' in site.get("/search").text


def test_search__puts_the_most_liked_first(site: Site) -> None:
    assert ids(site.page("/search?sort=likes"))[0] == "twitter%3A1"


def test_search__as_a_story_of_many_posts_begins_with_the_oldest(
    serve: Callable[..., Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines.web.queries import posts

    monkeypatch.setattr(posts, "MANY", 10)
    site = serve([a_post(number, "inwi") for number in range(1, 46)])
    shown = [ids(site.page(f"/search?sort=oldest&page={page}")) for page in (1, 2, 3)]
    assert [one for page in shown for one in page] == names(*range(1, 46))
