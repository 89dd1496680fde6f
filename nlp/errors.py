"""The root of Marsad's errors, and those of this package.

The root lives here because ``nlp`` is the lowest package: the others import from it.
The whole tree is drawn in :mod:`pipelines.errors`.
"""


class MarsadError(Exception):
    """Any failure that Marsad explains: what happened, to what, and what to do.

    The message is shown to users as it is, without a traceback.
    """


class ModelError(MarsadError):
    """A model file or checkpoint is missing, broken or does not fit."""
