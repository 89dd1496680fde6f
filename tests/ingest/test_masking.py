"""What masking takes out of a text, and what it leaves."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ingest.privacy.masking import mask

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
        ("@\u2068Samira Alami\u2069 salam", "[user] salam"),
        ("@\u200fsamira_92\u200f salam", "[user]\u200f salam"),
        ("\u2068@samira\u2069 salam", "\u2068[user]\u2069 salam"),
        ("@\u2068samira salam", "[user] salam"),
        ("سلام @سمِيرَة_علوي", "سلام [user]"),
        ("@me\u0301riem_a salam", "[user] salam"),
        ("@राधिका_92 salam", "[user] salam"),
        ("samira.k@mail salam", "[user] salam"),
        ("c'est 2-2@samira", "c'est 2-2[user]"),
        ("voir u/nadir_du_75 là-dessus", "voir [user] là-dessus"),
    ],
)
def test_mentions_become_user(text: str, expected: str) -> None:
    assert masked(text) == expected


@pytest.mark.parametrize("handle", ["@inwi", "@INWI", "@Maroc_Telecom", "@\u2068inwi\u2069"])
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


def test_a_mail_address_with_a_comma_for_its_point_becomes_mail() -> None:
    assert masked("écris à nadir.b@example,com vite") == "écris à [mail] vite"


def test_a_comma_before_a_word_is_no_part_of_an_address() -> None:
    assert masked("salam@inwi,bonjour") == "salam@inwi,bonjour"


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
    "number",
    [
        "٠٦٠٠٠٠٠٠٠١",
        "٠٦ ٠٠ ٠٠ ٠٠ ٠١",
        "00212 600 00 00 01",
        "00 212 6 00 00 00 01",
        "+212 600 000 001",
        "06/61/00/00/01",
        "06_61_00_00_01",
        "06:61:00:00:01",
        "0600 000 001",
    ],
)
@pytest.mark.parametrize("country", ["MA", None])
def test_no_digit_of_a_telephone_number_is_left(number: str, country: str | None) -> None:
    assert masked(f"appelle {number} svp", country) == "appelle [phone] svp"


@pytest.mark.parametrize("country", ["MA", None])
@pytest.mark.parametrize(
    "text",
    [
        "10 000 000 000 dirhams",
        "1 000 000 000 utilisateurs",
        "700 000 000 dh",
        "600.000.000 dh",
        "612\u00a0345\u00a0678 vues",
        "le 05 01 2016 21 14",
        "le 05/01/2016 06:12:23",
        "2016-01-05 06:12:23",
        "de 06:12 à 07:45",
        "2016 01 05 21 14",
    ],
)
def test_figures_and_dates_stay_with_and_without_a_country(text: str, country: str | None) -> None:
    assert masked(text, country) == text


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


@pytest.mark.parametrize("text", [f"{'a' * 64}.ma/x", "-" * 100_000 + "/", "a.a-" * 25_000 + "/"])
def test_what_is_longer_than_any_name_of_a_server_is_no_link(text: str) -> None:
    """Or each of its hyphens would be tried as the begin of one, to the end of the line."""
    assert masked(text) == text


@given(st.text())
def test_masking_twice_is_masking_once(text: str) -> None:
    once = masked(text)
    assert masked(once) == once


@example("@0.@-.0", None)
@given(st.text(alphabet="0012678٠٦ +-./:_,@ua", max_size=60), st.sampled_from(["MA", None]))
def test_masking_numbers_twice_is_masking_them_once(text: str, country: str | None) -> None:
    once = masked(text, country)
    assert masked(once, country) == once


@given(st.text(alphabet="@＠a. -_\u0301\u0651\u200f\u2066\u2068\u2069", max_size=40))
def test_masking_mentions_twice_is_masking_them_once(text: str) -> None:
    once = masked(text)
    assert masked(once) == once


@given(st.text(alphabet="@a.:/ 06+-_éع\u064e\u2068\u2069", max_size=80))
def test_no_mention_survives(text: str) -> None:
    assert "@a" not in masked(text)
