"""Several dates of one place pooled to one set of class probabilities (paper, 2.4): model, weights, sums.

The model, with d the dates of a pixel and c the classes (C = 6 of them):

    p_d(c)   what the networks say of date d (`combine.combine`)
    a_d      evidence by the cloud mask: 1 clear, `doubtful` near cloud or shadow, `shadow` in shadow,
             `cloud` under cloud, 0 without data
    h_d      probability that the whole date is hazy (the haze network on its preview), 0 where not known
    t_d      days between date d and the campaign's target date

    e_d      = a_d (1 - h_d + h_d haze)                        evidence of date d
    u_d      = 1 - (1 - doubt) exp(-change t_d / 365.25)       chance that d says nothing of the class
    q_d(c)   = (1 - u_d) p_d(c) + u_d / C                      what d says of the target date's class
    S        = sum over d of e_d
    log p(c) = scale S^growth (sum over d of e_d log q_d(c)) / S + constant

So each date's claim is first mixed with the even prior by how likely the ground, or what it looks like, was
another on that date; the claims are then pooled as a logarithmic opinion pool. `growth` tells how much of
what several dates say is new: 0, and dates that agree keep their confidence; 1, and they count as independent
of each other. Evidence under cloud and in shadow counts only beside a date that is clear or doubtful there.

The weights are fitted by least cross entropy: `python -m pipeline fit-fusion`, see
docs/decisions/fusion-of-dates.md.

Source of the pool: C. Genest and J. Zidek, Combining probability distributions, 1986.
"""

import json
import math
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.errors import UsageError
from pipeline.evidence import CLOUD, DOUBTFUL, HOLE, SHADOW, sureness
from pipeline.landcover.classes import CLASSES
from pipeline.landcover.combine import SCALE

FITTED = Path(__file__).parent / "fusion.json"
YEAR = 365.25
LEAST = 0.5
"""What a stored probability of 0 counts as, in steps of 8 bits."""

SHADED, CLOUDED = 3, 4
KINDS = 5
"""Of views of a pixel: `HOLE` (here: no data), `CLEAR`, `DOUBTFUL`, `SHADED`, `CLOUDED`."""


@dataclass(frozen=True)
class Fusion:
    """The weights of the pool, as in the model above.

    Attributes:
        doubtful: evidence of clear ground near cloud or shadow; that of clear ground is 1.
        shadow: evidence of ground in shadow.
        cloud: evidence of ground under cloud.
        haze: what is left of a date's evidence where it is surely hazy.
        doubt: chance that a date says nothing of the class, however near it is.
        change: that chance for each year between a date and the target date.
        scale: on the logarithms of all probabilities.
        growth: 0 = dates that agree keep their confidence, 1 = they count as independent.
    """

    doubtful: float
    shadow: float = 0.0
    cloud: float = 0.0
    haze: float = 1.0
    doubt: float = 0.0
    change: float = 0.0
    scale: float = 1.0
    growth: float = 0.0

    def evidence(self, haze: float) -> NDArray[np.float64]:
        """Return e_d of a date by the kind of view, float64 (KINDS,); haze is the probability of it."""
        by_kind = np.array([0.0, 1.0, self.doubtful, self.shadow, self.cloud])
        return by_kind * (1 - haze + haze * self.haze)

    def logarithms(self, days: float) -> NDArray[np.float64]:
        """Return log q_d by stored probability, float64 (256,), of a date so many days from the target."""
        mistrust = 1 - (1 - self.doubt) * math.exp(-self.change * abs(days) / YEAR)
        shares = np.maximum(np.arange(SCALE + 1), LEAST) / SCALE
        return np.log((1 - mistrust) * shares + mistrust / len(CLASSES))

    def to_json(self) -> dict[str, float]:
        """Return a JSON-able dict; `read_fusion` reads it back."""
        return asdict(self)


def read_fusion(path: Path) -> Fusion:
    """Read weights as `python -m pipeline fit-fusion` writes them.

    Raises:
        UsageError: the file cannot be read, or lacks the weights.
    """
    try:
        told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["weights"]
        return Fusion(**{item.name: float(told[item.name]) for item in fields(Fusion)})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"The weights of the fusion {path} cannot be read: {error}.", "fusion") from error


@lru_cache(maxsize=1)
def fitted() -> Fusion:
    """Return the weights that ship."""
    return read_fusion(FITTED)


def kinds_of(cloud: NDArray[np.uint8], margin: float) -> NDArray[np.uint8]:
    """Return what kind of view each pixel of a cloud mask is, uint8 (h, w).

    Args:
        cloud: uint8 (h, w): 0 clear, 1 cloud, 2 shadow, 255 no data.
        margin: pixels; clear ground at most that far from cloud or shadow is doubtful.
    """
    kinds = sureness(cloud, margin)
    kinds[cloud == SHADOW] = SHADED
    kinds[cloud == CLOUD] = CLOUDED
    return kinds


class DatePool:
    """The pool of the model above, fed one date after the other; memory does not depend on how many.

    Args:
        shape: rows and columns.
        fusion: the weights; those that ship where None.
    """

    def __init__(self, shape: tuple[int, int], fusion: Fusion | None = None) -> None:
        self.fusion = fusion or fitted()
        self.logs = np.zeros((len(CLASSES), *shape), np.float32)
        self.evidence = np.zeros(shape, np.float32)
        self.seen = np.zeros(shape, bool)

    def add(
        self, stored: NDArray[np.uint8], kinds: NDArray[np.uint8], haze: float = 0.0, days: float = 0.0
    ) -> None:
        """Add a date.

        Args:
            stored: its probabilities as `quantise` stores them, uint8 (6, h, w), all 0 without data.
            kinds: of its views (`kinds_of`), uint8 (h, w); what `sureness` tells will do.
            haze: probability that it is hazy, 0..1.
            days: between it and the target date.
        """
        weights = self.fusion.evidence(haze).astype(np.float32)
        logarithms = self.fusion.logarithms(days).astype(np.float32)
        _add(stored, kinds, weights, logarithms, self.logs, self.evidence, self.seen)

    def result(self) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Pooled probabilities float32 (6, h, w) summing to 1, and where some date was clear or doubtful."""
        pooled = np.empty_like(self.logs)
        _pool(self.logs, self.evidence, self.fusion.scale, self.fusion.growth, pooled)
        return pooled, self.seen


@njit(nogil=True, cache=True)
def _add(
    stored: NDArray[np.uint8],
    kinds: NDArray[np.uint8],
    weights: NDArray[np.float32],
    logarithms: NDArray[np.float32],
    logs: NDArray[np.float32],
    evidence: NDArray[np.float32],
    seen: NDArray[np.bool_],
) -> None:
    classes, rows, cols = stored.shape
    for row in range(rows):
        for col in range(cols):
            kind = kinds[row, col]
            weight = weights[kind]
            if kind == HOLE or weight <= 0:
                continue
            total = 0
            for number in range(classes):
                total += stored[number, row, col]
            if total == 0:
                continue
            for number in range(classes):
                logs[number, row, col] += weight * logarithms[stored[number, row, col]]
            evidence[row, col] += weight
            if kind <= DOUBTFUL:
                seen[row, col] = True


@njit(nogil=True, cache=True)
def _pool(
    logs: NDArray[np.float32],
    evidence: NDArray[np.float32],
    scale: float,
    growth: float,
    pooled: NDArray[np.float32],
) -> None:
    classes, rows, cols = logs.shape
    for row in range(rows):
        for col in range(cols):
            known = evidence[row, col]
            factor = np.float32(scale * known ** (growth - 1)) if known > 0 else np.float32(0)
            highest = logs[0, row, col]
            for number in range(1, classes):
                highest = max(highest, logs[number, row, col])
            total = np.float32(0)
            for number in range(classes):
                share = np.exp(factor * (logs[number, row, col] - highest))
                pooled[number, row, col] = share
                total += share
            for number in range(classes):
                pooled[number, row, col] /= total
