"""A store on a server that is open: what it asks first, what it must make findable or remove."""

from __future__ import annotations

import hashlib
import re
import time
from pathlib import Path
from typing import Self

import platformdirs

from pipelines.daily import Daily
from pipelines.dead_letters.owner import DeadLetterOwner
from pipelines.dead_letters.queue import DAYS
from pipelines.errors import StoreError
from pipelines.records import Study
from pipelines.stop import Stop
from pipelines.stores.elasticsearch import purge, setup, state
from pipelines.stores.elasticsearch.accept import Accepting
from pipelines.stores.elasticsearch.address import address
from pipelines.stores.elasticsearch.indices import Indices
from pipelines.stores.elasticsearch.server import Server
from pipelines.stores.elasticsearch.tombstones import Tombstones
from pipelines.stores.keys import keys_to_write
from pipelines.stores.zone_data import ZoneData, require

#: Seconds between looks at whether the bytes of deleted texts can go, while posts come in; and
#: the part of the time that rewriting may take.
PURGING, PURGING_SHARE = 20.0, 0.1


class OpenedIndices(DeadLetterOwner):
    """A store's indices, and what :class:`~pipelines.stores.protocols.Administration` asks."""

    def __init__(
        self,
        url: str,
        *,
        readonly: bool = False,
        timezone: str = "",
        new_timezone: str = "",
        dead_days: float = DAYS,
        reindexing: bool = False,
    ) -> None:
        """Open a store, or make it (not for reading).

        ``timezone`` names the zone that the days of documents are counted in; the first one
        named is the store's. ``new_timezone`` is taken where neither is named yet.
        ``dead_days`` is how long dead letters are kept. ``reindexing`` opens also what must be
        re-indexed before it can be used.
        """
        where = address(url)
        self.readonly = readonly
        self._timezone = timezone
        self._new_timezone = timezone or new_timezone
        self._dead_days = dead_days
        self._timezone_checked = False
        self._unclean = False
        self._next_purge = 0.0
        self._stale: set[str] = set()
        # Raw records never leave the machine that collected them.
        slug = re.sub(r"[^a-z0-9]+", "-", str(where).partition("://")[2].lower()).strip("-")
        digest = hashlib.blake2b(str(where).encode(), digest_size=4).hexdigest()
        self._folder = platformdirs.user_data_path("marsad") / "stores"
        self.dead_path = self._folder / f"{slug}-{digest}.dead"
        self._expire = Daily(self._remove_expired)
        self._server = Server(where.url)
        self.indices = Indices(self._server, where)
        self._known = Tombstones(self.indices)
        self._accepting = Accepting(self.indices, self._known, self._keep)
        try:
            self._server.check()
            if readonly:
                setup.require(self.indices, reindexing=reindexing)
            else:
                setup.prepare(self.indices, reindexing=reindexing)
                self._expire()
        except BaseException:
            self._server.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; what was written can be found by others first."""
        try:
            self._refresh(*self._stale)
        except StoreError:
            pass  # the server makes it visible by itself
        finally:
            self._server.close()

    def retry_until(self, stop: Stop) -> None:
        """End retries with this; see :meth:`.protocols.Administration.retry_until`."""
        self._server.stop = stop

    def limit_time(self, seconds: float) -> None:
        """Do nothing: each request to the server has its time limit."""

    def housekeeping(self) -> None:
        """Let others find what was written, and remove what is due; see :class:`.Sink`."""
        self._refresh(*self._stale)
        self._purge()

    def _purge(self) -> None:
        if self._unclean and time.monotonic() >= self._next_purge:
            begun = time.monotonic()
            self._unclean = not purge.purge(self.indices)
            spent = time.monotonic() - begun
            self._next_purge = begun + max(PURGING, spent / PURGING_SHARE)
        self._expire()

    def timezone(self) -> str:
        """Return the zone that days are counted in; see :meth:`.Administration.timezone`."""
        if not self.readonly:
            self._check_timezone()
        return state.days(self.indices).timezone

    def study(self) -> Study | None:
        """Return the recorded study; see :meth:`.Administration.study`."""
        return state.read(self.indices, state.STUDY, Study)[0]

    def put_study(self, study: Study) -> None:
        """Record a study; see :meth:`.Administration.put_study`."""
        self._writing()
        state.put(self.indices, state.STUDY, study)

    def zone_data(self) -> ZoneData:
        """Return which zone data days were counted with; see :meth:`.Administration.zone_data`."""
        return state.days(self.indices).data

    def require_keys(self, keyring: Path, own: frozenset[str]) -> None:
        """Refuse a keyring without the store's keys; see :meth:`.Administration.require_keys`."""
        self._writing()
        while True:
            known, seen = state.read(self.indices, state.KEYS, state.Keys)
            place, instead = str(self.indices), "choose another --store"
            stored = known.check_values if known else frozenset()
            values = keys_to_write(place, keyring, stored, own, instead=instead)
            if values is None or state.swap(self.indices, state.KEYS, state.Keys(values), seen):
                return

    # Inside

    def _writing(self, *stale: str) -> None:
        """Note that these indices are going to change."""
        if self.readonly:
            raise StoreError(f"{self.indices} was opened for reading only.")
        self._stale.update(stale)

    def _refresh(self, *indices: str) -> None:
        """Make findable what this object wrote to these indices."""
        stale = sorted(self._stale.intersection(indices))
        if stale:
            self.indices.refresh(*stale)
            self._stale.difference_update(stale)

    def _check_timezone(self) -> None:
        if self._timezone_checked or not self._new_timezone:
            return
        days = state.settle_days(self.indices, self._new_timezone)
        if self._timezone and days.timezone != self._timezone:
            raise StoreError(
                f"{self.indices} counts its days in the time zone {days.timezone}, but "
                f"{self._timezone} is configured: set the time zone to {days.timezone}, or choose "
                "another --store."
            )
        require(str(self.indices), days.data)
        self._timezone_checked = True
