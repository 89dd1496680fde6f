"""What every store must count on days whose clocks change, with which zone data, and say of it.

Morocco's clocks, as IANA's ``africa`` file has them: an hour forward at midnight of 3 April 2011,
back at 3:00 of 5 June 2016 for Ramadan, not back on 28 October 2018, and back for good on 20
September 2026.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from ingest import zones
from pipelines import stages
from pipelines.errors import StoreVersion
from pipelines.query import All
from pipelines.stores.protocols import Store
from pipelines.stores.zone_data import notice
from pipelines.trends import By, in_buckets, sums_by
from tests.conformance.corpus import Feeder, post, scored
from tests.conformance.reindex_suite import Opening
from tests.conformance.scored_suite import ScoredFeeder

MOROCCO = "Africa/Casablanca"

#: Moments of UTC, and the hours of Morocco that they lie in.
MOMENTS = {
    "2011-04-02T23:59": "2011-04-02T23",
    "2011-04-03T00:00": "2011-04-03T01",
    "2016-06-04T23:00": "2016-06-05T00",
    "2016-06-05T01:59": "2016-06-05T02",
    "2016-06-05T02:00": "2016-06-05T02",
    "2016-06-05T23:30": "2016-06-05T23",
    "2018-10-28T01:59": "2018-10-28T02",
    "2018-10-28T02:00": "2018-10-28T03",
    "2018-10-28T23:30": "2018-10-29T00",
    "2026-09-19T23:30": "2026-09-20T00",
    "2026-09-20T01:00": "2026-09-20T01",
    "2026-09-20T23:30": "2026-09-20T23",
}
BUCKETS: dict[By, dict[str, int]] = {
    "hour": {
        "2011-04-02T23": 1, "2011-04-03T01": 1, "2016-06-05T00": 1, "2016-06-05T02": 2,
        "2016-06-05T23": 1, "2018-10-28T02": 1, "2018-10-28T03": 1, "2018-10-29T00": 1,
        "2026-09-20T00": 1, "2026-09-20T01": 1, "2026-09-20T23": 1,
    },
    "day": {
        "2011-04-02": 1, "2011-04-03": 1, "2016-06-05": 4, "2018-10-28": 2, "2018-10-29": 1,
        "2026-09-20": 3,
    },
    "week": {"2011-W13": 2, "2016-W22": 4, "2018-W43": 2, "2018-W44": 1, "2026-W38": 3},
}  # fmt: skip


def fill(store: Store, zone: ZoneInfo) -> None:
    """Bring a post of each of :data:`MOMENTS` into a store, counted in a zone."""
    moments = [datetime.fromisoformat(moment).replace(tzinfo=UTC) for moment in MOMENTS]
    Feeder(store)(*(post(f"t:{n}", created_at=moment) for n, moment in enumerate(moments)))
    store.index(stages.index([scored(one) for one in store.pending(99)], zone))


def counted(store: Store, by: By) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in in_buckets(store.sums(All(), sums_by(by), ""), by):
        found[one.bucket] = found.get(one.bucket, 0) + one.posts
    return found


class Days:
    """Posts lie in the hours, days and weeks of their zone, by the zone data of the store."""

    @pytest.mark.parametrize("by", BUCKETS)
    def test_sums__lie_on_the_days_of_changing_clocks(self, store: Store, by: By) -> None:
        fill(store, zones.zone(MOROCCO))
        assert counted(store, by) == BUCKETS[by]

    def test_day_filter__agrees_with_the_sums(self, store: Store) -> None:
        fill(store, zones.zone(MOROCCO))
        hits = {hit.post.id: hit.day for hit in store.scan(All())}
        wanted = {f"t:{n}": hour[:10] for n, hour in enumerate(MOMENTS.values())}
        assert hits == wanted

    def test_reindex__moves_posts_to_the_days_of_other_zone_data(
        self, store: Store, another: Opening, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as before:
            machine(before, "2001a", "others")
            with another(new_timezone=MOROCCO) as opened:  # type: ignore[attr-defined]
                assert opened.timezone() == MOROCCO
                fill(opened, ZoneInfo("Asia/Tokyo"))  # as if Morocco had had these rules
                assert counted(opened, "day")["2018-10-29"] == 1
                assert opened.zone_data().edition == opened.status().zone_data == "2001a"
        with another(new_timezone=MOROCCO) as opened:  # type: ignore[attr-defined]
            told = notice("the store", opened.zone_data())
            assert "the zone data 2001a" in told
            assert f"rules for {MOROCCO}" in told
            assert "run marsad reindex" in told
            assert opened.reindex(zones.zone(MOROCCO)) == len(MOMENTS)
            assert notice("the store", opened.zone_data()) == ""
            assert opened.status().zone_data == zones.edition()
            for by, wanted in BUCKETS.items():
                assert counted(opened, by) == wanted

    def test_store__refuses_writers_with_older_zone_data(
        self, store: Store, another: Opening, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as later:
            machine(later, "2099a", "others")
            with another(new_timezone=MOROCCO) as opened:  # type: ignore[attr-defined]
                opened.timezone()
        with another(new_timezone=MOROCCO) as opened:  # type: ignore[attr-defined]
            for writing in refused(opened):
                with pytest.raises(StoreVersion, match=r"2099a.*pip install --upgrade tzdata"):
                    writing()
            assert "update the zone data" in notice("the store", opened.zone_data())

    def test_store__takes_writers_whose_zone_data_count_alike(
        self, store: Store, another: Opening, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as later:
            machine(later, "2099a", zones.rules(MOROCCO))
            with another(new_timezone=MOROCCO) as opened:  # type: ignore[attr-defined]
                opened.timezone()
        with another(new_timezone=MOROCCO) as opened:  # type: ignore[attr-defined]
            assert opened.timezone() == MOROCCO
            assert notice("the store", opened.zone_data()) == ""


def machine(monkeypatch: pytest.MonkeyPatch, edition: str, rules: str) -> None:
    """A machine with another edition of the zone data."""
    monkeypatch.setattr(zones, "edition", lambda: edition)
    monkeypatch.setattr(zones, "rules", lambda name: rules)


def refused(store: Store) -> Iterator[Callable[[], object]]:
    """Yield what a machine with older zone data must not do."""

    def import_() -> None:
        with store.writer("ingest"):
            pass

    yield import_
    yield store.timezone
    yield lambda: store.reindex(zones.zone(MOROCCO))
    yield lambda: ScoredFeeder(store)(post("t:new"))
