"""The example of docs/adding-a-source.md passes the suite of all sources, as it stands there."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ingest.sources import registry
from tests.conformance.source_suite import SourceSuite
from tests.simulators.forum import Forum, forum

GUIDE = Path(__file__).parent.parent.parent / "docs" / "adding-a-source.md"
LONGEST = 60


def code() -> list[str]:
    return re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> registry.Entry:
    """The example's module and entry, where a new source's would be."""
    module, entry = code()
    (tmp_path / "forum_of_the_guide.py").write_text(module, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(
        sys.modules, "ingest.sources.forum", importlib.import_module("forum_of_the_guide")
    )
    monkeypatch.delitem(sys.modules, "forum_of_the_guide")
    names: dict[str, Any] = dict(vars(registry))
    made = eval(entry, names)
    assert isinstance(made, registry.Entry)
    monkeypatch.setattr(registry, "ENTRIES", (*registry.ENTRIES, made))
    return made


def test_the_module_is_under_sixty_lines() -> None:
    module, _ = code()
    assert len([line for line in module.splitlines() if line.strip()]) < LONGEST


class TestTheExample(SourceSuite):
    @pytest.fixture
    def simulator(self, added: registry.Entry) -> Iterator[Forum]:
        with forum() as simulator:
            yield simulator
