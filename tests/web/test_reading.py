"""What the box of the search page understands beside words."""

from __future__ import annotations

import pytest

from pipelines.web.asked import Asked
from pipelines.web.reading import understood


@pytest.mark.parametrize(
    ("written", "words", "day"),
    [
        ("inwi 2016-02-27", "inwi", "2016-02-27"),
        ("inwi 27/02/2016", "inwi", "2016-02-27"),
        ("inwi 27 février 2016", "inwi", "2016-02-27"),
        ("27 Feb 2016 inwi", "inwi", "2016-02-27"),
        ("February 27, 2016", "", "2016-02-27"),
        ("1er janvier 2016", "", "2016-01-01"),
        ("إنوي 27 فبراير 2016", "إنوي", "2016-02-27"),
        ("inwi 14 شتنبر 2016", "inwi", "2016-09-14"),
        ("inwi 14 أيلول 2016", "inwi", "2016-09-14"),
    ],
)
def test_understood__reads_a_day_as_people_write_it(written: str, words: str, day: str) -> None:
    asked = understood(Asked(q=written))
    assert (asked.q, asked.day) == (words, day)


@pytest.mark.parametrize(
    ("written", "languages"),
    [
        ("inwi darija", ("ary", "ary-Latn")),
        ("inwi Arabizi", ("ary-Latn",)),
        ("français", ("fr",)),
        ("إنوي الدارجة", ("ary", "ary-Latn")),
        ("french arabic", ("fr", "ar")),
    ],
)
def test_understood__reads_names_of_languages(written: str, languages: tuple[str, ...]) -> None:
    assert understood(Asked(q=written)).lang == languages


@pytest.mark.parametrize(
    "written",
    [
        "=darija",
        '"darija"',
        "lang:fr x",
        "iPhone 6 2016",
        "31/02/2016",
        "2016-13-01",
        "since:2016-02-27",
    ],
)
def test_understood__leaves_everything_else_as_it_is(written: str) -> None:
    assert understood(Asked(q=written)) == Asked(q=written)


def test_understood__leaves_filters_of_the_address_alone() -> None:
    asked = Asked(q="darija 2016-02-27", lang=("fr",), since="2016-01-01")
    assert understood(asked) == asked
