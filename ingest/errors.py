"""Errors of posts coming in. The whole tree is drawn in :mod:`pipelines.errors`."""

from nlp.errors import MarsadError


class WatchlistError(MarsadError):
    """A watchlist can't be found, read or does not validate."""


class KeyringError(MarsadError):
    """The keys for pseudonyms can't be read, made or used."""


class SourceError(MarsadError):
    """A source can't be opened or read any further.

    ``body`` is what a platform sent instead of an answer, quarantined for diagnosis;
    ``wait`` are the seconds for which it asked to be left alone.
    """

    def __init__(self, message: str = "", *, body: bytes = b"", wait: float = 0.0) -> None:
        super().__init__(message)
        self.body = body
        self.wait = wait


class SourceBlocked(SourceError):
    """A platform refuses to answer: rate limit, ban, login wall, captcha, robots.txt, no key."""


class SourceChanged(SourceError):
    """A platform answers in another form than the one this version of Marsad knows."""


class SourceGone(SourceError):
    """What was asked for is not there (any more): deleted, renamed, suspended."""


class MappingError(SourceError):
    """The fields of a file can't be matched to those of a post."""
