"""robots.txt: the cases of RFC 9309, section 2.2 and 5, and what servers send in practice."""

import pytest

from ingest.http.robots import MAX_BYTES, RobotsRules


def allows(rules: str, path: str) -> bool:
    return RobotsRules(rules.encode()).allows(f"https://platform.example{path}")


@pytest.mark.parametrize(
    ("rules", "path", "allowed"),
    [
        # 2.2.2: the most octets win, wherever the rule stands
        ("Allow: /\nDisallow: /private/", "/private/post", False),
        ("Disallow: /\nAllow: /public", "/public/post", True),
        ("Allow: /example/page/\nDisallow: /example/page/disallowed.gif",
         "/example/page/disallowed.gif", False),
        ("Disallow: /example/page/disallowed.gif\nAllow: /example/page/",
         "/example/page/disallowed.gif", False),
        # 2.2.2: of two equal rules the one that allows
        ("Disallow: /page\nAllow: /page", "/page", True),
        # 2.2.2: no match, or no rules, allow
        ("Disallow: /other", "/page", True),
        ("Disallow:", "/page", True),
        # 2.2.2: paths tell capitals apart
        ("Disallow: /Page", "/page", True),
        # 2.2.2: escaped and plain octets are the same
        ("Disallow: /foo/bar?baz=http://foo.bar", "/foo/bar?baz=http://foo.bar", False),
        ("Disallow: /foo/bar/ツ", "/foo/bar/%E3%83%84", False),
        ("Disallow: /foo/bar/%E3%83%84", "/foo/bar/%E3%83%84", False),
        ("Disallow: /foo/bar/%62%61%7A", "/foo/bar/baz", False),
        # 2.2.3: special characters
        ("Disallow: /*/secret", "/channel/secret", False),
        ("Disallow: /*/secret", "/a/b/secret/c", False),
        ("Disallow: /*/secret", "/secret", True),
        ("Disallow: /*.php$", "/page.php", False),
        ("Disallow: /*.php$", "/page.php?id=1", True),
        ("Disallow: /page#a comment", "/page", False),
        # 5.1 and 5.2 of the RFC's own examples
        ("Disallow: *.gif$\nDisallow: /example/\nAllow: /publications/", "/example/", False),
        ("Disallow: *.gif$\nDisallow: /example/\nAllow: /publications/", "/a/photo.gif", False),
        ("Disallow: *.gif$\nDisallow: /example/\nAllow: /publications/", "/publications/x", True),
    ],
)  # fmt: skip
def test_robots_rules__the_longest_match_decides(rules: str, path: str, allowed: bool) -> None:
    assert allows(f"User-agent: *\n{rules}\n", path) is allowed


def test_robots_rules__a_group_of_its_own_replaces_the_general_one() -> None:
    rules = "User-agent: *\nDisallow: /\n\nUser-agent: MARSAD\nDisallow: /private\n"
    assert allows(rules, "/page")
    assert not allows(rules, "/private")


def test_robots_rules__groups_of_the_same_name_are_one() -> None:
    rules = (
        "User-agent: marsad\nDisallow: /a\n\n"
        "User-agent: other\nDisallow: /\n\n"
        "User-agent: marsad\nDisallow: /b\n"
    )
    assert [allows(rules, path) for path in ("/a", "/b", "/c")] == [False, False, True]


def test_robots_rules__several_names_share_one_group() -> None:
    rules = "User-agent: other\nUser-agent: marsad\nDisallow: /private\n"
    assert not allows(rules, "/private")


def test_robots_rules__the_sitemap_ends_no_group() -> None:
    rules = "User-agent: marsad\nSitemap: https://platform.example/map.xml\nDisallow: /private\n"
    assert not allows(rules, "/private")


def test_robots_rules__a_byte_order_mark_hides_nothing() -> None:
    assert not allows("\ufeffUser-agent: *\nDisallow: /\n", "/page")


def test_robots_rules__no_more_than_the_limit_is_read() -> None:
    padding = "# padding\n" * (MAX_BYTES // 10 + 1)
    assert allows(padding + "User-agent: *\nDisallow: /\n", "/page")


def test_robots_rules__the_delay_is_the_one_for_marsad() -> None:
    rules = b"User-agent: *\nCrawl-delay: 2\n\nUser-agent: marsad\nCrawl-delay: 7.5\n"
    assert RobotsRules(rules).crawl_delay == 7.5
    assert RobotsRules(b"").crawl_delay == 0
