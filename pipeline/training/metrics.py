"""Figures from a confusion matrix."""

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


def figures(matrix: NDArray[np.int64], classes: Sequence[str]) -> dict[str, Any]:
    """Return accuracy, mean IoU, and per class precision, recall, F1 and IoU.

    A class that is neither in the labels nor predicted has null figures and is left out of the mean.
    """
    hits, truth, guess = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    per_class = {
        name: _of_class(int(hits[i]), int(truth[i]), int(guess[i])) for i, name in enumerate(classes)
    }
    overlaps = [values["iou"] for values in per_class.values() if values["iou"] is not None]
    return {
        "pixels": int(matrix.sum()),
        "accuracy": _ratio(int(hits.sum()), int(matrix.sum())),
        "mean_iou": round(float(np.mean(overlaps)), 4) if overlaps else None,
        "classes": per_class,
        "confusion": matrix.tolist(),
    }


def _of_class(hits: int, truth: int, guess: int) -> dict[str, float | None]:
    return {
        "precision": _ratio(hits, guess),
        "recall": _ratio(hits, truth),
        "f1": _ratio(2 * hits, truth + guess),
        "iou": _ratio(hits, truth + guess - hits),
    }


def _ratio(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
