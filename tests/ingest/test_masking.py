"""What masking takes out of a text, and what it leaves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.masking import mask

KEEP = frozenset({"inwi", "maroc_telecom"})


def masked(text: str, country: str | None = "MA") -> str:
    return mask(text, keep=KEEP, country=country)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@samira_92 chouf hadchi", "[user] chouf hadchi"),
        ("RT @Samira: salam", "RT [user]: salam"),
        ("merci @salma.k!", "merci [user]!"),
        ("cc @a,@b.", "cc [user],[user]."),
        ("شكرا @سميرة على الخبر", "شكرا [user] على الخبر"),
        ("@samira@mastodon.example bonjour", "[user] bonjour"),
        ("voir u/nadir_du_75 là-dessus", "voir [user] là-dessus"),
    ],
)
def test_mentions_become_user(text: str, expected: str) -> None:
    assert masked(text) == expected


@pytest.mark.parametrize("handle", ["@inwi", "@INWI", "@Maroc_Telecom"])
def test_handles_of_the_watchlist_stay(handle: str) -> None:
    assert masked(f"{handle} réponds !") == f"{handle} réponds !"


def test_a_longer_handle_that_starts_like_a_kept_one_is_masked() -> None:
    assert masked("@inwi_fan_2016 hello") == "[user] hello"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lis https://example.org/a?b=c.", "lis [url]."),
        ("(http://example.org/x)", "([url])"),
        ("www.example.org est mort", "[url] est mort"),
        ("bit.ly/2aBcD 😂", "[url] 😂"),
        ("https://t.co/abc😂", "[url]😂"),
        ("شوف https://example.org/خبر؟ لا", "شوف [url]؟ لا"),
        ("https://x.com/samira/status/1", "[url]"),
    ],
)
def test_links_become_url(text: str, expected: str) -> None:
    assert masked(text) == expected


@pytest.mark.parametrize("text", ["and/or", "telquel.ma en parle", "3.5/5", "24/7", "km/h"])
def test_what_only_resembles_a_link_stays(text: str) -> None:
    assert masked(text) == text


def test_mail_addresses_become_mail() -> None:
    assert masked("écrivez à n.amrani+voip@example.co.ma svp") == "écrivez à [mail] svp"


@pytest.mark.parametrize(
    "number",
    [
        "0600000001",
        "06 00 00 00 01",
        "06-00-00-00-01",
        "06.00.00.00.01",
        "+212 600 00 00 01",
        "+212600000001",
        "00212 600000001",
        "٠٦٠٠٠٠٠٠٠١",
        "+33 6 12 34 56 78",
    ],
)
def test_telephone_numbers_become_phone(number: str) -> None:
    assert masked(f"3ayto lia {number} daba") == "3ayto lia [phone] daba"


def test_telephone_numbers_are_found_without_a_known_country() -> None:
    assert masked("appelez le 06 00 00 00 01", country=None) == "appelez le [phone]"


@pytest.mark.parametrize(
    "text",
    [
        "137 500 likes perdus",
        "le 27/02/2016 21:14",
        "2016-02-27 21:14:05",
        "4086 signatures, 24000 participants",
        "1 740 000 fans",
        "prix: 99.00 dh",
        "2015-2016",
    ],
)
def test_dates_and_figures_stay(text: str) -> None:
    assert masked(text) == text


@given(st.text())
def test_masking_twice_is_masking_once(text: str) -> None:
    once = masked(text)
    assert masked(once) == once


@given(st.text(alphabet="@a.:/ 06+-_éع", max_size=80))
def test_no_mention_survives(text: str) -> None:
    assert "@a" not in masked(text)
