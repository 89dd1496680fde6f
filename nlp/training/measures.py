"""Measures of agreement between scores and labels: those of :mod:`nlp.measures`."""

from nlp.measures import (
    BINS,
    CLASSES,
    accuracy,
    calibration_error,
    confusion,
    f1,
    macro_f1,
    macro_f1s,
    resampled,
    weighted_f1,
)

__all__ = [
    "BINS",
    "CLASSES",
    "accuracy",
    "calibration_error",
    "confusion",
    "f1",
    "macro_f1",
    "macro_f1s",
    "resampled",
    "weighted_f1",
]
