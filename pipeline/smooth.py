"""A gain and an offset that vary smoothly over a tile."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.grid import SIZE

KNOTS = 3
SPACING = SIZE / (KNOTS - 1)
GAIN_STEP = 1 / 1024
OFFSETS_PER_ONE = 10_000


@dataclass(frozen=True)
class SmoothCorrection:
    """What brings one tile to the radiometry of its surroundings: reflectance * gain + offset, by band.

    Gain and offset are given at KNOTS x KNOTS places of the tile, 54.9 km apart, and are linear in both
    directions between them.

    Attributes:
        gain: float64 (4, KNOTS, KNOTS), from north to south and west to east, multiples of 1/1024.
        offset: float64 (4, KNOTS, KNOTS), reflectance, multiples of 0.0001.
    """

    gain: NDArray[np.float64]
    offset: NDArray[np.float64]

    @classmethod
    def identity(cls, bands: int = 4) -> "SmoothCorrection":
        """The correction that changes nothing."""
        return cls(np.ones((bands, KNOTS, KNOTS)), np.zeros((bands, KNOTS, KNOTS)))

    @classmethod
    def rounded(cls, gain: NDArray[np.float64], offset: NDArray[np.float64]) -> "SmoothCorrection":
        """Gains and offsets (bands, KNOTS, KNOTS) at the nearest steps."""
        steps = np.rint(offset * OFFSETS_PER_ONE).astype(np.int64)
        return cls(np.rint(gain / GAIN_STEP) * GAIN_STEP, steps / OFFSETS_PER_ONE)

    @property
    def changes(self) -> bool:
        """Whether it is not the identity."""
        return bool((self.gain != 1).any() or (self.offset != 0).any())

    def apply(
        self, reflectance: NDArray[np.float64], south: NDArray[np.float64], east: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Corrected reflectance; what a pixel becomes depends on its place and value alone, to the bit.

        Args:
            reflectance: (bands, h, w).
            south: (h), metres from the tile's upper edge to the rows' centres.
            east: (w), metres from its left edge to the columns' centres.
        """
        if not self.changes:
            return reflectance
        corrected = np.empty_like(reflectance)
        for band, values in enumerate(reflectance):
            np.multiply(values, between_knots(self.gain[band], south, east), out=corrected[band])
            corrected[band] += between_knots(self.offset[band], south, east)
        return corrected

    def at(
        self, means: NDArray[np.float64], south: NDArray[np.float64], east: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Corrected reflectance (bands, n) of n single places, metres from the tile's upper-left corner."""
        shares = knot_shares(south, east)
        bands = len(self.gain)
        return means * (self.gain.reshape(bands, -1) @ shares.T) + self.offset.reshape(bands, -1) @ shares.T

    def to_json(self) -> dict[str, Any]:
        """Gains and offsets as nested lists, for a report."""
        return {"gain": self.gain.tolist(), "offset": self.offset.tolist()}


def between_knots(
    knots: NDArray[np.float64], south: NDArray[np.float64], east: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Values (h, w) between the knots (KNOTS, KNOTS) of a tile.

    Only products and sums of single numbers are taken, for a matrix product may round differently in windows
    of different size.
    """
    row, down = _cell_of(south)
    col, across = _cell_of(east)
    lines = knots[:, col] * (1 - across) + knots[:, col + 1] * across
    return lines[row] * (1 - down)[:, None] + lines[row + 1] * down[:, None]


def knot_shares(south: NDArray[np.float64], east: NDArray[np.float64]) -> NDArray[np.float64]:
    """How much each knot has to say at n places of a tile, (n, KNOTS * KNOTS), summing to 1."""
    down, across = _shares(south), _shares(east)
    return (down[:, :, None] * across[:, None, :]).reshape(len(south), KNOTS * KNOTS)


def _shares(metres: NDArray[np.float64]) -> NDArray[np.float64]:
    cell, beyond = _cell_of(metres)
    shares = np.zeros((len(metres), KNOTS))
    places = np.arange(len(metres))
    shares[places, cell], shares[places, cell + 1] = 1 - beyond, beyond
    return shares


def _cell_of(metres: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The knot before each place along one axis, and how far beyond it the place lies, 0..1."""
    steps = np.clip(metres / SPACING, 0.0, KNOTS - 1.0)
    cell = np.minimum(steps.astype(np.int64), KNOTS - 2)
    return cell, steps - cell
