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


@pytest.mark.parametrize("country", ["MA", None])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("اتصلو ب0661234567", "اتصلو ب[phone]"),
        ("واتساب٠٦٦١٢٣٤٥٦٧", "واتساب[phone]"),
        ("whatsapp:0661234567", "whatsapp:[phone]"),
        ("tel:+212661234567.", "tel:[phone]."),
        ("0661234567-0662334455", "[phone]-[phone]"),
        ("—0661234567—", "—[phone]—"),
        ("\u202d0661234567\u202c", "\u202d[phone]\u202c"),
        ("06·61·23·45·67", "[phone]"),
        ("06•61•23•45•67", "[phone]"),
        ("06|61|23|45|67", "[phone]"),
        ("06,61,23,45,67", "[phone]"),
        ("06\u200961\u200923\u200945\u200967", "[phone]"),
        ("06\u202f61\u202f23\u202f45\u202f67", "[phone]"),
        ("06\u200e61\u200e23\u200e45\u200e67", "[phone]"),
        ("0 6 6 1 2 3 4 5 6 7", "[phone]"),
        ("+212 (0)6 61 23 45 67", "[phone]"),
        ("𝟎𝟔𝟔𝟏𝟐𝟑𝟒𝟓𝟔𝟕", "[phone]"),
        ("0\ufe0f\u20e36️⃣6️⃣1️⃣2️⃣3️⃣4️⃣5️⃣6️⃣7 svp", "[phone] svp"),
    ],
)
def test_telephone_numbers__are_found_as_people_write_them(
    text: str, expected: str, country: str | None
) -> None:
    assert masked(text, country) == expected


@pytest.mark.parametrize(
    "text",
    [
        "nadir @gmail.com",
        "nadir @ example.org",
        "nadir (at) host",
        "nadir [at] example [dot] com",
        "nadir at gmail dot com",
        "nadir arobase gmail point com",
        "nadir_at_gmail.com",
        "nadir﹫gmail.com",
        "ｎａｄｉｒ＠ｇｍａｉｌ．ｃｏｍ",
        "na\u200bdir@gm\u200bail.com",
    ],
)
def test_mail_addresses__are_found_as_people_write_them(text: str) -> None:
    assert masked(f"écris: {text} merci") == "écris: [mail] merci"


@pytest.mark.parametrize("text", ["on est live à 20h", "rdv at home", "libre @inwi .com"])
def test_a_sentence_with_at__is_no_mail_address(text: str) -> None:
    assert masked(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FR76 3000 6000 0112 3456 7890 189", "[id]"),  # the example of the French banks
        ("GB82WEST12345698765432", "[id]"),  # the example of ISO 13616
        ("MA64 0111 1100 0000 0000 0000 0012 34", "[id]"),
        ("RIB 011 780 0000123456789012 34", "RIB [id]"),
        ("carte 4111 1111 1111 1111", "carte [id]"),  # a test number of Visa
        ("carte 5555 5555 5555 4444", "carte [id]"),  # of Mastercard: doubled digits above 9
        ("FR76 ABCD EFGH 1234 5678", "[id]"),  # a slip, but grouped and with ten digits
        ("CIN BE123456", "CIN [id]"),
        ("ma CIN: BE 123456", "ma CIN: [id]"),
        ("بطاقتي رقم AB123456", "بطاقتي رقم [id]"),
        ("passeport n° AA1234567", "passeport n° [id]"),
        ("depuis 192.0.2.17", "depuis [id]"),
        ("2001:db8::8a2e:370:7334", "[id]"),
    ],
)
def test_accounts_cards_papers_and_machines__become_id(text: str, expected: str) -> None:
    assert masked(f"hada {text} safi") == f"hada {expected} safi"


#: Of SWIFT's IBAN Registry: country, length.
IBANS = (
    "AE 23, BE 16, CH 21, CI 28, DE 22, DZ 26, EG 29, ES 24, FR 27, GB 22, IT 27, LY 25, MA 28, "
    "MR 27, NL 18, PT 25, SA 24, SN 28, TN 24, TR 26"
)


def checked(country: str, account: str) -> str:
    """Return an IBAN with the check digits of ISO 7064."""
    number = "".join(str(int(char, 36)) for char in f"{account}{country}00")
    return f"{country}{98 - int(number) % 97:02}{account}"


@pytest.mark.parametrize("one", IBANS.split(", "))
def test_an_iban__ends_where_its_country_says_whatever_digits_follow(one: str) -> None:
    country, length = one.split()
    iban = checked(country, "7" * (int(length) - 4))
    # of a hundred pairs of digits one makes the longer number right as well
    for pair in range(100):
        assert masked(f"{iban} {pair:02}") == f"[id] {pair:02}"


@pytest.mark.parametrize("country", ["MA", None])
@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1112 points",
        "0,0000000012",
        "du 01/01/2016-05/01/2016",
        "std::vector, a::b, 12:30:45",
        "version 1.2.3",
        "1456603200000",
        "15h30-16h45",
        "CIN perdue",
    ],
)
def test_other_numbers__stay(text: str, country: str | None) -> None:
    assert masked(text, country) == text


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
