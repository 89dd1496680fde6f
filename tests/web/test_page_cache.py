"""Pages that are kept while the store is as it was, and never beyond that."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipelines.web import queries
from pipelines.web.cache import Made, PageCache
from pipelines.web.security.accounts import Accounts
from tests.web.conftest import POSTS, Site, a_post, fill
from tests.web.test_safety import log_in
from tests.web.test_search_page import ids, names

ADDRESSES = ("/", "/search?q=inwi", "/trends", "/likes")


def test_page__shows_what_was_stored_since_it_was_made(serve: Callable[..., Site]) -> None:
    site = serve(POSTS[:1])
    assert ids(site.page("/search?q=inwi")) == names(1)
    fill(Path(site.options.store), [a_post(9, "inwi encore")], after="1")
    assert ids(site.page("/search?q=inwi")) == names(9, 1)


def test_page__shows_the_store_that_took_the_place_of_another(
    serve: Callable[..., Site], tmp_path: Path
) -> None:
    site = serve(POSTS[:1])
    assert ids(site.page("/search")) == names(1)
    other = fill(tmp_path / "other.db", [a_post(9, "inwi encore")])
    for suffix in ("-wal", "-shm"):
        Path(f"{site.options.store}{suffix}").unlink(missing_ok=True)
    other.replace(site.options.store)
    assert ids(site.page("/search")) == names(9)


def test_page__is_made_once_while_the_store_is_as_it_was(
    serve: Callable[..., Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    search = queries.search

    def counted(store: object, asked: object, *rest: object) -> object:
        made.append("search")
        return search(store, asked, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(queries, "search", counted)
    site = serve()
    first = site.page("/search?q=inwi")
    assert site.page("/search?q=inwi") == first
    assert len(made) == 1
    site.page("/search?q=skype")
    assert len(made) == 2


@pytest.mark.parametrize("address", ADDRESSES)
def test_page__is_kept_for_each_language_by_itself(site: Site, address: str) -> None:
    joined = "&" if "?" in address else "?"
    for language in ("en", "fr", "ar"):
        for _ in range(2):
            assert f'<html lang="{language}"' in site.page(f"{address}{joined}ui={language}")
    headers = {"Accept-Language": "fr"}
    site.client.cookies.clear()
    assert '<html lang="fr"' in site.get(address, headers=headers).text
    site.client.cookies.clear()
    assert '<html lang="en"' in site.get(address, headers={"Accept-Language": "en"}).text


def test_page__carries_the_form_token_of_the_visitor_who_asks(serve: Callable[..., Site]) -> None:
    site = serve(login=True)
    log_in(site, "sara", "reader")
    tokens = [site.token("/search?q=inwi")]
    accounts = Accounts(site.options.accounts)
    site.client.cookies.clear()
    site.client.cookies.set("marsad_session", accounts.begin("sara"))
    accounts.close()
    tokens.append(site.token("/search?q=inwi"))
    assert tokens[0] != tokens[1]
    assert site.post("/logout", token=tokens[0]).status_code == 403
    assert site.post("/logout", token=tokens[1]).status_code == 303


def test_page__of_a_role_is_not_shown_to_another(serve: Callable[..., Site]) -> None:
    site = serve(login=True)
    log_in(site, "sara", "exporter")
    assert "/download/posts.xlsx" in site.page("/search?q=inwi")
    accounts = Accounts(site.options.accounts)
    accounts.change_role("sara", "reader")
    accounts.close()
    assert "/download/posts.xlsx" not in site.page("/search?q=inwi")


def test_page_cache__makes_one_page_for_all_who_wait_for_it() -> None:
    made: list[int] = []

    async def make() -> Made:
        made.append(1)
        await asyncio.sleep(0)
        return Made(b"page", "text/html")

    async def ask() -> list[Made]:
        cache = PageCache()
        return await asyncio.gather(*(cache.get("key", make) for _ in range(20)))

    assert asyncio.run(ask()) == [Made(b"page", "text/html")] * 20
    assert len(made) == 1


def test_page_cache__keeps_nothing_of_a_failure() -> None:
    answers: Iterator[ValueError | Made] = iter([ValueError("away"), Made(b"page", "text/html")])

    async def make() -> Made:
        answer = next(answers)
        if isinstance(answer, ValueError):
            raise answer
        return answer

    async def ask() -> Made:
        cache = PageCache()
        with pytest.raises(ValueError, match="away"):
            await cache.get("key", make)
        return await cache.get("key", make)

    assert asyncio.run(ask()).body == b"page"


def test_page_cache__forgets_the_oldest_pages_when_it_is_full() -> None:
    asked: list[int] = []

    async def ask() -> None:
        cache = PageCache(size=100_000)
        for number in (*range(20), 19, 0):

            async def make(number: int = number) -> Made:
                asked.append(number)
                return Made(bytes(10_000), "text/html")

            await cache.get(number, make)

    asyncio.run(ask())
    assert asked == [*range(20), 0]
