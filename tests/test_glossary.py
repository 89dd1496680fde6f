"""The code and the docs use the words of the field; ``docs/glossary.md`` explains our own."""

from __future__ import annotations

import io
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
#: Home-made names, with the word of the field that stands in their place.
IDENTIFIERS = {
    "a_store": "what the store holds",
    "aside": "quarantine, dead letter",
    "bury": "write tombstones",
    "buried": "deleted",
    "condemn": "write tombstones",
    "doomed": "deleted ids",
    "flight": "in-flight batch",
    "gives_back": "can_backfill",
    "giant": "oversized message",
    "grave": "tombstone",
    "graves": "tombstones",
    "habit": "activity baseline",
    "intake": "sink",
    "insist": "retry",
    "journal": "write-ahead log",
    "letter_of": "dead letter",
    "otherwise_spelt": "fuzzy match",
    "patience": "timeout, retry policy",
    "plain_name": "raw account name",
    "plain_names": "raw account names",
    "refusals": "HTTP error mapping",
    "revived": "retried",
    "stand": "simulator",
    "stands": "simulators",
    "stone": "tombstone",
    "stones": "tombstones",
    "sweep": "purge",
    "telling": "instrumented",
    "tidy": "housekeeping",
    "whoever": "who",
}
#: Where a word still stands, each with why. A folder or a file, and the words.
EXCEPTIONS = {
    "ingest/privacy/keyring.py": ({"telling"}, "an argument: whether a key is shown"),
}
#: Phrases that no reader of the docs and no user should meet, with what to write.
PHRASES = {
    r"\bkept aside\b": "dead letter",
    r"\bbooks balance\b": "every record is counted",
    r"\bunlike it\b": "longer than usual",
    r"\bplain names?\b": "raw account name",
    r"\bthe books\b": "the ledger",
}
#: Documents that keep a phrase, each with why.
KEPT = {
    "CHANGELOG.md": "says what versions before did, in the words they had",
    "docs/decisions.md": "records of decisions are not rewritten",
}


def identifiers(path: Path) -> set[str]:
    """Return the names in a file, without the underscore of private ones."""
    stream = io.StringIO(path.read_text(encoding="utf-8"))
    tokens = tokenize.generate_tokens(stream.readline)
    return {token.string.lstrip("_") for token in tokens if token.type == tokenize.NAME}


def allowed(name: str) -> set[str]:
    return {
        word
        for place, (words, _) in EXCEPTIONS.items()
        if name == place or name.startswith(f"{place}/")
        for word in words
    }


@pytest.mark.parametrize("package", ["ingest", "nlp", "pipelines", "tests"])
def test_identifiers__are_words_of_the_field(package: str) -> None:
    found = [
        f"{name}: {word} (write: {IDENTIFIERS[word]})"
        for path in sorted((ROOT / package).rglob("*.py"))
        for name in [path.relative_to(ROOT).as_posix()]
        for word in sorted((identifiers(path) & IDENTIFIERS.keys()) - allowed(name))
    ]
    assert found == []


def test_exceptions__are_still_needed() -> None:
    for place, (words, reason) in EXCEPTIONS.items():
        assert reason
        target = ROOT / place
        if not target.exists():
            continue
        files = [target] if target.is_file() else [*target.rglob("*.py")]
        there = set[str]().union(*map(identifiers, files))
        unused = words - there
        assert not unused, f"{place}: {unused}"


@pytest.mark.parametrize("phrase", PHRASES)
def test_documents__use_no_phrase_of_our_own(phrase: str) -> None:
    found = []
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]:
        name = path.relative_to(ROOT).as_posix()
        if name not in KEPT and re.search(phrase, path.read_text(encoding="utf-8"), re.IGNORECASE):
            found.append(f"{name} (write: {PHRASES[phrase]})")
    assert found == []


def test_glossary__explains_each_term_that_the_design_calls_our_own() -> None:
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    for term in (
        *("post", "tombstone", "gap", "heartbeat", "counter reading", "ledger", "outcome"),
        *("watchlist", "entity", "mention", "target", "cross-script key", "pseudonym"),
        *("digest", "rank"),
    ):
        assert f"\n| {term} |" in text, term


def test_glossary__names_files_that_are_there() -> None:
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    for name in re.findall(r"`([\w/]+(?:\.py|/))`", text):
        assert (ROOT / name).exists(), name
