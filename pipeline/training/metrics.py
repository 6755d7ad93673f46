"""Figures from a confusion matrix, from scores, and of two labellers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.training.datasets import IGNORE


def confusion(
    labels: NDArray[np.integer], predictions: NDArray[np.integer], classes: int
) -> NDArray[np.int64]:
    """Return counts (truth, prediction) of the pixels whose label is known."""
    known = labels != IGNORE
    pairs = labels[known].astype(np.int64) * classes + predictions[known]
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def figures(matrix: NDArray[Any], classes: Sequence[str]) -> dict[str, Any]:
    """Return overall accuracy, mean IoU, and per class precision, recall, F1 and IoU.

    A class that is neither in the labels nor predicted has null figures and is left out of the mean.

    Args:
        matrix: (classes, classes) counts, or weights, of (truth, prediction).
        classes: their names.

    Returns:
        "pixels", "overall_accuracy", "mean_iou"; "f1" and "iou" by class; "classes", all four; "confusion".
    """
    hits, truth, guess = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    per_class = {name: _of_class(hits[i], truth[i], guess[i]) for i, name in enumerate(classes)}
    overlaps = [values["iou"] for values in per_class.values() if values["iou"] is not None]
    return {
        "pixels": int(matrix.sum()),
        "overall_accuracy": _ratio(hits.sum(), matrix.sum()),
        "mean_iou": round(float(np.mean(overlaps)), 4) if overlaps else None,
        "f1": {name: values["f1"] for name, values in per_class.items()},
        "iou": {name: values["iou"] for name, values in per_class.items()},
        "classes": per_class,
        "confusion": matrix.tolist(),
    }


def auc(positive: NDArray[np.floating], negative: NDArray[np.floating]) -> float | None:
    """Return the chance that a positive scores above a negative, a tie is half; None without one of both."""
    if not len(positive) or not len(negative):
        return None
    order = np.sort(negative)
    below = np.searchsorted(order, positive, side="left") + np.searchsorted(order, positive, side="right")
    return float(below.mean() / (2 * len(negative)))


def kappa(first: Sequence[Any], second: Sequence[Any]) -> float | None:
    """Return Cohen's kappa of two labellings of the same things; None where there are none.

    Source: J. Cohen, A coefficient of agreement for nominal scales, 1960.
    """
    if not len(first):
        return None
    one, two = np.asarray(first), np.asarray(second)
    agreed = float((one == two).mean())
    by_chance = sum(float((one == value).mean() * (two == value).mean()) for value in np.union1d(one, two))
    return 1.0 if by_chance == 1 else (agreed - by_chance) / (1 - by_chance)


def _of_class(hits: float, truth: float, guess: float) -> dict[str, float | None]:
    return {
        "precision": _ratio(hits, guess),
        "recall": _ratio(hits, truth),
        "f1": _ratio(2 * hits, truth + guess),
        "iou": _ratio(hits, truth + guess - hits),
    }


def _ratio(part: float, whole: float) -> float | None:
    return round(float(part / whole), 4) if whole else None
