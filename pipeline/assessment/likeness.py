"""How near a composite comes to the clear surface, beside the medians that people would use instead."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass
class Likeness:
    """Moments of a product against the truth, band by band, over the pixels that all products have.

    Attributes:
        moments: by product, float64 (4, 4): sums of p p, p t, t t and the number, of each band.
    """

    moments: dict[str, NDArray[np.float64]] = field(default_factory=dict)

    def add(self, truth: NDArray[np.float32], products: Mapping[str, NDArray[np.float32]]) -> None:
        """Add a window: reflectance (4, h, w) of the truth and the products, NaN = none."""
        known = np.isfinite(truth).all(axis=0)
        for product in products.values():
            known &= np.isfinite(product).all(axis=0)
        t = truth[:, known].astype(np.float64)
        for name, product in products.items():
            p = product[:, known].astype(np.float64)
            count = np.full(len(p), known.sum(), float)
            sums = np.stack([(p * p).sum(axis=1), (p * t).sum(axis=1), (t * t).sum(axis=1), count], axis=1)
            self.moments[name] = self.moments.get(name, 0) + sums

    def rmse(self) -> dict[str, list[float]]:
        """RMSE by product and band in reflectance, after the best gain of each band."""
        found = {}
        for name, sums in self.moments.items():
            pp, pt, tt, count = sums.T
            square = np.maximum(tt - pt**2 / np.maximum(pp, 1e-12), 0) / np.maximum(count, 1)
            found[name] = np.sqrt(square).tolist()
        return found
