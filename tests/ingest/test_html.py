"""HTML as a reader sees it, also where its markup has no end."""

import pytest

from ingest.mapping.html import only_closed, text_of


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<!-- a <b>hidden</b> remark -->bonjour", "bonjour"),
        ("a <3 b", "a <3 b"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("<p>a</p><p>b <b>c</p>", "a\n\nb c"),
        ("salam <!-- not closed", "salam <!-- not closed"),
        ("<![CDATA[salam]]>", ""),
        ("fin <a href=", "fin <a href="),
    ],
)
def test_text_of__shows_what_a_reader_sees(html: str, text: str) -> None:
    assert text_of(html) == text


@pytest.mark.parametrize(
    "piece", ["<!--", "<a ", "<![CDATA[>", "<a b='", "<?", "<![", "</", "&#", "<a b=\"'"]
)
def test_text_of__reads_markup_without_end(piece: str) -> None:
    """In time that grows with its length: with its square this would take hours."""
    assert isinstance(text_of(piece * 500_000), str)


def test_only_closed__leaves_closed_markup_as_it_is() -> None:
    html = '<p class="x">a<br/>b &lt;3 <a href="https://a.example/?b=1">c</a></p>'
    assert only_closed(html) == html
