"""The clear air between ground and satellite: what molecules add to top-of-atmosphere reflectance."""

import numpy as np
from numpy.typing import NDArray

WAVELENGTHS = np.array([0.665, 0.560, 0.490])
MIDDLE_ELEVATION = 50.0
LOWEST_ELEVATION = 10.0


def rayleigh(sun_elevation: float | None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Path reflectance and transmission of molecules for R, G, B, seen from straight above at sea level.

    Single scattering: tau = 0.00864 w^-(3.916 + 0.074 w + 0.05 / w) (Leckner 1978, w in micrometres),
    path = tau P / (4 mu) with Rayleigh's phase function P = 3/4 (1 + mu^2) and mu the sine of the sun's
    elevation; half of what is scattered is lost on the way down and up.

    Args:
        sun_elevation: degrees; a middle one where None.

    Returns:
        Path reflectance and transmission, float64 (3,) each.
    """
    elevation = MIDDLE_ELEVATION if sun_elevation is None else max(sun_elevation, LOWEST_ELEVATION)
    mu = np.sin(np.radians(elevation))
    tau = 0.00864 * WAVELENGTHS ** -(3.916 + 0.074 * WAVELENGTHS + 0.05 / WAVELENGTHS)
    path = tau * 0.75 * (1 + mu**2) / (4 * mu)
    return path, np.exp(-tau / 2 * (1 / mu + 1))


def without_rayleigh(reflectance: NDArray[np.floating], sun_elevation: float | None) -> NDArray[np.float32]:
    """Top-of-atmosphere R, G, B (3, h, w) as if the air had no molecules, so that it compares with Level-2A.

    Args:
        reflectance: float (3, h, w), NaN = no data.
        sun_elevation: degrees; a middle one where None.

    Returns:
        float32 of the same shape, at least 0.
    """
    path, through = rayleigh(sun_elevation)
    cleared = (reflectance - path[:, None, None]) / through[:, None, None]
    return np.maximum(cleared, 0).astype(np.float32)
