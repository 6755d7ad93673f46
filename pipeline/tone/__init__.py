"""Reflectance to 8 bits and back: the curve, its fit to a campaign, its figures against true colour."""

from pipeline.tone.curve import (
    CURVES,
    LEVELS,
    TAG,
    Tone,
    asinh_curve,
    curve_of_tags,
    default_curve,
    load_tone,
)

__all__ = [
    "CURVES",
    "LEVELS",
    "TAG",
    "Tone",
    "asinh_curve",
    "curve_of_tags",
    "default_curve",
    "load_tone",
]
