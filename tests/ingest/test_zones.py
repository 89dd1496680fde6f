"""The newest zone data of a machine count, wherever they are installed."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import tzdata

from ingest import zones

MOROCCO = "Africa/Casablanca"


def folder_of(path: Path, edition: str, *, offset_hours: int) -> Path:
    """Write a folder of zone files as systems have them, whose Morocco has one offset for ever."""
    (path / "Africa").mkdir(parents=True)
    (path / "tzdata.zi").write_text(f"# version {edition}\n", encoding="ascii")
    for name in ("UTC", MOROCCO):
        shift = 0 if name == "UTC" else offset_hours * 3600
        block = (
            b"TZif2" + b"\0" * 15 + b"".join(n.to_bytes(4, "big") for n in (0, 0, 0, 0, 1, 4))
            + shift.to_bytes(4, "big", signed=True) + b"\0\0" + b"XXX\0"
        )  # fmt: skip
        (path / name).write_bytes(block + block + f"\n<XXX>{-offset_hours}\n".encode())
    return path


def asked(folder: Path, code: str) -> str:
    """Run code in a Python whose system has these zone files."""
    script = f"import zoneinfo; zoneinfo.reset_tzpath([{str(folder)!r}])\n{code}"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


OFFSET = (
    "from ingest import zones\nfrom datetime import datetime, UTC\n"
    f"at = datetime(2026, 11, 30, tzinfo=UTC).astimezone(zones.zone({MOROCCO!r}))\n"
    "print(zones.edition(), at.utcoffset())"
)


def test_zones__of_the_package_count_where_the_system_is_older(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "2025b", offset_hours=1)
    assert asked(folder, OFFSET) == f"{tzdata.IANA_VERSION} 0:00:00"


def test_zones__of_the_system_count_where_the_package_is_older(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "2099a", offset_hours=7)
    assert asked(folder, OFFSET) == "2099a 7:00:00"


def test_zones__of_a_system_that_names_no_edition_are_the_oldest(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "2099a", offset_hours=7)
    (folder / "tzdata.zi").unlink()
    assert asked(folder, OFFSET).startswith(tzdata.IANA_VERSION)


@pytest.mark.parametrize(
    ("one", "other", "newer"),
    [
        ("2026c", "2025b", True),
        ("2025b", "2026c", False),
        ("2026c", "2026c", False),
        ("2026aa", "2026z", True),
        ("2026a", "", True),
        ("", "2026a", False),
    ],
)
def test_editions__are_ordered_by_year_and_letter(one: str, other: str, newer: bool) -> None:
    assert zones.newer(one, other) is newer


@pytest.mark.parametrize(
    ("moment", "hour"),
    [
        # Summer time began at midnight on 3 April 2011 (IANA, file africa).
        (datetime(2011, 4, 2, 23, 59, tzinfo=UTC), "2011-04-02T23"),
        (datetime(2011, 4, 3, 0, 0, tzinfo=UTC), "2011-04-03T01"),
        # It was suspended for Ramadan on 5 June 2016 at 3:00.
        (datetime(2016, 6, 5, 1, 59, tzinfo=UTC), "2016-06-05T02"),
        (datetime(2016, 6, 5, 2, 0, tzinfo=UTC), "2016-06-05T02"),
        # UTC+1 all year since 28 October 2018: nothing changes at 3:00.
        (datetime(2018, 10, 28, 1, 59, tzinfo=UTC), "2018-10-28T02"),
        (datetime(2018, 10, 28, 2, 0, tzinfo=UTC), "2018-10-28T03"),
        # UTC since 20 September 2026 (2026c).
        (datetime(2026, 9, 19, 23, 30, tzinfo=UTC), "2026-09-20T00"),
        (datetime(2026, 9, 20, 23, 30, tzinfo=UTC), "2026-09-20T23"),
    ],
)
def test_zones__have_every_change_of_the_clocks_of_morocco(moment: datetime, hour: str) -> None:
    assert moment.astimezone(zones.zone(MOROCCO)).isoformat()[:13] == hour


def test_zones__refuse_a_name_that_no_data_have() -> None:
    with pytest.raises(ValueError, match="Africa/Nowhere"):
        zones.zone("Africa/Nowhere")


def test_rules__tell_two_zones_apart_and_are_equal_for_one() -> None:
    assert zones.rules(MOROCCO) == zones.rules(MOROCCO)
    assert zones.rules(MOROCCO) == zones.rules("Africa/El_Aaiun")
    assert zones.rules(MOROCCO) != zones.rules("Europe/Paris")
