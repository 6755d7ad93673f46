"""How accurate a map is and how much ground each class covers, from a stratified random sample.

The estimators are those of Olofsson et al. 2014, "Good practices for estimating area and assessing accuracy
of land change", Remote Sensing of Environment 148, 42-57, with the classes of the map as strata. Equations
are numbered as there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import UsageError
from pipeline.words import sentence

Z_95 = 1.96
LEAST_POINTS = 2


@dataclass(frozen=True)
class Estimate:
    """A figure with its standard error.

    Attributes:
        value: the estimate.
        error: its standard error.
    """

    value: float
    error: float

    @property
    def margin(self) -> float:
        """Half of the 95 % interval."""
        return Z_95 * self.error

    def times(self, factor: float) -> "Estimate":
        """The same in other units."""
        return Estimate(self.value * factor, self.error * factor)


@dataclass(frozen=True)
class Accuracy:
    """What a sample tells of a map of k classes.

    Attributes:
        proportions: float64 (k, k), the estimated share of the area that the map shows as a row's class and
            that is a column's (equation 4).
        overall: share of the area that the map shows right (equations 1 and 5).
        users: by class, the share of what the map shows as it that is so (2 and 6); None where the map
            shows none.
        producers: by class, the share of what is so that the map shows (3 and 7); None where there is none.
        shares: by class, its share of the area (9 and 10).
    """

    proportions: NDArray[np.float64]
    overall: Estimate
    users: tuple[Estimate | None, ...]
    producers: tuple[Estimate | None, ...]
    shares: tuple[Estimate, ...]


def accuracy(counts: NDArray[np.integer], areas: Sequence[float]) -> Accuracy:
    """Estimate accuracies and areas from the error matrix of a stratified random sample.

    Args:
        counts: int (k, k), points by the map's class (rows) and by the class that they are (columns).
        areas: of the k classes of the map, in any unit; what the map does not show is 0.

    Raises:
        UsageError: the shapes do not fit, nothing is mapped, or a class that the map shows has fewer than
            two points, so that nothing can be said of its error.
    """
    found = np.asarray(counts, np.float64)
    sizes = np.asarray(areas, np.float64)
    if found.ndim != 2 or found.shape[0] != found.shape[1] or sizes.shape != found.shape[:1]:
        raise UsageError(
            sentence(
                "A matrix of %(points)s points and %(areas)s areas do not fit.",
                points=found.shape,
                areas=sizes.shape,
            ),
            "counts",
        )
    if not sizes.sum() > 0 or (sizes < 0).any():
        raise UsageError(sentence("The map shows no ground."), "areas")
    points = found.sum(axis=1)
    lacking = [int(index) for index in np.flatnonzero((sizes > 0) & (points < LEAST_POINTS))]
    if lacking:
        raise UsageError(
            sentence(
                "Class %(code)s of the map has fewer than %(least)s points.",
                code=lacking[0] + 1,
                least=LEAST_POINTS,
            ),
            "counts",
        )
    weights = sizes / sizes.sum()
    known = points > 0
    rates = np.divide(found, points[:, None], out=np.zeros_like(found), where=known[:, None])
    # The variance of a share of a stratum's points; strata without area weigh nothing.
    spread = rates * (1 - rates) / np.maximum(points - 1, 1)[:, None]
    proportions = weights[:, None] * rates
    of_class = proportions.sum(axis=0)
    right = np.diag(rates)
    overall = Estimate(float((weights * right).sum()), float(np.sqrt((weights**2 * np.diag(spread)).sum())))
    users = tuple(
        Estimate(float(right[i]), float(np.sqrt(spread[i, i]))) if sizes[i] > 0 else None
        for i in range(len(sizes))
    )
    shares = tuple(
        Estimate(float(of_class[j]), float(np.sqrt((weights**2 * spread[:, j]).sum())))
        for j in range(len(sizes))
    )
    producers = tuple(_producers(weights, proportions, spread, j) for j in range(len(sizes)))
    return Accuracy(proportions, overall, users, producers, shares)


def _producers(
    weights: NDArray[np.float64],
    proportions: NDArray[np.float64],
    spread: NDArray[np.float64],
    j: int,
) -> Estimate | None:
    """Equations 3 and 7, with all areas as shares."""
    total = float(proportions[:, j].sum())
    if not total > 0:
        return None
    value = float(proportions[j, j]) / total
    others = np.arange(len(weights)) != j
    own = weights[j] ** 2 * (1 - value) ** 2 * spread[j, j]
    missed = value**2 * (weights[others] ** 2 * spread[others, j]).sum()
    return Estimate(value, float(np.sqrt(own + missed)) / total)


def allocate(areas: Mapping[int, int], points: int, least: int) -> dict[int, int]:
    """Share the points of a sample among the classes of a map (section 5.1.1 of the paper).

    Each class gets the least number, so that rare ones are not missed, and the rest goes by area; no class
    gets more points than it has pixels.

    Args:
        areas: pixels of each class of the map, by its code.
        points: of all classes together.
        least: of each class.

    Raises:
        UsageError: the map shows nothing, or there are too few points for the least number.
    """
    shown = {code: pixels for code, pixels in sorted(areas.items()) if pixels > 0}
    if not shown:
        raise UsageError(sentence("The map shows no ground to sample."), "points")
    if least < LEAST_POINTS or points < least * len(shown):
        raise UsageError(
            sentence(
                "%(count)s classes of at least %(least)s points each need %(needed)s points or more, "
                "not %(points)s.",
                count=len(shown),
                least=max(least, LEAST_POINTS),
                needed=max(least, LEAST_POINTS) * len(shown),
                points=points,
            ),
            "points",
        )
    total, rest = sum(shown.values()), points - least * len(shown)
    exact = {code: rest * pixels / total for code, pixels in shown.items()}
    found = {code: least + int(share) for code, share in exact.items()}
    by_remainder = sorted(shown, key=lambda code: (int(exact[code]) - exact[code], code))
    for code in by_remainder[: points - sum(found.values())]:
        found[code] += 1
    return {code: min(count, shown[code]) for code, count in found.items()}


def kappa(counts: NDArray[np.integer]) -> float | None:
    """Cohen's kappa of two people's judgements: agreement beyond what chance would give.

    Args:
        counts: int (k, k), by the first's (rows) and the second's (columns) judgement.

    Returns:
        1 where they always agree, 0 where they agree as by chance, None where nothing was judged or chance
        alone would agree always.
    """
    found = np.asarray(counts, np.float64)
    total = found.sum()
    if not total:
        return None
    agreed = np.trace(found) / total
    by_chance = float((found.sum(axis=1) * found.sum(axis=0)).sum() / total**2)
    return None if by_chance == 1 else float((agreed - by_chance) / (1 - by_chance))
