"""Texts that attack their readers. All are written for these tests."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from pipelines.web.hostile import IN_LIST, MARKS, segments, visible
from tests.web.conftest import Site, a_post


def test_page__shows_mark_up_in_a_post_as_text(serve: Callable[..., Site]) -> None:
    text = "<script>alert(1)</script><img src=x onerror=alert(2)> inwi\"'>"
    page = serve([a_post(1, text)]).page("/search?q=inwi")
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_page__shows_mark_up_in_a_query_as_text(site: Site) -> None:
    page = site.page("/search?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E%22")
    assert "<script>alert" not in page


def test_page__keeps_a_post_of_a_megabyte_short_in_lists(serve: Callable[..., Site]) -> None:
    page = serve([a_post(1, "inwi " * 200_000)]).page("/search?q=inwi")
    assert len(page) < 100_000
    assert "the whole text" in page


def test_visible__takes_out_directional_overrides() -> None:
    assert visible("a\u202eb\u2066c\u202c") == "abc"


def test_visible__keeps_marks_that_orthographies_use() -> None:
    vocalised = "\u0645\u064f\u062d\u064e\u0645\u0651\u064e\u062f\u064c"
    assert visible(vocalised) == vocalised


def test_visible__cuts_a_flood_of_combining_marks() -> None:
    assert visible("e" + "\u0301" * 500 + "x") == "e" + "\u0301" * MARKS + "x"


@given(st.text(), st.integers(1, 50))
def test_segments__together_are_the_visible_text(text: str, longest: int) -> None:
    spans = [(0, min(2, len(text)))] if text else []
    made, cut = segments(text, spans, [], longest)
    assert cut == (len(text) > longest)
    assert all(one.text for one in made)
    assert len("".join(one.text for one in made)) <= longest
    assert len(text) <= longest or longest < IN_LIST
