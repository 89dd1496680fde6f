"""The signal with which a run asks what it has started to end."""


class Stopped(Exception):
    """Raised inside a source, by what it was given, when the run is to end. Let it pass."""
