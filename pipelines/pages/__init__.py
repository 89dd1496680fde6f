"""The like counters of pages: what readings of them say about likes lost."""
