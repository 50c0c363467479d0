"""Detectors of annotators who cannot be trusted, each compared with the crowd they are part of."""

from prefloop.stats.detection.inversion import Curve, inverted_share, roc
from prefloop.stats.detection.judged import Alike, Detected, Judged, Kind, judged
from prefloop.stats.detection.rings import needed_overlap
from prefloop.stats.detection.together import Alarm, Together, adjusted, detect

__all__ = [
    "Alarm",
    "Alike",
    "Curve",
    "Detected",
    "Judged",
    "Kind",
    "Together",
    "adjusted",
    "detect",
    "inverted_share",
    "judged",
    "needed_overlap",
    "roc",
]
