"""Each platform's counters, read over a socket; what a refusal is, and how politely one asks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from ingest.errors import SourceBlocked, SourceChanged, SourceError, SourceGone
from ingest.sources.counters.fetch import LARGEST, SPACING, Fetcher, Refusal
from ingest.sources.counters.registry import READERS, Figure, find
from tests.ingest import counter_fixtures as shape
from tests.platform_server import Answer, Platform, in_json, page, platform

PAGES = {
    "mastodon": ("operator@social.example", shape.MASTODON_PATH),
    "bluesky": ("operator.example", shape.BLUESKY_PATH),
    "youtube": ("@operator", shape.YOUTUBE_PATH),
    "facebook": ("operator.page", "/operator.page"),
    "telegram": ("operator", "/operator"),
}
GOOD = {
    "mastodon": shape.mastodon(),
    "bluesky": shape.bluesky(),
    "youtube": shape.youtube(),
    "facebook": shape.facebook(fan_count=10, followers_count=11),
    "telegram": shape.telegram(),
}


@pytest.fixture
def server() -> Iterator[Platform]:
    with platform() as told:
        yield told


class Asking:
    """A fetcher that notes its pauses instead of making them."""

    def __init__(self, server: Platform) -> None:
        self.server = server
        self.pauses: list[float] = []
        self.fetcher = Fetcher(clock=lambda: 1_000.0, sleep=self.pauses.append)

    def __call__(self, name: str, *answers: Answer) -> list[Figure] | Refusal:
        account, path = PAGES[name]
        if answers:
            self.server.on(path, *answers)
        reader, found = find(f"{name}:{account}")
        return self.fetcher.read(reader, found, "a-secret-key", self.server.url)

    def figures(self, name: str, *answers: Answer) -> list[Figure]:
        found = self(name, *answers)
        assert isinstance(found, list), found
        return found

    def refusal(self, name: str, *answers: Answer) -> Refusal:
        found = self(name, *answers)
        assert isinstance(found, Refusal), found
        return found


@pytest.fixture
def ask(server: Platform) -> Iterator[Asking]:
    asking = Asking(server)
    yield asking
    asking.fetcher.close()


# What is read


def test_mastodon_counts_followers_one_by_one(ask: Asking) -> None:
    assert ask.figures("mastodon", shape.mastodon(12_345)) == [Figure("followers", 12_345)]
    assert ask.server.asked[0].query == {"acct": "operator"}


def test_bluesky_counts_followers_one_by_one(ask: Asking) -> None:
    assert ask.figures("bluesky", shape.bluesky(4_321)) == [Figure("followers", 4_321)]
    assert ask.server.asked[0].query == {"actor": "operator.example"}


@pytest.mark.parametrize(
    ("said", "value", "step"),
    [("0", 0, 1), ("987", 987, 1), ("4220", 4_220, 10), ("1230000", 1_230_000, 10_000),
     ("51300000", 51_300_000, 100_000)],
)  # fmt: skip
def test_youtube_cuts_subscribers_to_three_digits(
    ask: Asking, said: str, value: int, step: int
) -> None:
    assert ask.figures("youtube", shape.youtube(said)) == [Figure("subscribers", value, step)]
    asked = ask.server.asked[0]
    assert asked.query == {"part": "statistics", "forHandle": "@operator"}
    assert asked.headers["X-Goog-Api-Key"] == "a-secret-key"


@pytest.mark.parametrize("figure", ["9" * 5_000, "9" * 16, "-1", "many"])
def test_a_figure_that_can_not_be_is_none(ask: Asking, figure: str) -> None:
    assert isinstance(ask.refusal("youtube", shape.youtube(figure)).error, SourceChanged)


def test_a_reader_that_fails_at_an_answer_ends_no_watch(
    ask: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(answer: Answer) -> list[Figure]:
        raise KeyError("mine")

    reader, _ = find("mastodon:operator@social.example")
    monkeypatch.setattr(reader, "parse", fails)
    found = ask.refusal("mastodon", shape.mastodon())
    assert isinstance(found.error, SourceChanged)
    assert "KeyError" in str(found.error)
    assert found.body == shape.mastodon().body


def test_facebook_has_likes_and_followers(ask: Asking) -> None:
    found = ask.figures("facebook", shape.facebook(fan_count=10, followers_count=11))
    assert found == [Figure("likes", 10), Figure("followers", 11)]
    assert ask.server.asked[0].query == {
        "fields": "fan_count,followers_count",
        "access_token": "a-secret-key",
    }


def test_facebook_may_show_one_of_them_alone(ask: Asking) -> None:
    assert ask.figures("facebook", shape.facebook(followers_count=0)) == [Figure("followers", 0)]


@pytest.mark.parametrize(
    ("answer", "figure"),
    [
        (shape.telegram("12 345 subscribers"), Figure("subscribers", 12_345)),
        (shape.telegram("1\u00a0234\u00a0567 subscribers"), Figure("subscribers", 1_234_567)),
        (shape.telegram("1 subscriber"), Figure("subscribers", 1)),
        (shape.telegram("1.23M subscribers"), Figure("subscribers", 1_230_000, 10_000)),
        (shape.telegram("1 204 members, 37 online"), Figure("members", 1_204)),
        (shape.telegram_preview("45.6K"), Figure("subscribers", 45_600, 100)),
        (shape.telegram_preview("9", "members"), Figure("members", 9)),
    ],
)
def test_telegram_is_as_precise_as_its_page(ask: Asking, answer: Answer, figure: Figure) -> None:
    assert ask.figures("telegram", answer) == [figure]


# What is refused


@pytest.mark.parametrize(
    ("name", "answer", "error"),
    [
        ("mastodon", in_json({"error": "Record not found"}, 404), SourceGone),
        ("mastodon", shape.mastodon(suspended=True), SourceGone),
        ("mastodon", in_json({"error": "This method requires login"}, 401), SourceBlocked),
        ("mastodon", shape.mastodon("many"), SourceChanged),
        ("mastodon", shape.mastodon(None), SourceChanged),
        ("mastodon", shape.mastodon(-1), SourceChanged),
        ("mastodon", shape.mastodon(True), SourceChanged),
        ("bluesky", shape.bluesky_error("InvalidRequest", "Profile not found"), SourceGone),
        ("bluesky", shape.bluesky_error("AccountTakedown", "Suspended"), SourceGone),
        ("bluesky", shape.bluesky_error("InvalidRequest", "actor is missing"), SourceChanged),
        ("youtube", shape.youtube_empty(), SourceGone),
        ("youtube", shape.youtube(hidden=True), SourceBlocked),
        ("youtube", shape.youtube_error(403, "quotaExceeded"), SourceBlocked),
        ("youtube", shape.youtube_error(400, "keyInvalid"), SourceBlocked),
        ("youtube", in_json({"items": [{"kind": "youtube#channel"}]}), SourceChanged),
        ("facebook", shape.facebook(), SourceBlocked),
        ("facebook", shape.facebook_error(190), SourceBlocked),
        ("facebook", shape.facebook_error(4), SourceBlocked),
        ("facebook", shape.facebook_error(803, status=404), SourceGone),
        ("facebook", shape.facebook_error(100, 33), SourceGone),
        ("telegram", shape.telegram_unknown(), SourceGone),
        ("telegram", page("<html><body><h1>New!</h1></body></html>"), SourceChanged),
        ("telegram", shape.telegram("1.2.3.4 subscribers"), SourceChanged),
    ],
)  # fmt: skip
def test_a_platform_that_says_no_is_understood(
    ask: Asking, name: str, answer: Answer, error: type[SourceError]
) -> None:
    refusal = ask.refusal(name, answer)
    assert type(refusal.error) is error
    assert refusal.body == answer.body


WALL = page('<form><input name="email"><input type="password"></form>')
CAPTCHA = page('<div class="g-recaptcha"></div>')


@pytest.mark.parametrize("name", sorted(PAGES))
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (WALL, SourceBlocked),
        (CAPTCHA, SourceBlocked),
        (page("<html>Hello</html>"), SourceChanged),
        (page("<html><![x[ Hello></html>"), SourceChanged),
        (Answer(b""), SourceChanged),
        (page("Too many", 429), SourceBlocked),
        (page("Forbidden", 403), SourceBlocked),
        (page("Not for your country", 451), SourceBlocked),
        (page("Gone", 410), SourceGone),
        (page("Oops", 500), SourceError),
        (page("Oops", 503), SourceError),
        (Answer(b"x" * (LARGEST + 1)), SourceChanged),
        (Answer(b'{"followers_count": 12', cut=True), SourceError),
        (Answer(status=302, headers={"Location": "{url}/login?next=x"}), SourceBlocked),
        (Answer(status=302, headers={"Location": "{url}/operator"}), SourceChanged),
        (Answer(status=302, headers={"Location": "http://127.0.0.1:1/"}), SourceError),
    ],
    ids=["login", "captcha", "html", "odd", "empty", "429", "403", "451", "410", "500", "503",
         "huge", "cut", "to-login", "loop", "to-nowhere"],
)  # fmt: skip
def test_whatever_comes_instead_of_an_answer_is_an_error_of_the_source(
    ask: Asking, name: str, answer: Answer, error: type[SourceError]
) -> None:
    ask.server.on("/operator", answer)
    assert isinstance(ask.refusal(name, answer).error, error)


def test_a_server_that_is_not_there_is_an_error_of_the_source(ask: Asking) -> None:
    reader, account = find("mastodon:operator@social.example")
    found = ask.fetcher.read(reader, account, "", "http://127.0.0.1:1")
    assert isinstance(found, Refusal)
    assert str(found.error) == "127.0.0.1:1 can't be reached: nothing listens there"


@pytest.mark.parametrize("name", sorted(PAGES))
@pytest.mark.parametrize(
    "answer",
    [page("no", 500), WALL, Answer(cut=True), Answer(status=307, headers={"Location": "/"})],
)
def test_no_message_holds_a_key(ask: Asking, name: str, answer: Answer) -> None:
    assert "a-secret-key" not in str(ask.refusal(name, answer).error)


@pytest.mark.parametrize("name", ["facebook", "youtube"])
def test_a_key_is_not_sent_on_to_where_a_platform_redirects(ask: Asking, name: str) -> None:
    ask.refusal(name, Answer(status=302, headers={"Location": "{url}/elsewhere"}))
    assert [asked.path for asked in ask.server.asked] == [PAGES[name][1]]


# How it is asked


@pytest.mark.parametrize("name", sorted(PAGES))
def test_every_request_names_the_project(ask: Asking, name: str) -> None:
    ask.figures(name, GOOD[name])
    assert all(asked.headers["User-Agent"].startswith("Marsad/") for asked in ask.server.asked)


def test_requests_to_one_host_are_a_second_apart(ask: Asking) -> None:
    ask.figures("mastodon", shape.mastodon())
    ask.figures("mastodon")
    assert ask.pauses == [0, SPACING]


def test_an_answer_may_say_how_long_to_wait(ask: Asking) -> None:
    assert ask.refusal("mastodon", in_json({}, 429, **{"Retry-After": "120"})).wait == 120
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=300), usegmt=True)
    assert 200 < ask.refusal("mastodon", in_json({}, 503, **{"Retry-After": soon})).wait <= 300
    assert ask.refusal("mastodon", in_json({}, 503, **{"Retry-After": "soon"})).wait == 0


def test_robots_txt_is_asked_first_where_pages_are_read_and_only_once(ask: Asking) -> None:
    ask.server.on("/robots.txt", Answer(b"User-agent: *\nDisallow: /private\n"))
    ask.figures("telegram", shape.telegram())
    ask.figures("telegram")
    assert [asked.path for asked in ask.server.asked] == ["/robots.txt", "/operator", "/operator"]


@pytest.mark.parametrize(
    "rules", [b"User-agent: *\nDisallow: /\n", b"User-agent: marsad\nDisallow: /operator\n"]
)
def test_a_page_that_robots_txt_forbids_is_not_asked_for(ask: Asking, rules: bytes) -> None:
    ask.server.on("/robots.txt", Answer(rules))
    assert isinstance(ask.refusal("telegram", shape.telegram()).error, SourceBlocked)
    assert [asked.path for asked in ask.server.asked] == ["/robots.txt"]


def test_without_robots_txt_everything_is_allowed_and_without_an_answer_nothing(
    ask: Asking,
) -> None:
    assert ask.figures("telegram", shape.telegram())
    with platform() as failing:
        failing.on("/robots.txt", Answer(b"", 503))
        failing.on("/operator", shape.telegram())
        reader, account = find("telegram:operator")
        refusal = ask.fetcher.read(reader, account, "", failing.url)
        assert isinstance(refusal, Refusal)
        assert isinstance(refusal.error, SourceBlocked)


def test_the_pause_that_robots_txt_asks_for_is_made(ask: Asking) -> None:
    ask.server.on("/robots.txt", Answer(b"User-agent: *\nCrawl-delay: 7\n"))
    ask.figures("telegram", shape.telegram())
    ask.figures("telegram")
    assert ask.pauses[-1] == 7


# How pages are named


@pytest.mark.parametrize(
    ("page", "platform_name", "account"),
    [
        ("mastodon:operator@social.example", "mastodon", "operator@social.example"),
        ("https://social.example/@operator", "mastodon", "operator@social.example"),
        ("https://social.example/users/operator", "mastodon", "operator@social.example"),
        ("bluesky:operator.example", "bluesky", "operator.example"),
        ("https://bsky.app/profile/did:plc:abc", "bluesky", "did:plc:abc"),
        ("youtube:@operator", "youtube", "@operator"),
        ("https://www.youtube.com/@operator", "youtube", "@operator"),
        (
            "https://www.youtube.com/channel/UCabcdefghijklmnopqrstuv/about",
            "youtube",
            "UCabcdefghijklmnopqrstuv",
        ),
        ("https://t.me/operator", "telegram", "operator"),
        ("https://t.me/s/operator", "telegram", "operator"),
        ("https://www.facebook.com/operator.page/", "facebook", "operator.page"),
        ("https://facebook.com/profile.php?id=100064", "facebook", "100064"),
    ],
)
def test_a_page_is_recognised_by_its_address(page: str, platform_name: str, account: str) -> None:
    reader, found = find(page)
    assert (reader.platform, found) == (platform_name, account)


@pytest.mark.parametrize(
    "page",
    ["", "operator", "myspace:operator", "https://example.org/operator", "telegram:a b",
     "https://t.me/+invitation", "mastodon:operator", "https://www.youtube.com/watch?v=x"],
)  # fmt: skip
def test_anything_else_is_told_with_what_can_be_named(page: str) -> None:
    with pytest.raises(SourceError, match="telegram:channel"):
        find(page)


def test_every_reader_has_a_fixture_and_says_what_it_needs() -> None:
    assert {reader.platform for reader in READERS} == set(PAGES) == set(GOOD)
    assert {r.platform for r in READERS if r.needs} == {"youtube", "facebook"}
