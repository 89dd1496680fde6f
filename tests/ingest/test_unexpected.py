"""A mistake in Marsad's own reading of an archive costs one record (sources: their suite)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ingest.mapping import unexpected
from ingest.mapping.posts import Frame, build
from ingest.records import Post, Reject
from ingest.sources.archive import context
from ingest.sources.archive.source import ArchiveSource


@pytest.mark.parametrize("name", ["a.ndjson", "a.csv"])
def test_a_record_that_marsad_stumbles_over_is_kept_and_the_others_are_read(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / name
    texts = ["un", "deux", "trois"]
    if name.endswith("csv"):
        path.write_text("\n".join(["text", *texts]), encoding="utf-8")
    else:
        path.write_text("\n".join(json.dumps({"text": text}) for text in texts), encoding="utf-8")

    def stumbles(values: dict[str, object], frame: Frame) -> Post:
        if values["text"] == "deux":
            raise ZeroDivisionError
        return build(values, frame)

    monkeypatch.setattr(unexpected, "told", set())
    monkeypatch.setattr(context, "build", stumbles)
    found = [item.record for item in ArchiveSource(path).open("")]
    assert [post.text for post in found if isinstance(post, Post)] == ["un", "trois"]
    [bad] = [record for record in found if isinstance(record, Reject)]
    assert bad.reason == "mapping-failed"
    assert b"deux" in bad.raw
    assert len(unexpected.told) == 1
