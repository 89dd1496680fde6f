"""The page in a real browser: what people see, in each language, and what axe-core finds.

Needs Chromium on the machine (Debian: apt-get install chromium); skipped where there is none.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.web.conftest import NOON, POSTS, Site, a_post, fill, serving, towards

playwright = pytest.importorskip("playwright.sync_api")

#: A folder to put pictures of every page into, for people to look at.
SCREENSHOTS = os.environ.get("MARSAD_TEST_SCREENSHOTS")
CHROMIUM = os.environ.get("MARSAD_TEST_CHROMIUM") or shutil.which("chromium")
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not CHROMIUM, reason="there is no Chromium: apt-get install chromium"),
]
AXE = (ROOT / "tests" / "web" / "vendor" / "axe.min.js").read_text(encoding="utf-8")
OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PAGES = (
    "/",
    "/search?q=inwi",
    "/trends?split=entity",
    "/likes",
    "/post?id=twitter:2&q=inwi",
    "/label",
    "/export?q=inwi",
    "/upload",
    "/delete?id=twitter:1",
    "/status",
    "/api",
    "/nothing",
    "/search?q=(",
)
LANGUAGES = {"en": "en-GB", "fr": "fr-FR", "ar": "ar-MA"}
#: Posts of the case that comes with Marsad, so that it has names, events and readings; fictional.
SHOWN = (
    *POSTS,
    *(
        a_post(
            100 + number,
            f"inwi w meditel {number}",
            watchlist="morocco-2016@0",
            created_at=NOON.replace(day=20 + number % 8),
            entities=("inwi", "meditel"),
            targets=(towards("inwi", "negative"), towards("meditel", "positive")),
        )
        for number in range(24)
    ),
)


@pytest.fixture(scope="module")
def page_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    from pipelines.web.service import Options

    folder = tmp_path_factory.mktemp("browser")
    options = Options(store=str(fill(folder / "store.db", SHOWN)), accounts=folder / "web.db")
    with serving(options) as site:
        yield site


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Any]]:
    """Open browsers with an empty profile each; told errors are failures."""
    with playwright.sync_playwright() as driver:
        opened: list[Any] = []

        def open_one(language: str = "en", **options: Any) -> Any:
            context = driver.chromium.launch_persistent_context(
                tmp_path_factory.mktemp("profile"),
                executable_path=CHROMIUM,
                headless=True,
                args=list(OPTIONS),
                locale=LANGUAGES[language],
                timeout=600_000,
                **{"viewport": {"width": 1200, "height": 850}, **options},
            )
            context.set_default_timeout(600_000)
            opened.append(context)
            page = context.new_page()
            page.told = []
            page.on("pageerror", lambda error: page.told.append(str(error)))
            page.on(
                "console",
                lambda said: page.told.append(said.text) if said.type == "error" else None,
            )
            return page

        yield open_one
        for context in opened:
            context.close()


def look(page: Any, address: str) -> None:
    """Open a page and wait until nothing more is asked for."""
    page.goto(address)
    # Chromium does not always report that the network is idle, and then never does.
    with suppress(playwright.TimeoutError):
        page.wait_for_load_state("networkidle", timeout=20_000)


def axe(page: Any) -> list[str]:
    """What axe-core calls serious or critical, with the places."""
    page.evaluate(AXE)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {node['html'][:200]}"
        for one in found["violations"]
        if one["impact"] in {"serious", "critical"}
        for node in one["nodes"]
    ]


# Colours are those of one sheet for all languages: one of them is looked at in the dark as well.
@pytest.mark.parametrize(
    ("language", "scheme"), [*((one, "light") for one in LANGUAGES), ("ar", "dark")]
)
def test_page__is_accessible_fits_a_telephone_and_runs_without_an_error(
    page_site: Site, browser: Callable[..., Any], language: str, scheme: str
) -> None:
    page = browser(language, color_scheme=scheme)
    wrong: list[str] = []
    for path in PAGES:
        look(page, page_site.url + path)
        wrong += [f"{path}: {one}" for one in axe(page)]
        missing = path in {"/nothing", "/search?q=("}  # the browser tells their status, too
        wrong += [f"{path}: {said}" for said in page.told if not missing]
        page.told.clear()
        page.set_viewport_size({"width": 360, "height": 740})
        width = page.evaluate("document.documentElement.scrollWidth")
        wrong += [f"{path}: {width} px wide on 360"] if width > 360 else []
        page.set_viewport_size({"width": 1200, "height": 850})
        if SCREENSHOTS:
            name = path.strip("/").partition("?")[0] or "overview"
            page.screenshot(
                path=Path(SCREENSHOTS) / f"{name}-{language}-{scheme}.png", full_page=True
            )
    assert wrong == []


def test_chart__is_drawn_and_a_point_leads_to_the_posts_of_its_day(
    page_site: Site, browser: Callable[..., Any]
) -> None:
    page = browser()
    look(page, page_site.url + "/trends?split=entity&by=day")
    assert page.locator(".plot svg").count() >= 2
    link = page.locator(".plot svg a").first
    assert "day=2016-02-" in (link.get_attribute("href") or link.get_attribute("xlink:href") or "")


def test_chart__runs_from_right_to_left_in_arabic(
    page_site: Site, browser: Callable[..., Any]
) -> None:
    page = browser("ar")
    look(page, page_site.url + "/trends")
    ticks = page.evaluate(
        "[...document.querySelectorAll('.plot svg [aria-label=\"x-axis tick label\"] text')]"
        ".map(one => one.getBoundingClientRect().x)"
    )
    assert len(ticks) > 1
    assert ticks == sorted(ticks, reverse=True)


def test_search__is_found_and_read_with_the_keyboard(
    page_site: Site, browser: Callable[..., Any]
) -> None:
    page = browser()
    look(page, page_site.url + "/")
    page.keyboard.press("/")
    page.keyboard.type("inwi darija 27 february 2016")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?q=inwi&lang=ary&lang=ary-Latn&day=2016-02-27")
    page.get_by_role("link", name="as a story, oldest first").click()
    page.wait_for_url("**sort=oldest**")
    page.keyboard.press("n")
    assert page.evaluate("document.activeElement.className") == "when"


def test_post__loads_the_words_that_moved_it_by_itself(
    page_site: Site, browser: Callable[..., Any]
) -> None:
    page = browser()
    page.goto(page_site.url + "/post?id=twitter:1")
    page.get_by_text("Method: occlusion").wait_for()


@pytest.fixture
def changing(tmp_path: Path) -> Iterator[Site]:
    """A page of its own, for what changes its store."""
    from pipelines.web.service import Options

    store = str(fill(tmp_path / "store.db", SHOWN))
    with serving(Options(store=store, accounts=tmp_path / "web.db")) as site:
        yield site


@pytest.mark.parametrize("scripts", [True, False])
def test_forms__are_sent_by_a_browser(
    changing: Site, browser: Callable[..., Any], tmp_path: Path, scripts: bool
) -> None:
    page = browser(java_script_enabled=scripts)
    page.set_default_timeout(120_000)
    page.goto(changing.url + "/label")
    page.get_by_role("button", name="negative").click()
    page.get_by_text("1 post is labelled so far, 1 by you.").wait_for()

    file = tmp_path / "posts.csv"
    file.write_text("id,date,text\n1,2016-02-27 21:10,inwi 7bsat lina whatsapp\n", "utf-8")
    page.goto(changing.url + "/upload")
    page.set_input_files("input[type=file]", file)
    page.get_by_role("button", name="Show what is recognised").click()
    dates = page.locator("#map-created_at")
    assert dates.locator("option").first.text_content() == "date"
    page.get_by_text("27 Feb 2016 21:10").wait_for()
    dates.select_option("id")
    if not scripts:  # with scripts the posts follow the choice by themselves
        page.get_by_role("button", name="Show it with these choices").click()
    page.get_by_text("27 Feb 2016 21:10").wait_for(state="detached")
    page.locator("#map-created_at").select_option("date")
    page.get_by_role("button", name="Import it").click()
    page.get_by_text("Done.").wait_for()

    page.goto(changing.url + "/delete?id=twitter:1")
    page.get_by_role("button", name="Show what this hits").click()
    page.get_by_text("inwi coupe les appels").wait_for()

    page.goto(changing.url + "/export?q=inwi")
    page.get_by_role("button", name="Make a folder").click()
    page.get_by_role("link", name="Download the folder").wait_for()


def test_login__is_sent_by_a_browser(tmp_path: Path, browser: Callable[..., Any]) -> None:
    from pipelines.web.security.accounts import Accounts
    from pipelines.web.service import Options

    accounts = Accounts(tmp_path / "web.db")
    accounts.add("sara", "reader", "a sentence of many words")
    accounts.close()
    store = str(fill(tmp_path / "store.db", SHOWN))
    with serving(Options(store=store, accounts=tmp_path / "web.db", login=True)) as site:
        page = browser()
        page.goto(site.url + "/search?q=inwi")
        page.get_by_label("Name").fill("sara")
        page.get_by_label("Password").fill("a sentence of many words")
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url("**/search?q=inwi")
        page.get_by_role("button", name="Log out").click()
        page.wait_for_url("**/login**")


def test_post__can_not_run_a_script(tmp_path: Path, browser: Callable[..., Any]) -> None:
    from pipelines.web.service import Options

    attack = a_post(
        1, "<img src=x onerror=\"document.title='taken'\"><script>document.title=1</script>"
    )
    options = Options(store=str(fill(tmp_path / "s.db", [attack])), accounts=tmp_path / "w.db")
    with serving(options) as site:
        page = browser()
        look(page, site.url + "/search")
        assert "taken" not in page.title()


def test_page__is_complete_without_javascript(page_site: Site, browser: Callable[..., Any]) -> None:
    page = browser(java_script_enabled=False)
    for path in PAGES:
        page.goto(page_site.url + path)
        assert page.locator("h1").count() == 1, path
    page.goto(page_site.url + "/trends")
    assert page.locator("noscript img").count() == 1
