"""What an export's command line and store tell, for tests of its files."""

from __future__ import annotations

from datetime import UTC, datetime

from pipelines.export import Facts
from pipelines.records import Ledger

FACTS = Facts(
    query="inwi",
    filters={},
    command="marsad export inwi --to DIR",
    store="marsad.db",
    ledger=Ledger(),
    timezone="Africa/Casablanca",
    created_at=datetime(2026, 1, 2, tzinfo=UTC),
    marsad="0.1",
)
