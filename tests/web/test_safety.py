"""Who reaches the page, and what other sites can do to it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.commands.serve import _listen
from pipelines.errors import AccountError
from pipelines.web.security.accounts import Accounts, User
from pipelines.web.security.forms import FormTokens
from pipelines.web.security.headers import PLOT_STYLE
from pipelines.web.security.ratelimit import RateLimits
from pipelines.web.security.roles import Role
from tests.conftest import ROOT, Marsad
from tests.web.conftest import Site

VENDOR = ROOT / "pipelines/web/static/vendor"
GOOD = "a sentence of many words"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "169.254.169.254"])
def test_page__refuses_other_names_than_its_own(site: Site, host: str) -> None:
    assert site.get("/search", headers={"Host": host}).status_code == 400


@pytest.mark.parametrize("host", ["localhost:8016", "127.0.0.1", "[::1]:8016"])
def test_page__answers_to_the_names_of_this_machine(site: Site, host: str) -> None:
    assert site.get("/search", headers={"Host": host}).status_code == 200


def test_page__without_accounts_refuses_what_comes_through_a_proxy(site: Site) -> None:
    assert site.get("/search", headers={"X-Forwarded-For": "203.0.113.7"}).status_code == 403


@pytest.mark.parametrize("header", ["Via", "X-Real-IP", "X-Forwarded-Host", "Forwarded"])
def test_page__knows_proxies_by_any_of_their_headers(site: Site, header: str) -> None:
    assert site.get("/search", headers={header: "203.0.113.7"}).status_code == 403


def fetched(site: str, mode: str, target: str) -> dict[str, str]:
    """The headers by which a browser says who makes it ask."""
    return {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": target}


@pytest.mark.parametrize("other", ["cross-site", "same-site"])
def test_page__is_loaded_by_no_other_site_but_opened_by_a_link(site: Site, other: str) -> None:
    for mode, target in (("no-cors", "image"), ("navigate", "iframe"), ("cors", "empty")):
        headers = fetched(other, mode, target)
        assert site.get("/download/trends.csv", headers=headers).status_code == 403
    assert site.get("/search", headers=fetched(other, "navigate", "document")).status_code == 200
    own = fetched("same-origin", "no-cors", "script")
    assert site.get("/static/marsad.js", headers=own).status_code == 200


def test_page__lets_browsers_keep_scripts_and_styles_alone(site: Site) -> None:
    style = site.get("/static/marsad.css")
    assert style.headers["cache-control"] == "no-cache"
    again = site.get("/static/marsad.css", headers={"If-None-Match": style.headers["etag"]})
    assert again.status_code == 304
    assert site.get("/search").headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/search", "/nothing", "/search?q=(", "/static/marsad.css"])
def test_page__sends_security_headers_with_every_answer(site: Site, path: str) -> None:
    headers = site.get(path).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"


def test_page__holds_no_inline_script_and_loads_nothing_from_others(site: Site) -> None:
    page = site.page("/search?q=inwi")
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
    assert not re.search(r"\sstyle=|\son[a-z]+=", page)
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page)


def test_policy__allows_the_style_that_the_chart_library_adds() -> None:
    source = (VENDOR / "plot.umd.min.js").read_text(encoding="utf-8")
    style = re.search(r"text\(`(:where\(\.\$\{c\}\) \{\\n  --plot-background.*?)`\)", source)
    assert style, "the library adds another style than the policy allows"
    text = style[1].replace("${c}", "plot-marsad").replace("\\n", "\n")
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    assert f"'sha256-{digest}'" == PLOT_STYLE


@pytest.mark.parametrize("folder", [VENDOR, ROOT / "tests/web/vendor"])
def test_vendored_files__all_belong_to_a_pinned_package_with_its_licence(folder: Path) -> None:
    packages = json.loads((folder / "npm.json").read_text(encoding="utf-8"))
    files = {file for package in packages for file in package["files"].values()}
    assert files == {path.name for path in folder.iterdir()} - {"npm.json"}
    for package in packages:
        assert package["integrity"].startswith("sha512-")
        assert any(name.startswith("LICENSE") for name in package["files"])


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::"])
def test_serve__refuses_other_addresses_without_accounts(marsad: Marsad, host: str) -> None:
    done = marsad("serve", "--host", host, "--port", "0", code=1)
    assert "without accounts" in done.stderr
    assert "marsad users add" in done.stderr


def test_serve__makes_the_first_administrator_from_a_secret(
    tmp_path: Path, marsad: Marsad, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret"
    secret.write_text(f"{GOOD}\n", encoding="utf-8")
    monkeypatch.setenv("MARSAD_WEB_ADMIN_PASSWORD_FILE", str(secret))
    # a port that can't be listened on ends the command after the account was made
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        first = marsad("serve", "--port", port, code=1).stderr
        again = marsad("serve", "--port", port, code=1).stderr
    assert "Added: admin (administrator)" in first
    assert "Added" not in again
    monkeypatch.delenv("MARSAD_WEB_ADMIN_PASSWORD_FILE")
    assert marsad("users", "list").stdout == "admin\tadministrator\n"


def test_serve__sends_answers_without_waiting_for_acknowledgements() -> None:
    with _listen("127.0.0.1", 0) as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_users__are_added_listed_changed_and_removed(marsad: Marsad) -> None:
    marsad("users", "add", "sara", "--role", "coder", "--password-stdin", stdin=f"{GOOD}\n")
    assert marsad("users", "list").stdout == "sara\tcoder\n"
    marsad("users", "role", "sara", "reader")
    token = marsad("users", "token", "sara", "notebook").stdout.strip()
    assert token.startswith("marsad_")
    assert marsad("users", "list").stdout == "sara\treader\tnotebook\n"
    marsad("users", "token", "sara", "notebook", "--revoke")
    marsad("users", "remove", "sara")
    marsad("users", "list", code=3)


def test_accounts__refuse_short_passwords_and_odd_names(tmp_path: Path) -> None:
    accounts = Accounts(tmp_path / "web.db")
    with pytest.raises(AccountError, match="15 or more"):
        accounts.add("sara", "reader", "short")
    with pytest.raises(AccountError, match="no name of an account"):
        accounts.add("sara\n", "reader", GOOD)
    accounts.add("sara", "reader", GOOD)
    with pytest.raises(AccountError, match="already"):
        accounts.add("sara", "reader", GOOD)
    accounts.close()


def test_accounts__keep_no_secret_in_clear(tmp_path: Path) -> None:
    accounts = Accounts(tmp_path / "web.db")
    accounts.add("sara", "reader", GOOD)
    session, token = accounts.begin("sara"), accounts.new_token("sara", "notebook")
    assert accounts.verify("sara", GOOD)
    assert not accounts.verify("sara", GOOD + "!")
    assert not accounts.verify("nobody", GOOD)
    assert accounts.session(session) == User("sara", "reader")
    assert accounts.session(session + "x") is None
    assert accounts.bearer(token)
    accounts.close()
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("web.db*"))
    for secret in (GOOD, session, token):
        assert secret.encode() not in stored
    assert b"$argon2id$" in stored
    assert (tmp_path / "web.db").stat().st_mode & 0o077 == 0


def test_accounts__end_sessions_when_the_password_changes(tmp_path: Path) -> None:
    accounts = Accounts(tmp_path / "web.db")
    accounts.add("sara", "reader", GOOD)
    session = accounts.begin("sara")
    accounts.change_password("sara", GOOD + " and more")
    assert accounts.session(session) is None
    accounts.close()


def test_accounts__end_sessions_that_were_idle_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines.web.security import accounts as module

    accounts = Accounts(tmp_path / "web.db")
    accounts.add("sara", "reader", GOOD)
    session = accounts.begin("sara")
    later = module._now() + module.IDLE + 1
    monkeypatch.setattr(module, "_now", lambda: later)
    assert accounts.session(session) is None
    accounts.close()


def test_accounts__refuse_a_file_that_others_may_read(tmp_path: Path) -> None:
    path = tmp_path / "web.db"
    path.touch(0o644)
    path.chmod(0o644)
    with pytest.raises(AccountError, match="chmod 600"):
        Accounts(path)


def test_form_tokens__are_good_for_one_visitor_and_one_secret() -> None:
    tokens = FormTokens("secret")
    token = tokens.make("visitor")
    assert tokens.good(token, "visitor")
    assert not tokens.good(token, "another")
    assert not tokens.good("", "visitor")
    assert not FormTokens("other").good(token, "visitor")


def test_rate_limits__count_each_visitor_apart() -> None:
    limits = RateLimits()
    assert all(limits.take("login", "a") for _ in range(10))
    assert not limits.take("login", "a")
    assert limits.take("login", "b")


def test_page__with_accounts_asks_for_a_login(serve: Callable[..., Site]) -> None:
    answer = serve(login=True).get("/search?q=inwi")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/login?next=/search%3Fq%3Dinwi"


def log_in(site: Site, name: str, role: Role) -> None:
    """Add an account, and log in with it."""
    accounts = Accounts(site.options.accounts)
    accounts.add(name, role, GOOD)
    accounts.close()
    token = site.token("/login")
    answer = site.post("/login", name=name, password=GOOD, token=token, next="/search?q=inwi")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/search?q=inwi"


def test_login__with_a_wrong_password_is_refused_and_recorded(serve: Callable[..., Site]) -> None:
    site = serve(login=True)
    answer = site.post("/login", name="sara", password="wrong", token=site.token("/login"))
    assert answer.status_code == 403
    assert "Name or password is wrong" in answer.text
    assert site.get("/search").status_code == 303


def test_login__without_the_token_of_its_form_is_refused(serve: Callable[..., Site]) -> None:
    site = serve(login=True)
    site.page("/login")
    assert site.post("/login", name="sara", password=GOOD, token="forged").status_code == 403


def test_login__is_limited_in_number(serve: Callable[..., Site]) -> None:
    site = serve(login=True)
    token = site.token("/login")
    codes = [
        site.post("/login", name="x", password="y", token=token).status_code for _ in range(11)
    ]
    assert codes[-1] == 429
    assert 429 not in codes[:10]


@pytest.mark.parametrize("address", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_login__leads_nowhere_else(serve: Callable[..., Site], address: str) -> None:
    page = serve(login=True).page(f"/login?next={address}")
    assert 'name="next" value="/"' in page


def test_session__ends_with_logging_out(serve: Callable[..., Site]) -> None:
    site = serve(login=True)
    log_in(site, "sara", "reader")
    assert site.get("/search").status_code == 200
    site.post("/logout", token=site.token("/search"))
    assert site.get("/search").status_code == 303


def test_session__cookie_is_out_of_reach_of_scripts_and_other_sites(
    serve: Callable[..., Site],
) -> None:
    site = serve(login=True, https=True)
    accounts = Accounts(site.options.accounts)
    accounts.add("sara", "reader", GOOD)
    accounts.close()
    token = site.token("/login")
    visit = site.get("/login").headers  # the cookie goes by HTTPS alone, so it is sent by hand
    cookie = {"Cookie": "marsad_visit=someone"}
    page = site.get("/login", headers=cookie).text
    token = re.search(r'name="token" value="([^"]+)"', page)[1]  # type: ignore[index]
    answer = site.client.post(
        "/login", data={"name": "sara", "password": GOOD, "token": token}, headers=cookie
    )
    session = next(
        one for one in answer.headers.get_list("set-cookie") if one.startswith("marsad_session=")
    )
    assert {"HttpOnly", "Secure", "SameSite=strict"} <= set(session.split("; "))
    assert "max-age=63072000" in visit["strict-transport-security"]


@pytest.mark.parametrize(
    ("role", "allowed", "refused"),
    [
        ("reader", ["/search", "/trends"], ["/export", "/delete", "/download/posts.xlsx"]),
        ("exporter", ["/export"], ["/delete"]),
        ("administrator", ["/export", "/delete"], []),
    ],
)
def test_roles__allow_what_they_say(
    serve: Callable[..., Site], role: Role, allowed: list[str], refused: list[str]
) -> None:
    site = serve(login=True)
    log_in(site, "sara", role)
    assert [site.get(path).status_code for path in allowed] == [200] * len(allowed)
    assert [site.get(path).status_code for path in refused] == [403] * len(refused)


def test_token__opens_the_api_and_no_more_than_its_account_may(serve: Callable[..., Site]) -> None:
    site = serve(login=True)
    accounts = Accounts(site.options.accounts)
    accounts.add("sara", "reader", GOOD)
    bearer = {"Authorization": f"Bearer {accounts.new_token('sara', 'notebook')}"}
    accounts.close()
    assert site.get("/api/v1/status").status_code == 401
    assert site.get("/api/v1/status", headers=bearer).status_code == 200
    refused = site.client.post("/api/v1/deletions", json={"post": "twitter:1"}, headers=bearer)
    assert refused.status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_page__refuses_forms_of_other_sites(site: Site, headers: dict[str, str]) -> None:
    data = {"token": site.token("/delete"), "post_id": "twitter:1"}
    assert site.client.post("/delete/preview", data=data, headers=headers).status_code == 403


@pytest.mark.parametrize("path", ["/delete", "/delete/preview", "/export"])
def test_page__refuses_forms_without_their_token(site: Site, path: str) -> None:
    site.page("/search")
    assert site.post(path, post_id="twitter:1", sure="yes").status_code == 403


def test_page__refuses_more_than_a_form_may_hold(site: Site) -> None:
    assert site.client.post("/delete", content=b"x" * 2_000_000).status_code == 413


def test_audit__names_no_author(serve: Callable[..., Site]) -> None:
    site = serve()
    site.page("/search?q=author:some_handle")
    site.page("/export")
    site.get("/download/posts.xlsx?q=author:some_handle")
    accounts = Accounts(site.options.accounts)
    lines = accounts.audit()
    accounts.close()
    assert {"author look-up", "export"} <= {line.action for line in lines}
    assert not any("some_handle" in line.detail for line in lines)
