"""Posts of ten years ago come in beside those of today, and stay."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from tests.faults.load import SMALL, Load
from tests.faults.test_kills import ended
from tests.faults.topics import everything
from tests.servers import Kafka


def test_old_posts_that_are_filled_in_stay_and_do_not_hold_up_new_ones(
    load: Load, kafka: Kafka
) -> None:
    began = time.time()
    old = load.cluster.ingest(load.file(60, years=(2006, 2011, 2016)), batch=SMALL)
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    live = load.cluster.marsad.write(
        "live.ndjson",
        [{"id": f"{load.seed}999-{n}", "platform": "forum", "text": f"inwi aujourd'hui {n}",
          "created_at": now} for n in range(20)],
    )  # fmt: skip
    load.ids |= {f"forum:{load.seed}999-{n}" for n in range(20)}
    load.sent(20)
    ended(load.cluster.ingest(live))
    ended(old)
    load.arrived()
    live_posts = [name for name in load.documents() if f"{load.seed}999-" in name]
    assert len(live_posts) == 20
    # Retention counts from the time of the record: that of its arrival, whenever it was posted.
    for topic in ("posts", "scored"):
        for record in everything(kafka, load.cluster.prefix + topic):
            assert record.timestamp / 1000 > began - 3600
