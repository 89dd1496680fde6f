"""Every sentence of the page is there in each of its languages."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from bs4 import BeautifulSoup

from pipelines.web.locales import Words, negotiate, typeset, words
from tests.conftest import ROOT
from tests.web.conftest import NOON, Site, a_post, towards

WEB = ROOT / "pipelines" / "web"
PAGES = (
    *("/", "/search?q=inwi", "/search?q=nowhere", "/search?q=(", "/trends?split=entity", "/likes"),
    *("/trends?q=inwi&vs=skype", "/post?id=twitter:2&why=1", "/label", "/export?q=inwi", "/upload"),
    *("/delete?id=twitter:1", "/status", "/api", "/login", "/nothing", "/post?id=twitter:99"),
)
#: Words that no French and no Arabic sentence has.
_ENGLISH = re.compile(
    r"(?<!\w)(?:the|of|are|is|was|were|has|have|these|with|that|from|and|which|this|not|posts?|by)"
    r"(?!\w)",
    re.IGNORECASE,
)
_VALUE = re.compile(r"%\(\w+\)s")


def messages() -> set[str]:
    """The sentences in code and templates; of singular and plural the singular."""
    found = extract_from_dir(
        WEB,
        method_map=[("**.py", "python"), ("templates/**.html", "jinja2.ext:babel_extract")],
        keywords={"_": None, "gettext": None, "ngettext": (1, 2), "of": (1, 2)},
    )
    return {one if isinstance(one, str) else one[0] for _, _, one, *_ in found}


def catalogue(language: str) -> Catalog:
    with Path(WEB / "translations" / f"{language}.po").open("rb") as stream:
        return read_po(stream, locale=language)


@pytest.mark.parametrize("language", ["fr", "ar"])
def test_catalogue__has_every_sentence_and_no_other(language: str) -> None:
    known = {
        one.id if isinstance(one.id, str) else one.id[0]
        for one in catalogue(language)
        if one.id and not one.fuzzy
    }
    assert messages() - known == set()
    assert known - messages() == set()


@pytest.mark.parametrize("language", ["fr", "ar"])
def test_catalogue__fills_in_the_values_of_each_sentence(language: str) -> None:
    for one in catalogue(language):
        given = one.string if isinstance(one.string, tuple) else (one.string,)
        assert all(given) or not one.id, one.id
        if isinstance(one.id, str) and one.id:
            assert set(_VALUE.findall(one.id)) == set(_VALUE.findall(str(one.string))), one.id


@pytest.mark.parametrize("language", ["fr", "ar"])
@pytest.mark.parametrize("path", PAGES)
def test_page__has_no_english_beside_what_is_marked_as_english(
    site: Site, language: str, path: str
) -> None:
    page = BeautifulSoup(site.get(path, headers={"Accept-Language": language}).text, "lxml")
    # quoted: texts of posts, addresses and commands, and what says of itself that it is English
    for quoted in page.select("[lang=en], .text, pre, code, script, .side"):
        quoted.decompose()
    shown = [page.get_text(" ")]
    for name in ("alt", "aria-label", "title", "placeholder"):
        shown += [str(one[name]) for one in page.select(f"[{name}]")]
    assert [one for text in shown for one in _ENGLISH.findall(text)] == []


def test_words__use_the_names_of_months_of_the_country() -> None:
    assert "غشت" in words("ar", "MA").day("2016-08-03")
    assert "آب" in words("ar", "LB").day("2016-08-03")
    assert words("fr", "MA").day("2016-02-27") == "27 février 2016"
    assert words("en", "MA").day("2016-02-27") == "27 February 2016"


def test_words__are_typeset_as_french_printers_do() -> None:
    french = words("fr", "MA")
    assert french.gettext("Why?") == "Pourquoi\u202f?"
    assert french.gettext("For example:") == "Par exemple\u202f:"
    assert typeset("« d'ici » : 95 % ; http://a:b", "fr") == (
        "«\u202fd’ici\u202f»\u202f: 95\u202f%\u202f; http://a:b"
    )
    assert "de 2 messages" in french.ngettext(
        "The date of %(num)s post names no time zone, and UTC was assumed. If that is wrong, "
        "import the file again with its zone: it replaces them.",
        "The dates of %(num)s posts name no time zone, and UTC was assumed. If that is wrong, "
        "import the file again with its zone: it replaces them.",
        2,
    )
    assert typeset("95 % : it's", "en") == "95 % : it's"


def test_words__name_months_where_space_is_short() -> None:
    days = [words(language, "MA").day("2016-08-03", "medium") for language in ("en", "fr", "ar")]
    assert days == ["3 Aug 2016", "3 août 2016", "3 غشت 2016"]
    assert words("fr", "MA").day("2016-03-01") == "1er mars 2016"
    assert words("fr").moment(datetime(2016, 3, 1, tzinfo=UTC), ZoneInfo("UTC")) == (
        "1er mars 2016 00:00"
    )
    assert words("fr", "MA").day("2016-03-11") == "11 mars 2016"


def test_words__write_moments_in_the_zone_of_the_store() -> None:
    at = datetime(2016, 8, 3, 23, 30, tzinfo=UTC)
    assert words("en").moment(at, ZoneInfo("Africa/Casablanca")) == "4 Aug 2016 00:30"
    assert words("en").moment(datetime.max.replace(tzinfo=UTC), ZoneInfo("Asia/Tokyo"))


def test_words__count_in_each_grammatical_number() -> None:
    arabic = words("ar")
    counted = [arabic.ngettext("%(num)s post", "%(num)s posts", n) for n in (1, 2, 5, 11, 100)]
    assert counted == ["منشور واحد", "منشوران", "5 منشورات", "11 منشورًا", "100 منشور"]
    assert words("fr").ngettext("%(num)s post", "%(num)s posts", 0) == "0 message"


@pytest.mark.parametrize(
    ("chosen", "accepted", "language"),
    [
        ((), "fr-MA,fr;q=0.9,en;q=0.5", "fr"),
        ((), "de,ar;q=0.8", "ar"),
        ((), "de", "en"),
        ((), "fr;q=0,en;q=0.1", "en"),
        ((), "fr;q=x", "en"),
        (("ar",), "fr", "ar"),
        (("klingon", "ar"), "fr", "ar"),
    ],
)
def test_negotiate__takes_the_choice_then_the_browser(
    chosen: tuple[str, ...], accepted: str, language: str
) -> None:
    assert negotiate(chosen, accepted) == language


#: What stands on a page in every language: names, and forms of files.
_NAMES = {
    *("Marsad", "Twitter", "Facebook", "YouTube", "Instagram", "Telegram", "TikTok", "Bluesky"),
    *("Mastodon", "Weibo", "Reddit", "CSV", "PNG", "SVG", "ndjson", "csv", "parquet", "xlsx"),
    *("inwi", "whatsapp", "skype", "darija", "UTC", "morocco", "OR"),
}
_BRACKETED = re.compile(r"⟦[^⟦⟧]*⟧")


@pytest.fixture
def pseudo(serve: Callable[..., Site], monkeypatch: pytest.MonkeyPatch) -> Site:
    """A page in a language that puts each of its words into brackets."""
    for name in ("gettext", "ngettext", "day", "month", "moment", "duration", "bucket", "listed"):
        plain = getattr(Words, name)

        def bracketed(
            self: Words, *given: object, _plain: Callable[..., str] = plain, **values: object
        ) -> str:
            return f"⟦{_plain(self, *given, **values)}⟧"

        monkeypatch.setattr(Words, name, bracketed)
    return serve()


@pytest.mark.parametrize("path", PAGES)
def test_page__shows_no_word_that_is_no_sentence_of_the_catalogue(pseudo: Site, path: str) -> None:
    page = BeautifulSoup(pseudo.get(path, headers={"Accept-Language": "en"}).text, "lxml")
    for quoted in page.select(
        "[lang=en], [lang=ar], .text, .effect, pre, code, script, .side, .facts dd, option"
    ):
        quoted.decompose()
    shown = [page.body.get_text(" ")] if page.body else []
    for name in ("alt", "aria-label", "title", "placeholder"):
        shown += [str(one[name]) for one in page.select(f"[{name}]")]
    left = " ".join(shown)
    while (outside := _BRACKETED.sub(" ", left)) != left:
        left = outside
    assert [one for one in re.findall(r"[^\W\d_]{2,}", left) if one not in _NAMES] == []


def test_case__is_told_in_the_language_of_the_reader(serve: Callable[..., Site]) -> None:
    site = serve(
        [
            a_post(
                number,
                f"inwi {number}",
                watchlist="morocco-2016@0",
                entities=("inwi", "government"),
                targets=(towards("inwi", "negative"), towards("government", "negative")),
                created_at=NOON,
            )
            for number in range(40)
        ]
    )
    for code, title, name in (
        ("en", "the block of internet calls", "the government"),
        ("fr", "le blocage des appels par internet", "le gouvernement"),
        ("ar", "حجب المكالمات عبر الإنترنت", "الحكومة"),
    ):
        assert title in site.page(f"/?ui={code}")
        for path in ("/", "/search", "/trends?split=entity", "/post?id=twitter:1"):
            assert name in site.page(f"{path}{'&' if '?' in path else '?'}ui={code}"), (code, path)
        chart = site.get(f"/download/trends.svg?split=entity&ui={code}").text
        assert name in chart, code
