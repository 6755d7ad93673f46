"""One temperature for a network, so that its probabilities mean what they say on other places."""

import dataclasses
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from pipeline.errors import UsageError
from pipeline.networks.card import Card, read_card
from pipeline.training.cases import of_seeds
from pipeline.training.datasets import IGNORE
from pipeline.training.evaluate_haze import scored_seeds
from pipeline.training.export import write_cards
from pipeline.training.judge import judge_of
from pipeline.training.reliability import Reliability

PIXELS = 4000
"""Drawn of each case."""

RANGE = (0.1, 10.0)
LEAST = 1e-7

READ_AS_THEY_ARE = {"cloud": "masks hold its probabilities against thresholds (pipeline/imagery/spots.py)"}
"""Networks whose probabilities are read as they are, and why."""


def fit_temperature(chances: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """Return what scores are to be divided by for the least cross entropy.

    Source: Guo et al., On Calibration of Modern Neural Networks, 2017.

    Args:
        chances: (things, classes), as they are.
        labels: (things,), the right classes.

    Raises:
        UsageError: there are none.
    """
    if not len(labels):
        raise UsageError("There are no pixels with known classes to calibrate on.", "seeds")
    scores = np.log(np.maximum(chances.astype(np.float64), LEAST))

    def entropy(logarithm: float) -> float:
        return cross_entropy(scores / np.exp(logarithm), labels)

    best = minimize_scalar(entropy, bounds=tuple(np.log(RANGE)), method="bounded", options={"xatol": 1e-4})
    return float(np.exp(best.x))


def cross_entropy(scores: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """Return the mean negative logarithm of the probability of the right class; scores are before softmax."""
    highest = scores.max(axis=1)
    total = highest + np.log(np.exp(scores - highest[:, None]).sum(axis=1))
    return float((total - scores[np.arange(len(labels)), labels]).mean())


def calibrate(
    name: str,
    weights: Path,
    seeds: Iterable[int],
    resolutions: Iterable[float],
    *,
    version: str | None = None,
    even_so: bool = False,
) -> dict[str, Any]:
    """Fit a network's temperature on validation places and write it into its cards.

    Args:
        name: the network.
        weights: folder of weights and cards.
        seeds: simulator seeds of the validation places.
        resolutions: metres of the scenes; not used for networks that read previews.
        version: of the network with the new temperature; by default the next patch version.
        even_so: calibrate a network whose probabilities are read as they are.

    Returns:
        "temperature", "version", "pixels", and "cross_entropy" and "ece" "before" and "after".

    Raises:
        UsageError: the network's probabilities are read as they are.
    """
    if name in READ_AS_THEY_ARE and not even_so:
        raise UsageError(f"{name} keeps its temperature of 1: {READ_AS_THEY_ARE[name]}.", "name")
    card = read_card(weights / f"{name}.json")
    seeds = list(seeds)
    parts = list(_scored(seeds, weights) if name == "haze" else _drawn(name, seeds, resolutions, weights))
    chances, labels = np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])
    factor = fit_temperature(chances, labels)
    scores = np.log(np.maximum(chances.astype(np.float64), LEAST))
    changed = dataclasses.replace(
        card,
        temperature=round(card.temperature * factor, 4),
        version=version or next_patch(card.version),
        places=_with_validation(card, seeds),
    )
    write_cards(changed, weights)
    return {
        "temperature": changed.temperature,
        "version": changed.version,
        "pixels": len(labels),
        "before": _worth(scores, labels),
        "after": _worth(scores / factor, labels),
    }


def next_patch(version: str) -> str:
    """Return the version after, its last number raised: "2.0.1" gives "2.0.2", "test" gives "test.1"."""
    head, _, last = version.rpartition(".")
    return f"{head}.{int(last) + 1}" if head and last.isdigit() else f"{version}.1"


def _drawn(
    name: str, seeds: list[int], resolutions: Iterable[float], weights: Path
) -> Iterator[tuple[NDArray[np.floating], NDArray[np.integer]]]:
    """Some of the known pixels of each validation case: probabilities and classes."""
    judge = judge_of(name, weights)
    for resolution in (0,) if name == "preview-cloud" else resolutions:
        for number, case in enumerate(of_seeds(name, seeds, resolution)):
            known = np.flatnonzero(case.labels != IGNORE)
            rng = np.random.default_rng(number)
            chosen = rng.choice(known, min(PIXELS, len(known)), replace=False)
            chances = judge.probabilities(case.reflectance)
            yield chances.reshape(len(chances), -1)[:, chosen].T, case.labels.ravel()[chosen]


def _scored(seeds: list[int], weights: Path) -> Iterator[tuple[NDArray[np.floating], NDArray[np.integer]]]:
    for item in scored_seeds(seeds, weights):
        yield np.array([[1 - item.score, item.score]]), np.array([int(item.hazy)])


def _worth(scores: NDArray[np.floating], labels: NDArray[np.integer]) -> dict[str, float]:
    chances = np.exp(scores - scores.max(axis=1, keepdims=True))
    belief = Reliability()
    belief.add((chances / chances.sum(axis=1, keepdims=True)).T, labels)
    return {
        "cross_entropy": round(cross_entropy(scores, labels), 4),
        "ece": round(belief.error or 0.0, 4),
    }


def _with_validation(card: Card, seeds: list[int]) -> dict[str, list[str]]:
    places = {split: list(names) for split, names in card.places.items()}
    told = f"simulator seeds {seeds[0]}-{seeds[-1]}"
    if told not in places.setdefault("validation", []):
        places["validation"].append(told)
    return places
