"""snscrape's scrapers run as they are, on every Python, and only two of them are offered."""

import subprocess
import sys

import pytest

from ingest.sources.snscrape.loader import scraper_module
from ingest.sources.snscrape.retired import RETIRED
from pipelines.commands.ingest_retired import explanation

#: As on Python 3.12 and later, where the import system lost these.
WITHOUT_FIND_MODULE = """
import importlib.machinery, zipimport
for finder in (importlib.machinery.FileFinder, importlib.machinery.PathFinder):
    if hasattr(finder, "find_module"):
        del finder.find_module
"""


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_FIND_MODULE + code], capture_output=True, text=True
    )


def test_where_find_module_is_gone_snscrape_cannot_load_its_scrapers() -> None:
    done = python("import snscrape.modules")
    assert done.returncode == 1
    assert "find_module" in done.stderr


@pytest.mark.parametrize("name", ["telegram", "weibo"])
def test_there_they_are_loaded_one_by_one(name: str) -> None:
    done = python(
        "import sys\n"
        "from ingest.sources.snscrape.loader import scraper_module\n"
        f"print(scraper_module({name!r}).__file__)\n"
        "print(*[m for m in sys.modules if m.startswith('snscrape.modules.')])"
    )
    assert done.returncode == 0, done.stderr
    file, loaded = done.stdout.splitlines()
    assert file.endswith(f"site-packages/snscrape/modules/{name}.py")
    assert loaded == f"snscrape.modules.{name}"


def test_the_scrapers_are_the_installed_ones() -> None:
    scraper = scraper_module("telegram").TelegramChannelScraper
    assert scraper.__module__ == "snscrape.modules.telegram"
    assert scraper.__mro__[1].__module__ == "snscrape.base"


@pytest.mark.parametrize("name", sorted(RETIRED))
def test_what_does_not_work_any_more_says_why_and_what_does_instead(name: str) -> None:
    for scraper in (name, f"{name}-user", f"{name}-search"):
        words = explanation(scraper)
        assert "any more" in words
        assert "Instead: `marsad " in words


def test_what_works_is_named_by_its_source() -> None:
    assert explanation("telegram-channel").endswith("marsad ingest telegram")
    assert explanation("weibo-user").endswith("marsad ingest weibo")
    assert "marsad ingest telegram" in explanation("something-else")


def test_every_scraper_of_snscrape_is_offered_or_explained() -> None:
    import pkgutil

    import snscrape

    folder = f"{snscrape.__path__[0]}/modules"
    for module in pkgutil.iter_modules([folder]):
        assert module.name in {"telegram", "weibo"} or module.name in RETIRED
