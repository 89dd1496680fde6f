"""Uploading a file on the page: looked at first, then imported with what was corrected."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import httpx2

from pipelines.stores.sqlite import SqliteStore
from tests.web.conftest import ZONE, Site

#: Fictional posts.
FILE = b"id,text,created_at\n1,inwi rah zwin,2016-02-27 10:00\n2,,2016-02-27 11:00\n"


def look(site: Site, content: bytes = FILE, name: str = "posts.csv") -> httpx2.Response:
    data = {"token": site.token("/upload"), "watchlist": "none"}
    return site.client.post("/upload", data=data, files={"file": (name, content)})


def test_upload__imports_what_was_looked_at(serve: Callable[..., Site]) -> None:
    site = serve(None)
    answer = look(site)
    assert answer.status_code == 200
    assert "posts.csv" in answer.text
    assert re.search(r'id="map-created_at"[^>]*><option value="">created_at</option>', answer.text)
    assert re.search(r'27 Feb 2016 10:00</th>.*?<div dir="auto">inwi rah zwin<', answer.text)
    assert not Path(site.options.store).exists()
    job = re.search(r'name="job" value="([^"]+)"', answer.text)
    assert job
    fields = {"job": job[1], "watchlist": "none", "timezone": "Africa/Casablanca"}
    token = re.search(r'name="token" value="([^"]+)"', answer.text)
    assert token
    page = site.done(
        site.post("/upload/again", token=token[1], what="import", platform="twitter", **fields)
    )
    assert re.search(r'read</th><td class="number">2<', page)
    assert re.search(r'searchable</th><td class="number">2<', page)
    assert "/posts.csv" not in page
    assert "inwi rah zwin" in site.page("/search?q=zwin").replace(
        '<mark class="exact">', ""
    ).replace("</mark>", "")


def test_upload__of_nothing_says_so(site: Site) -> None:
    token = site.token("/upload")
    assert site.client.post("/upload", data={"token": token}).status_code == 400


def test_upload__without_the_token_of_its_form_is_refused(site: Site) -> None:
    site.page("/upload")
    answer = site.client.post("/upload", data={}, files={"file": ("a.csv", FILE)})
    assert answer.status_code == 403


def test_upload__larger_than_allowed_is_refused(serve: Callable[..., Site]) -> None:
    site = serve(upload_bytes=1_000)
    assert look(site, b"x" * 5_000).status_code == 413
    assert look(site, b"x" * 3_000_000).status_code == 413


def test_upload__keeps_the_name_inside_its_own_folder(site: Site) -> None:
    answer = look(site, name="../../etc/passwd")
    assert answer.status_code == 200
    assert "<bdi>passwd</bdi>" in answer.text


def again(site: Site, before: httpx2.Response, **choices: str) -> httpx2.Response:
    """Send the form of a preview with other choices."""
    hidden = dict(re.findall(r'name="(token|job)" value="([^"]+)"', before.text))
    assert set(hidden) == {"token", "job"}
    return site.client.post("/upload/again", data={"watchlist": "none", **hidden, **choices})


#: A table in which nothing says what is the text; fictional.
UNKNOWN = (
    b"ref;quand;ce que dit la personne, en entier;coeurs\n"
    b"a1;03/02/2016 21:10;inwi rah zwin;4\n"
    b"a2;04/02/2016 08:00;inwi 7bsat lina whatsapp;5\n"
)


def test_upload__offers_the_columns_of_a_file_that_it_does_not_know(site: Site) -> None:
    answer = look(site, UNKNOWN)
    assert "Which column holds the texts?" in answer.text
    for column in ("ref", "quand", "ce que dit la personne, en entier", "coeurs"):
        assert f">{column}</option>" in answer.text
    assert "Import it" not in answer.text


def test_upload__shows_its_sample_as_the_chosen_columns_make_it(serve: Callable[..., Site]) -> None:
    site = serve(None)
    text = "ce que dit la personne, en entier"
    columns = {"map-text": text, "map-created_at": "quand", "map-likes": "coeurs"}
    shown = again(site, look(site, UNKNOWN), **columns)
    assert "3 Feb 2016 21:10" in shown.text
    assert "inwi rah zwin" in shown.text
    assert "4 likes" in shown.text
    assert f'<option value="{text}" selected>' in shown.text
    other = again(site, shown, **columns, **{"date-order": "month-first"})
    assert "2 Mar 2016 21:10" in other.text
    page = site.done(again(site, other, what="import", **columns, **{"date-order": "month-first"}))
    assert re.search(r'searchable</th><td class="number">2<', page)
    assert "2 Mar 2016" in site.page("/search?q=zwin")


def test_upload__reads_times_in_the_chosen_zone(site: Site) -> None:
    shown = again(site, look(site), timezone="Asia/Tokyo")
    assert "27 Feb 2016 10:00" in shown.text
    assert "Times are those of Tokyo." in shown.text
    assert "names no time zone" not in shown.text


def test_upload__of_a_private_conversation_is_refused_in_words(site: Site) -> None:
    chat = b"".join(
        b"[27/02/2016, 21:1%d:00] Salma: message %d\n" % (number % 10, number)
        for number in range(30)
    )
    answer = look(site, chat, "chat.txt")
    assert answer.status_code == 200
    assert "private" in answer.text


def test_upload__tells_its_result_in_the_language_of_the_reader(serve: Callable[..., Site]) -> None:
    site = serve(None)
    site.client.headers["Accept-Language"] = "fr"
    answer = look(site)
    assert "Le rôle de chaque colonne" in answer.text
    page = site.done(again(site, answer, what="import"))
    assert "Terminé" in page
    assert re.search(r'lus</th><td class="number">2<', page)
    assert "Les dates de 2 messages n’indiquent pas de fuseau" in page
    english = re.search(r"<details><summary>Dans les mots de la commande.*?</details>", page, re.S)
    assert english
    assert "received" in english[0]
    assert "received" not in page.replace(english[0], "")


def test_job__that_fails_says_why_in_the_language_of_the_reader(
    serve: Callable[..., Site], tmp_path: Path
) -> None:
    site = serve()
    site.client.headers["Accept-Language"] = "ar"
    with SqliteStore(tmp_path / "store.db", timezone=ZONE) as store, store.writer("delete"):
        page = site.done(again(site, look(site), what="import"))
    assert "المخزن قيد الكتابة" in page


def test_upload__takes_no_file_of_the_server_for_a_watchlist(site: Site, tmp_path: Path) -> None:
    secret = tmp_path / "secret.toml"
    secret.write_text("name = 'of nobody else'", "utf-8")
    answer = again(site, look(site), watchlist=str(secret))
    assert answer.status_code == 200
    assert "of nobody else" not in answer.text
    assert str(secret) not in answer.text
