"""An access token goes to its own instance alone, over TLS."""

import pytest

from ingest.sources.mastodon.token import may_follow, token_for

TWO = "a.example=first, b.example:8443=second"


@pytest.mark.parametrize(
    ("url", "given", "token"),
    [
        ("https://a.example", TWO, "first"),
        ("https://A.example", TWO, "first"),
        ("https://b.example:8443", TWO, "second"),
        ("https://b.example", TWO, ""),
        ("https://c.example", TWO, ""),
        ("http://a.example", TWO, ""),
        ("https://a.example.evil.example", TWO, ""),
        ("https://a.example@evil.example", TWO, ""),
        ("https://mastodon.social", "bare", "bare"),
        ("http://mastodon.social", "bare", ""),
        ("https://a.example", "bare", ""),
        ("http://127.0.0.1:8080", "bare", "bare"),
        ("http://[::1]:8080", "bare", "bare"),
        ("https://a.example", "", ""),
    ],
)
def test_token_for__is_the_token_of_that_host(url: str, given: str, token: str) -> None:
    assert token_for(url, given) == token


@pytest.mark.parametrize(
    ("other", "allowed"),
    [
        ("https://a.example", True),
        ("https://streaming.a.example", True),
        ("http://streaming.a.example", False),
        ("https://b.example", False),
        ("https://nota.example", False),
        ("https://a.example.evil.example", False),
    ],
)
def test_may_follow__keeps_a_token_within_its_domain(other: str, allowed: bool) -> None:
    assert may_follow("https://a.example", other) is allowed
