"""The weights of the fusion of dates, fitted on validation places by least cross entropy."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from pipeline.errors import UsageError
from pipeline.landcover.pool import KINDS, Fusion
from pipeline.storage import write_json
from pipeline.training.datasets import IGNORE
from pipeline.training.judge import versions_of
from pipeline.training.reliability import Reliability
from pipeline.training.series import Series, series_of

SIDE = 128
PIXELS = 1000
"""Drawn of each place."""

BOUNDS = {
    "doubtful": (0.01, 2.0),
    "shadow": (0.0, 2.0),
    "cloud": (0.0, 2.0),
    "haze": (0.0, 2.0),
    "doubt": (0.0, 0.5),
    "change": (0.0, 5.0),
    "scale": (0.1, 5.0),
    "growth": (0.0, 1.0),
}
START = Fusion(
    doubtful=0.3, shadow=0.05, cloud=0.05, haze=0.5, doubt=0.01, change=0.05, scale=1.0, growth=0.3
)
NAMES = tuple(item.name for item in fields(Fusion))


@dataclass(frozen=True)
class Pixels:
    """Pixels of several places as the fusion sees them; n pixels on D dates.

    Attributes:
        stored: uint8 (n, D, 6).
        kinds: uint8 (n, D).
        haze: float32 (n, D).
        days: int (n, D).
        labels: uint8 (n,), the right classes.
    """

    stored: NDArray[np.uint8]
    kinds: NDArray[np.uint8]
    haze: NDArray[np.float32]
    days: NDArray[np.int64]
    labels: NDArray[np.uint8]


def pixels_of(series: Iterable[Series]) -> Pixels:
    """Draw pixels with a known class that some date shows clear or doubtful.

    Raises:
        UsageError: there are none.
    """
    parts = [_drawn(item, number) for number, item in enumerate(series)]
    if not sum(len(part.labels) for part in parts):
        raise UsageError("There are no pixels with known classes to fit the fusion on.", "seeds")
    return Pixels(*(np.concatenate([getattr(part, name.name) for part in parts]) for name in fields(Pixels)))


def _drawn(item: Series, number: int) -> Pixels:
    seen = np.any([view.sure for view in item.views], axis=0)
    known = np.flatnonzero(seen & (item.labels != IGNORE))
    chosen = np.random.default_rng(number).choice(known, min(PIXELS, len(known)), replace=False)
    shape = len(chosen), len(item.views)
    stored = [view.stored.reshape(len(view.stored), -1)[:, chosen].T for view in item.views]
    return Pixels(
        np.stack(stored, axis=1),
        np.stack([view.kinds.ravel()[chosen] for view in item.views], axis=1),
        np.broadcast_to(np.array([view.haze for view in item.views], np.float32), shape),
        np.broadcast_to(np.array([view.days for view in item.views]), shape),
        item.labels.ravel()[chosen],
    )


def logarithms(pixels: Pixels, fusion: Fusion) -> NDArray[np.float64]:
    """Return the logarithms of the pooled probabilities (n, 6), as `pool.DatePool` pools them."""
    evidence = _looked_up(pixels.haze, lambda haze: fusion.evidence(float(haze)), pixels.kinds)
    evidence[~pixels.stored.any(axis=2)] = 0
    logs = _looked_up(pixels.days, lambda days: fusion.logarithms(float(days)), pixels.stored)
    pooled = (evidence[..., None] * logs).sum(axis=1)
    factor = fusion.scale * evidence.sum(axis=1) ** (fusion.growth - 1)
    pooled *= factor[:, None]
    pooled -= pooled.max(axis=1, keepdims=True)
    return pooled - np.log(np.exp(pooled).sum(axis=1, keepdims=True))


def _looked_up(keys: NDArray[Any], table_of: Any, codes: NDArray[np.uint8]) -> NDArray[np.float64]:
    """The table of each date's key (haze, days) at its codes; keys are (n, D), codes (n, D, ...)."""
    values, which = np.unique(keys, return_inverse=True)
    tables = np.stack([table_of(value) for value in values]).astype(np.float64)
    which = which.reshape(keys.shape + (1,) * (codes.ndim - keys.ndim))
    return tables[which, codes]


def cross_entropy(pixels: Pixels, fusion: Fusion) -> float:
    """Return the mean negative logarithm of the pooled probability of the right class."""
    return float(-logarithms(pixels, fusion)[np.arange(len(pixels.labels)), pixels.labels].mean())


def fit(pixels: Pixels, fixed: Sequence[str] = (), start: Fusion = START) -> Fusion:
    """Return the weights of least cross entropy within `BOUNDS`.

    Args:
        pixels: of validation places.
        fixed: names of weights that stay as `start` has them.
        start: where the search begins.
    """
    free = [name for name in NAMES if name not in fixed]
    begin = start.to_json()

    def made(values: NDArray[np.floating]) -> Fusion:
        return Fusion(**(begin | {name: float(value) for name, value in zip(free, values, strict=True)}))

    found = minimize(
        lambda values: cross_entropy(pixels, made(values)),
        [begin[name] for name in free],
        method="L-BFGS-B",
        bounds=[BOUNDS[name] for name in free],
        options={"maxiter": 200, "ftol": 1e-9},
    )
    return made(np.round(found.x, 4))


def worth(pixels: Pixels, fusion: Fusion) -> dict[str, float]:
    """Return "cross_entropy", "ece" and "overall_accuracy" of the pooled pixels."""
    chances = np.exp(logarithms(pixels, fusion))
    belief = Reliability()
    belief.add(chances.T, pixels.labels)
    return {
        "cross_entropy": round(cross_entropy(pixels, fusion), 4),
        "ece": round(belief.error or 0.0, 4),
        "overall_accuracy": round(float((chances.argmax(axis=1) == pixels.labels).mean()), 4),
    }


def fit_fusion(
    seeds: Sequence[int],
    resolutions: Sequence[float],
    weights: Path,
    dates: int,
    out: Path,
    before: Fusion,
    command: str,
) -> dict[str, Any]:
    """Fit the weights of the fusion on simulated validation places and write them to a file.

    Args:
        seeds: simulator seeds of the validation places.
        resolutions: metres.
        weights: folder of the networks' weights.
        dates: of each place.
        out: the file.
        before: weights to compare with.
        command: that asks for this.

    Returns:
        What the file has: "weights", "command", "networks" (versions), "pixels", figures "before" and
        "after", and "without": the cross entropy where one part of the model does nothing.
    """
    parts = [
        series_of(seeds, metres, weights, dates, SIDE, windows=1, true_haze=True) for metres in resolutions
    ]
    pixels = pixels_of(item for part in parts for item in part)
    found = fit(pixels)
    told = {
        "weights": found.to_json(),
        "command": command,
        "networks": versions_of("landcover", weights) | versions_of("cloud", weights),
        "pixels": len(pixels.labels),
        "dates": pixels.kinds.shape[1],
        "views": np.bincount(pixels.kinds.ravel(), minlength=KINDS).tolist(),
        "before": worth(pixels, before),
        "after": worth(pixels, found),
        "without": {name: _without(pixels, found, name) for name in NAMES},
    }
    write_json(out, told)
    return told


def _without(pixels: Pixels, found: Fusion, name: str) -> float:
    """The cross entropy where the part of the model by that name does nothing, the rest as fitted."""
    none = {"doubtful": 1.0, "haze": 1.0, "scale": 1.0}
    return round(cross_entropy(pixels, replace(found, **{name: none.get(name, 0.0)})), 4)
