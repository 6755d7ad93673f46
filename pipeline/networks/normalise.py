"""From reflectance to what a network reads."""

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Normalisation:
    """Clip, square root (dark surfaces get more of the range), shift and scale.

    Attributes:
        high: reflectance above this reads as this; below 0 reads as 0.
        mean: square root of the reflectance that becomes 0.
        scale: what the shifted square root is divided by.
    """

    high: float = 1.0
    mean: float = 0.35
    scale: float = 0.2

    def apply(self, reflectance: NDArray[np.floating], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Return the network's input; pixels without data become 0, the middle of the range.

        Args:
            reflectance: (bands, rows, cols), 0..1, may hold NaN.
            valid: (rows, cols), False where there is no data.
        """
        clipped = np.clip(np.where(valid, reflectance, 0), 0, self.high)
        scaled = (np.sqrt(clipped) - self.mean) / self.scale
        return np.where(valid, scaled, 0).astype(np.float32)

    def as_dict(self) -> dict[str, float]:
        """Return the fields, for a card."""
        return asdict(self)


def valid_pixels(reflectance: NDArray[np.floating], valid: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    """Return where every band is finite and `valid`, where given, agrees; (rows, cols)."""
    finite = np.isfinite(reflectance).all(axis=0)
    return finite if valid is None else finite & valid
