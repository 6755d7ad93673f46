"""What a tone curve makes of ground, measured against ESA's true-colour image on the same pixels.

For each band the clear pixels are split into tenths by their own reflectance. The local contrast of a tenth
is the mean difference, in levels, between its pixels and their clear neighbours to the left, right, above and
below. Since a curve is monotone, that mean is a sum over the steps between stored values, each weighted by
how often a pair of neighbours lies on both sides of it: exact for any table, and linear in the table.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.raster import BANDS, QUANTIFICATION, filled
from pipeline.tone.curve import LEVELS, STORED_VALUES, Tone

TENTHS = 10
ENDS_NEED = 1.5
OTHERS_NEED = 0.8
NEEDED = np.array([ENDS_NEED, *[OTHERS_NEED] * (TENTHS - 2), ENDS_NEED])
SATURATED_SHARE = 0.1
USED_FROM, USED_TO = 0.01, 0.999
TRUE_COLOUR_TOPS = (0.3558, 0.3558, 0.3558, 0.7116)
CLOUD_REFLECTANCE = 1.0


@dataclass(frozen=True)
class Picture:
    """Pixels that a curve is measured on.

    Attributes:
        stored: stored reflectance, uint16 (4, h, w), R, G, B, NIR, 0 = empty.
        clear: bool (h, w), clear ground; what is empty is never clear.
    """

    stored: NDArray[np.uint16]
    clear: NDArray[np.bool_]

    def __post_init__(self) -> None:
        """Take what is empty off the clear pixels."""
        object.__setattr__(self, "clear", self.clear & filled(self.stored))


@dataclass(frozen=True)
class Crossings:
    """What pictures say of every curve.

    Attributes:
        counts: int64 (4, 10, 65536); [b, k, v] = pairs of a pixel of tenth k and a neighbour that lie on both
            sides of the step from stored value v to v + 1, in band b.
        pairs: int64 (4, 10), all pairs of a pixel of the tenth and a neighbour.
        clear: int64 (4, 65536), clear pixels by stored value.
        seen: int64 (4, 65536), all pixels that are not empty, by stored value.
    """

    counts: NDArray[np.int64]
    pairs: NDArray[np.int64]
    clear: NDArray[np.int64]
    seen: NDArray[np.int64]

    @classmethod
    def of(cls, pictures: Sequence[Picture]) -> "Crossings":
        """Count the pairs of pictures that make one campaign: its tenths are common to all of them."""
        clear = _histogram(picture.stored[:, picture.clear] for picture in pictures)
        seen = _histogram(picture.stored[:, filled(picture.stored)] for picture in pictures)
        counts = np.zeros((len(BANDS), TENTHS, STORED_VALUES), np.int64)
        pairs = np.zeros((len(BANDS), TENTHS), np.int64)
        for band in range(len(BANDS)):
            tenth_of = _tenths(clear[band])
            for picture in pictures:
                for one, other in _neighbours(picture.stored[band], picture.clear):
                    tenth = tenth_of[one]
                    counts[band] += _ends(tenth, np.minimum(one, other)) - _ends(
                        tenth, np.maximum(one, other)
                    )
                    pairs[band] += np.bincount(tenth, minlength=TENTHS)
        return cls(counts.cumsum(axis=-1), pairs, clear, seen)

    def contrast(self, tables: NDArray[Any]) -> NDArray[np.float64]:
        """Local contrast by band and tenth, float64 (4, 10), in levels; 0 where a tenth has no pairs.

        Args:
            tables: level of each stored value, (4, 65536).
        """
        steps = np.diff(tables.astype(np.float64), axis=-1)
        summed = np.einsum("bkv,bv->bk", self.counts[..., :-1], steps)
        return np.asarray(summed / np.maximum(self.pairs, 1))


@dataclass(frozen=True)
class ToneFigures:
    """A curve against ESA's true colour; all by band R, G, B, NIR.

    Attributes:
        ratios: float64 (4, 10), local contrast over that of true colour by tenths; inf where that has none.
        saturated: share of the pixels, cloud among them, at level 255.
        saturated_true_colour: the same of true colour.
        unused: levels that no clear pixel has, between those of the 1st and the 99.9th percentile.
        cloud_level: level of reflectance 1.0.
    """

    ratios: NDArray[np.float64]
    saturated: NDArray[np.float64]
    saturated_true_colour: NDArray[np.float64]
    unused: NDArray[np.int64]
    cloud_level: NDArray[np.int64]

    @property
    def worst(self) -> float:
        """The least ratio, as a multiple of what its tenth needs; enough from 1 on."""
        return float((self.ratios / NEEDED).min())

    @property
    def shortcomings(self) -> list[str]:
        """What the curve does not reach, as sentences; empty where it is all that is asked."""
        lacking = np.nonzero(self.ratios < NEEDED)
        found = [
            f"Tenth {tenth + 1} of {BANDS[band]} has {self.ratios[band, tenth]:.2f} times the contrast of "
            f"true colour, not {NEEDED[tenth]:g} times."
            for band, tenth in zip(*lacking, strict=True)
        ]
        for band, name in enumerate(BANDS):
            if self.saturated[band] > SATURATED_SHARE * self.saturated_true_colour[band]:
                found.append(f"More than a tenth of what true colour saturates in {name} is saturated.")
            if self.unused[band]:
                found.append(f"{self.unused[band]} levels of {name} are not used.")
            if self.cloud_level[band] >= LEVELS:
                found.append(f"Cloud of reflectance {CLOUD_REFLECTANCE:g} is saturated in {name}.")
        return found

    def to_json(self) -> dict[str, Any]:
        """A JSON-able dict, bands by name."""
        shown = np.where(np.isfinite(self.ratios), self.ratios, 999.0).round(3)
        return {
            "worst": round(self.worst, 3),
            "ratios": dict(zip(BANDS, shown.tolist(), strict=True)),
            "saturated": dict(zip(BANDS, self.saturated.tolist(), strict=True)),
            "saturated_true_colour": dict(zip(BANDS, self.saturated_true_colour.tolist(), strict=True)),
            "unused_levels": dict(zip(BANDS, self.unused.tolist(), strict=True)),
            "level_of_cloud": dict(zip(BANDS, self.cloud_level.tolist(), strict=True)),
            "shortcomings": self.shortcomings,
        }


def measure(tone: Tone, crossings: Crossings) -> ToneFigures:
    """The figures of a curve on the pictures that were counted."""
    ours, theirs = tone.tables(), true_colour()
    reference = crossings.contrast(theirs)
    ratios = np.divide(
        crossings.contrast(ours), reference, out=np.full(reference.shape, np.inf), where=reference > 0
    )
    cloud = round(CLOUD_REFLECTANCE * QUANTIFICATION) + 1
    return ToneFigures(
        ratios,
        _saturated(ours, crossings.seen),
        _saturated(theirs, crossings.seen),
        np.array([_unused(table, counts) for table, counts in zip(ours, crossings.clear, strict=True)]),
        ours[:, cloud].astype(np.int64),
    )


def true_colour() -> NDArray[np.uint8]:
    """ESA's true-colour image: level of each stored value, uint8 (4, 65536).

    Linear from 1 at reflectance 0 to 255 at 0.3558, flat beyond, 0 = empty. It has no NIR: for that band the
    same picture stands up to twice the reflectance, as vegetation is about twice as bright there.
    """
    reflectance = (np.arange(STORED_VALUES) - 1.0) / QUANTIFICATION
    shares = reflectance / np.array(TRUE_COLOUR_TOPS)[:, np.newaxis]
    levels = np.clip(np.rint(shares * (LEVELS - 1)) + 1, 1, LEVELS)
    levels[:, 0] = 0
    return levels.astype(np.uint8)


def _histogram(pixels: Iterator[NDArray[np.uint16]]) -> NDArray[np.int64]:
    found = np.zeros((len(BANDS), STORED_VALUES), np.int64)
    for values in pixels:
        for band in range(len(BANDS)):
            found[band] += np.bincount(values[band], minlength=STORED_VALUES)
    return found


def _tenths(histogram: NDArray[np.int64]) -> NDArray[np.int64]:
    """The tenth (0..9) of each stored value; equal values are never split."""
    below = histogram.cumsum() - histogram
    total = max(int(histogram.sum()), 1)
    middle = (below + histogram / 2) / total
    return np.minimum((middle * TENTHS).astype(np.int64), TENTHS - 1)


def _neighbours(
    stored: NDArray[np.uint16], clear: NDArray[np.bool_]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Stored values of clear pixels and of their clear neighbours, each pair once from either side."""
    values = stored.astype(np.int64)
    for axis in (0, 1):
        first, second = [slice(None)] * 2, [slice(None)] * 2
        first[axis], second[axis] = slice(None, -1), slice(1, None)
        both = clear[tuple(first)] & clear[tuple(second)]
        one, other = values[tuple(first)][both], values[tuple(second)][both]
        yield one, other
        yield other, one


def _ends(tenth: NDArray[np.int64], values: NDArray[np.int64]) -> NDArray[np.int64]:
    """How often each stored value ends a pair, int64 (10, 65536)."""
    counted = np.bincount(tenth * STORED_VALUES + values, minlength=TENTHS * STORED_VALUES)
    return counted.reshape(TENTHS, STORED_VALUES)


def _saturated(tables: NDArray[np.uint8], histogram: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.asarray((histogram * (tables == LEVELS)).sum(axis=1) / np.maximum(histogram.sum(axis=1), 1))


def _unused(table: NDArray[np.uint8], histogram: NDArray[np.int64]) -> int:
    """Levels without a pixel between those of the 1st and the 99.9th percentile."""
    shares = histogram.cumsum() / max(int(histogram.sum()), 1)
    low, high = (int(table[np.searchsorted(shares, share)]) for share in (USED_FROM, USED_TO))
    used = np.bincount(table, weights=histogram, minlength=LEVELS + 1) > 0
    return int((~used[low : high + 1]).sum())
