"""Reflectance to 8 bits and back, by one monotone curve for R, G, B and one for NIR (paper, 2.2 a).

The curves are level = 1 + round(254 * asinh(r / a) / asinh(top / a)): near 0 they are linear and steep, so
that dark ground keeps its texture, and beyond `a` logarithmic, so that sand, snow and cloud do as well.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from pipeline.errors import SourceError, UsageError
from pipeline.lookup import look_up
from pipeline.raster import QUANTIFICATION, encode
from pipeline.words import sentence

LEVELS = 255
STORED_VALUES = 65_536
RGB_BEND, NIR_BEND, TOP = 0.05, 0.2, 1.2
TAG = "EARTHQUILT_TONE"


@dataclass(frozen=True)
class Tone:
    """A table between stored reflectance and levels 1..255; 0 is empty on both sides.

    Attributes:
        name: as in the campaign's settings.
        rgb: the least stored reflectance of levels 2 to 255 in R, G and B, 254 values, each above the last.
        nir: likewise in NIR.
        top: stored reflectance that level 255 reaches up to; what is brighter is saturated.
    """

    name: str
    rgb: tuple[int, ...]
    nir: tuple[int, ...]
    top: int

    def __post_init__(self) -> None:
        """Refuse tables that cannot be inverted."""
        for table in (self.rgb, self.nir):
            values = np.array([1, *table, self.top + 1])
            if len(table) != LEVELS - 1 or (np.diff(values) < 1).any() or self.top >= STORED_VALUES:
                raise UsageError(
                    sentence(
                        "The tone table %(name)s does not have 255 levels, each above the last.",
                        name=self.name,
                    ),
                    "tone",
                )

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        """Reflectance to levels.

        Args:
            pixels: (4, h, w) in the order R, G, B, NIR: stored reflectance, uint16, 0 = empty, or
                floating reflectance, NaN = empty, which is rounded to stored reflectance first.

        Returns:
            uint8 of the same shape; 0 = empty, reflectance at or below 0 is 1.
        """
        stored = encode(pixels) if np.issubdtype(pixels.dtype, np.floating) else pixels
        return look_up(_forward(self), stored)

    def invert(self, levels: np.ndarray) -> np.ndarray:
        """Levels to reflectance, the middle of each level's step: at most half a step off.

        Args:
            levels: uint8 (4, h, w) in the order R, G, B, NIR.

        Returns:
            float32 reflectance of the same shape, NaN where a level is 0.
        """
        reflectance = np.empty(levels.shape, np.float32)
        for band, table in enumerate(_backward(self)):
            np.take(table, levels[band], out=reflectance[band])
        return reflectance

    def tables(self) -> np.ndarray:
        """Level of each stored value, uint8 (4, 65536) for R, G, B, NIR."""
        return _forward(self).copy()

    def steps(self) -> np.ndarray:
        """Width of each level's step in reflectance, float64 (4, 256) for R, G, B, NIR; 0 for level 0."""
        edges = _edges(self)
        return np.pad(np.diff(edges, axis=1) / QUANTIFICATION, ((0, 0), (1, 0)))

    def tags(self) -> dict[str, str]:
        """Metadata that a product carries, so that its levels can be brought back to reflectance."""
        return {TAG: json.dumps(self.to_json(), separators=(",", ":"))}

    def to_json(self) -> dict[str, Any]:
        """A JSON-able dict; `from_json` gives the same curve back."""
        return {"name": self.name, "top": self.top, "rgb": list(self.rgb), "nir": list(self.nir)}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Tone":
        """A curve from a dict of `to_json`.

        Raises:
            UsageError: the content is no table of 255 levels.
        """
        try:
            rgb, nir = (tuple(int(value) for value in content[name]) for name in ("rgb", "nir"))
            return cls(str(content["name"]), rgb, nir, int(content["top"]))
        except (KeyError, TypeError, ValueError) as error:
            raise UsageError(
                sentence(
                    "The content is no tone table: it needs name, top, rgb and nir (254 whole numbers each)."
                ),
                "tone",
            ) from error


def load_tone(name: str | Tone) -> Tone:
    """The curve that `settings.tone` gives: a name, or the campaign's own table.

    Raises:
        UsageError: there is no such curve.
    """
    if isinstance(name, Tone):
        return name
    if name not in CURVES:
        raise UsageError(
            sentence(
                "There is no tone curve named %(name)r; there is %(names)s.",
                name=name,
                names=", ".join(CURVES),
            ),
            "tone",
        )
    return CURVES[name]()


def curve_of_tags(tags: Mapping[str, str]) -> Tone | None:
    """The curve that a product carries in its metadata, or None where it carries none.

    Raises:
        SourceError: the table in the metadata is broken.
    """
    if TAG not in tags:
        return None
    try:
        return Tone.from_json(json.loads(tags[TAG]))
    except (ValueError, UsageError) as error:
        raise SourceError(
            sentence("The tone table in the raster's metadata is broken: %(reason)s", reason=error)
        ) from error


@lru_cache(maxsize=1)
def default_curve() -> Tone:
    """The curve of campaigns that name no other, for reflectance up to 1.2.

    ESA's true colour is linear up to 0.3558 and flat beyond. In R, G, B this one is steeper up to 0.08, where
    forest and water lie, and keeps rising over sand, snow and cloud; in NIR it bends later, as vegetation
    is at 0.2 to 0.5 there.
    """
    return asinh_curve("default", rgb_bend=RGB_BEND, nir_bend=NIR_BEND, top=TOP)


def asinh_curve(name: str, rgb_bend: float, nir_bend: float, top: float) -> Tone:
    """A curve that is linear below its bend and logarithmic above.

    Args:
        name: name of the curve.
        rgb_bend: reflectance at which the curve of R, G, B bends.
        nir_bend: likewise in NIR.
        top: reflectance that level 255 stands for.
    """
    rgb, nir = (_asinh_table(bend, top) for bend in (rgb_bend, nir_bend))
    return Tone(name, rgb, nir, round(top * QUANTIFICATION) + 1)


CURVES: dict[str, Callable[[], Tone]] = {"default": default_curve}


def _asinh_table(bend: float, top: float) -> tuple[int, ...]:
    shares = (np.arange(1, LEVELS) - 0.5) / (LEVELS - 1)
    reflectance = bend * np.sinh(shares * np.arcsinh(top / bend))
    return tuple(int(value) for value in np.ceil(reflectance * QUANTIFICATION).astype(int) + 1)


def _edges(tone: Tone) -> np.ndarray:
    """The least stored value of levels 1 to 255 and one past the top, int (4, 256)."""
    return np.array([[1, *table, tone.top + 1] for table in (tone.rgb, tone.rgb, tone.rgb, tone.nir)])


@lru_cache(maxsize=8)
def _forward(tone: Tone) -> np.ndarray:
    """Level of each stored value, uint8 (4, 65536)."""
    values = np.arange(STORED_VALUES)
    levels = [np.searchsorted(edges[:-1], values, side="right") for edges in _edges(tone)]
    return np.stack(levels).astype(np.uint8)


@lru_cache(maxsize=8)
def _backward(tone: Tone) -> np.ndarray:
    """Reflectance of each level, float32 (4, 256), NaN for level 0."""
    edges = _edges(tone)
    middle = ((edges[:, :-1] + edges[:, 1:] - 1) / 2 - 1) / QUANTIFICATION
    return np.pad(middle, ((0, 0), (1, 0)), constant_values=np.nan).astype(np.float32)
