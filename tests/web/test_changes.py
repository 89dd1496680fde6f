"""Taking posts away and deleting them, as a browser without JavaScript does."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.export.check import Purge, gone
from pipelines.stores.protocols import Store
from tests.web.conftest import Site


def test_export__shows_the_same_command_as_the_terminal_takes(site: Site) -> None:
    page = site.page("/export?q=inwi&lang=ary&day=2016-02-27")
    assert "marsad export --store=store.db --to=study" in page
    assert "--lang=ary -- inwi day:2016-02-27</pre>" in page


def test_export__gives_a_folder_with_posts_and_manifest(site: Site) -> None:
    token = site.token("/export?q=inwi")
    page = site.done(site.post("/export?q=inwi", token=token, formats="ndjson"))
    assert "3 posts were written." in page
    assert str(site.options.store).rpartition("/")[0] not in page
    link = re.search(r'href="(/export/[^"]+\.zip)"', page)
    assert link, page
    with zipfile.ZipFile(io.BytesIO(site.get(link[1]).content)) as folder:
        posts = folder.read("marsad-study/posts.ndjson").decode().splitlines()
        assert "marsad-study/manifest.json" in folder.namelist()
    assert sorted(json.loads(post)["id"] for post in posts) == [
        "twitter:1",
        "twitter:2",
        "twitter:3",
    ]


@pytest.mark.parametrize("formats", ["ndjson", "xlsx"])
def test_export__that_holds_a_deleted_post_is_given_to_nobody(
    serve: Callable[..., Site], formats: str
) -> None:
    site = serve()
    page = site.done(site.post("/export?q=inwi", token=site.token("/export"), formats=formats))
    link = re.search(r'href="(/export/[^"]+\.zip)"', page)
    assert link, page
    assert site.get(link[1]).status_code == 200
    site.done(site.post("/delete", token=site.token("/delete"), post_id="twitter:1", sure="yes"))
    answer = site.get(link[1])
    assert answer.status_code == 410
    assert "Posts of this export were deleted since" in answer.text


def test_export__looks_its_posts_up_once_for_each_state_of_the_store(
    serve: Callable[..., Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[Path] = []

    def counting(folder: Path, store: Store) -> Purge:
        looked.append(folder)
        return gone(folder, store)

    monkeypatch.setattr("pipelines.web.pages.export.gone", counting)
    site = serve()
    page = site.done(site.post("/export?q=inwi", token=site.token("/export"), formats="ndjson"))
    link = re.search(r'href="(/export/[^"]+\.zip)"', page)
    assert link, page
    assert [site.get(link[1]).status_code for _ in range(3)] == [200, 200, 200]
    assert len(looked) == 1
    site.post("/label", token=site.token("/label"), post_id="twitter:2", label="negative")
    assert site.get(link[1]).status_code == 200
    assert len(looked) == 2


def test_excel__holds_the_posts_of_the_search(site: Site) -> None:
    answer = site.get("/download/posts.xlsx?q=skype")
    assert answer.status_code == 200
    assert "attachment" in answer.headers["content-disposition"]
    assert len(answer.content) > 100


def test_excel__of_nothing_says_so(site: Site) -> None:
    assert site.get("/download/posts.xlsx?q=nowhere").status_code == 404


def test_jobs__are_seen_by_nobody_else(site: Site) -> None:
    assert site.get("/jobs/guessed").status_code == 404


def test_delete__shows_what_it_hits_before_it_does(serve: Callable[..., Site]) -> None:
    site = serve()
    token = site.token("/delete")
    preview = site.post("/delete/preview", token=token, author="u_aaaaaaaaaaaaaaaa")
    assert preview.status_code == 200
    assert "5 posts would be deleted" in preview.text
    assert "5 posts" in site.page("/search")


def test_delete__needs_to_be_confirmed(serve: Callable[..., Site]) -> None:
    site = serve()
    answer = site.post("/delete", token=site.token("/delete"), post_id="twitter:1")
    assert answer.status_code == 400
    assert "5 posts" in site.page("/search")


def test_delete__removes_a_post_for_good(serve: Callable[..., Site]) -> None:
    site = serve()
    token = site.token("/delete?id=twitter:1")
    page = site.done(site.post("/delete", token=token, post_id="twitter:1", sure="yes"))
    assert "1 post was deleted." in page
    assert "4 posts" in site.page("/search")
    assert site.get("/post?id=twitter:1").status_code == 404


def test_delete__of_neither_post_nor_account_is_refused(site: Site) -> None:
    token = site.token("/delete")
    assert site.post("/delete/preview", token=token).status_code == 400
    assert site.post("/delete/preview", token=token, post_id="nonsense").status_code == 400
    told = site.client.post(
        "/delete/preview",
        data={"token": token, "post_id": "nonsense"},
        headers={"accept-language": "fr"},
    )
    assert "pas l’identifiant d’un message" in told.text
