"""All errors that users see, in one place.

::

    MarsadError                what, where and what to do, shown without a traceback
    ├── ModelError             a model file or checkpoint does not fit           (nlp)
    ├── WatchlistError         a watchlist is missing or not valid               (ingest)
    ├── KeyringError           the keys for pseudonyms can't be used             (ingest)
    ├── SourceError            a source can't be opened or read further          (ingest)
    │   ├── SourceBlocked      a platform refuses to answer                      (ingest)
    │   ├── SourceChanged      a platform answers in an unknown form             (ingest)
    │   ├── SourceGone         what was asked for is not there any more          (ingest)
    │   └── MappingError       a file's fields can't be matched to a post's      (ingest)
    ├── SettingsError          marsad.toml or an environment variable is wrong
    ├── QueryError             a query can't be read; says where
    ├── AccountError           an account of the page, or their file, can't be used
    ├── OutputError            a chart or an export can't be written where asked
    │   └── ChangedMeanwhile   the store changed while an export ran
    │       └── DeletedMeanwhile   posts of it were deleted
    ├── BrokerError            Kafka can't be used
    │   └── BrokerAway         no broker answers now; one may again in a while
    └── StoreError             a store can't be used
        ├── StoreBusy          another process writes to it
        ├── StoreFull          no room is left; nothing was damaged
        ├── StoreMissing       there is none yet
        ├── StoreSlow          a question took too long and was stopped
        └── StoreVersion       written by another version of Marsad

Exit codes of the command: 0 done, 1 failed, 2 wrong usage, 3 nothing found.
"""

from ingest.errors import (
    KeyringError,
    MappingError,
    SourceBlocked,
    SourceChanged,
    SourceError,
    SourceGone,
    WatchlistError,
)
from nlp.errors import MarsadError, ModelError

__all__ = [
    "AccountError",
    "BrokerAway",
    "BrokerError",
    "KeyringError",
    "MappingError",
    "MarsadError",
    "ModelError",
    "OutputError",
    "QueryError",
    "SettingsError",
    "SourceBlocked",
    "SourceChanged",
    "SourceError",
    "SourceGone",
    "StoreBusy",
    "StoreError",
    "StoreFull",
    "StoreMissing",
    "StoreSlow",
    "StoreVersion",
    "WatchlistError",
]


class SettingsError(MarsadError):
    """marsad.toml or an environment variable says something that can't be used."""


class QueryError(MarsadError):
    """A query can't be read; the message shows the place."""


class AccountError(MarsadError):
    """An account of the web page, or the file of accounts, can't be used; says what to do."""


class OutputError(MarsadError):
    """A chart or an export can't be written where it was asked for."""


class ChangedMeanwhile(OutputError):
    """The store changed while an export read it; nothing was written, another try may succeed."""


class DeletedMeanwhile(ChangedMeanwhile):
    """Posts of an export were deleted while it ran; nothing was written."""


class BrokerError(MarsadError):
    """Kafka can't be used as it is configured; says what and what to do."""


class BrokerAway(BrokerError):
    """No broker answers (any more); the same may work in a while."""


class StoreError(MarsadError):
    """A store can't be opened, read or written."""


class StoreBusy(StoreError):
    """Another process is writing to the store."""


class StoreFull(StoreError):
    """There is no room left where the store is; nothing was damaged."""


class StoreMissing(StoreError):
    """There is no store to read yet."""


class StoreSlow(StoreError):
    """A question took longer than it may and was stopped."""


class StoreVersion(StoreError):
    """The store was written by another version of Marsad."""
