"""How far a network's probabilities can be believed: reliability by confidence, its error, its picture."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from pipeline.training.datasets import IGNORE

BINS = 20
SIDE, EDGE = 360, 44
INK, BAR, GAP = "#22303c", "#5b8db8", "#c8543f"


def _empty() -> NDArray[np.float64]:
    return np.zeros((3, BINS))


@dataclass
class Reliability:
    """Predictions by confidence, the probability of the likeliest class.

    Attributes:
        counts: (3, BINS): how many pixels, the sum of their confidences, how many of them are right; the
            bins are of equal width over 0..1.
    """

    counts: NDArray[np.float64] = field(default_factory=_empty)

    def add(self, probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> None:
        """Add pixels.

        Args:
            probabilities: (classes, ...).
            labels: (...), `IGNORE` where nothing is known.
        """
        known = labels != IGNORE
        sure = probabilities.max(axis=0)[known].astype(np.float64)
        right = probabilities.argmax(axis=0)[known] == labels[known]
        place = np.minimum((sure * BINS).astype(int), BINS - 1)
        for row, weights in enumerate((None, sure, right.astype(np.float64))):
            self.counts[row] += np.bincount(place, weights, minlength=BINS)

    @property
    def error(self) -> float | None:
        """The expected calibration error: the mean gap between confidence and share right, by pixels.

        Source: Guo et al., On Calibration of Modern Neural Networks, 2017.
        """
        return error_of(self.counts)

    def points(self) -> list[dict[str, float]]:
        """Return "confidence", "right" (share) and "pixels" of the bins that have pixels."""
        return [
            {"confidence": round(total / count, 4), "right": round(right / count, 4), "pixels": int(count)}
            for count, total, right in self.counts.T
            if count
        ]


def error_of(counts: NDArray[np.float64]) -> float | None:
    """Return the expected calibration error of counts as of `Reliability`; None without pixels."""
    pixels = counts[0].sum()
    return float(np.abs(counts[1] - counts[2]).sum() / pixels) if pixels else None


def drawn(reliability: Reliability, title: str) -> Image.Image:
    """Return the reliability diagram: share right over confidence, and below it how many pixels have it.

    Args:
        reliability: what is drawn.
        title: stands above.
    """
    picture = Image.new("RGB", (SIDE + 2 * EDGE, SIDE + 2 * EDGE + SIDE // 4), "white")
    pen = ImageDraw.Draw(picture)
    pen.text((EDGE, 6), title, fill=INK)
    _frame(pen)
    counts = reliability.counts
    most = max(counts[0].max(), 1)
    for number, (count, total, right) in enumerate(counts.T):
        if not count:
            continue
        left, end = (EDGE + SIDE * edge // BINS for edge in (number, number + 1))
        low, high = sorted((right / count, total / count))
        pen.rectangle((left + 1, _y(right / count), end - 1, _y(0)), fill=BAR)
        pen.rectangle((left + 1, _y(high), end - 1, _y(low)), outline=GAP)
        floor = picture.height - EDGE // 2
        pen.rectangle((left + 1, floor - round(SIDE / 5 * count / most), end - 1, floor), fill="#9aa7b2")
    pen.line((EDGE, _y(0), EDGE + SIDE, _y(1)), fill=INK)
    error = reliability.error
    pen.text((EDGE + 12, EDGE + 10), "ECE -" if error is None else f"ECE {error:.4f}", fill=INK)
    return picture


def _frame(pen: ImageDraw.ImageDraw) -> None:
    """Axes with marks; the vertical one is the share right, the horizontal one the confidence."""
    pen.rectangle((EDGE, EDGE, EDGE + SIDE, EDGE + SIDE), outline="#9aa7b2")
    for tenth in range(0, 11, 2):
        share = tenth / 10
        pen.text((EDGE - 26, _y(share) - 6), f"{share:.1f}", fill=INK)
        pen.text((EDGE + SIDE * share - 8, EDGE + SIDE + 6), f"{share:.1f}", fill=INK)
        pen.line((EDGE, _y(share), EDGE + SIDE, _y(share)), fill="#e3e8ec")
    pen.text((EDGE + SIDE // 2 - 30, EDGE + SIDE + 20), "confidence", fill=INK)
    pen.text((6, EDGE - 20), "share right", fill=INK)


def _y(share: float) -> int:
    return round(EDGE + SIDE * (1 - share))
