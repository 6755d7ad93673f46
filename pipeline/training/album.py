"""Pictures of evaluated cases, of which the best, middling and worst are shown."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.landcover.classes import CLASSES
from pipeline.tone import default_curve
from pipeline.training.cases import Case
from pipeline.training.datasets import IGNORE
from pipeline.training.metrics import figures
from pipeline.training.reliability import Reliability

SIDE = 240
SHOWN = 4
WRONG = (214, 39, 40)
UNKNOWN = "#f7f7f7"
COLOURS = {
    **{item.name.split()[0]: item.colour for item in CLASSES},
    "other": "#d5dade",
    "none": "#d5dade",
    "clear": "#dfe8ee",
    "cloud": "#f28e2b",
    "shadow": "#4b3b8f",
    "built": "#f39c34",
}


@dataclass(frozen=True)
class Shot:
    """One case in pictures.

    Attributes:
        score: what cases are ranked by, 0..1.
        title: names the case.
        caption: words below.
        pictures: pairs of a label and a picture as a data address.
    """

    score: float
    title: str
    caption: str
    pictures: tuple[tuple[str, str], ...]


@dataclass
class Album:
    """Shots of cases.

    Attributes:
        classes: names of the classes, in order.
        shots: one for each case with known pixels.
        reliability: of all cases, once they are measured.
    """

    classes: Sequence[str]
    shots: list[Shot] = field(default_factory=list)
    reliability: Reliability | None = None

    def add(self, case: Case, guess: NDArray[np.integer], counts: NDArray[np.integer]) -> None:
        """Take pictures of a case.

        Args:
            case: the case.
            guess: the likeliest class of each pixel.
            counts: of (truth, prediction).
        """
        found = figures(counts, self.classes)
        if found["mean_iou"] is None:
            return
        colour = true_colour(case.reflectance)
        wrong = (guess != case.labels) & (case.labels != IGNORE)
        pictures = (
            ("scene", encoded(colour)),
            ("truth", encoded(painted(case.labels, self.classes))),
            ("network", encoded(painted(np.where(case.labels == IGNORE, IGNORE, guess), self.classes))),
            ("wrong", encoded(marked(colour, wrong))),
        )
        words = [f"mean IoU {found['mean_iou']:.3f}", f"accuracy {found['overall_accuracy']:.3f}"]
        if case.cover is not None:
            words.append(f"cloud {100 * case.cover:.0f} %")
        self.shots.append(Shot(found["mean_iou"], f"{case.place}, {case.name}", ", ".join(words), pictures))

    def chosen(self, count: int = SHOWN) -> dict[str, list[Shot]]:
        """Return "worst", "middling" and "best" shots, each at most `count`, none twice."""
        order = sorted(self.shots, key=lambda shot: shot.score)
        count = min(count, max(1, len(order) // 3))
        middle = max(0, (len(order) - count) // 2)
        parts = {"worst": order[:count], "middling": order[middle:][:count], "best": order[-count:][::-1]}
        seen: set[int] = set()
        unique: dict[str, list[Shot]] = {}
        for name, shots in parts.items():
            unique[name] = [shot for shot in shots if id(shot) not in seen]
            seen.update(map(id, shots))
        return unique


def painted(labels: NDArray[np.integer], classes: Sequence[str]) -> NDArray[np.uint8]:
    """Return classes in their colours, uint8 (rows, cols, 3)."""
    table = np.zeros((256, 3), np.uint8)
    table[:] = _rgb(UNKNOWN)
    for number, name in enumerate(classes):
        table[number] = _rgb(COLOURS.get(name, "#999999"))
    return table[labels]


def true_colour(reflectance: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return R, G, B, uint8 (rows, cols, 3), under the default tone curve; white without data."""
    levels = default_curve().apply(np.ascontiguousarray(reflectance[:4]))[:3]
    return np.moveaxis(np.where(levels == 0, np.uint8(255), levels), 0, -1)


def marked(colour: NDArray[np.uint8], wrong: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return a picture in pale grey with the wrong pixels red."""
    grey = (170 + colour.mean(axis=2) / 3).astype(np.uint8)
    out = np.repeat(grey[:, :, None], 3, axis=2)
    out[wrong] = WRONG
    return out


def encoded(pixels: NDArray[np.uint8], side: int = SIDE) -> str:
    """Return a picture (rows, cols, 3), its longer side brought to `side`, as a data address of WebP."""
    picture = Image.fromarray(pixels)
    scale = side / max(picture.size)
    width, height = (max(1, round(length * scale)) for length in picture.size)
    way = Image.Resampling.NEAREST if scale >= 1 else Image.Resampling.BOX
    file = io.BytesIO()
    picture.resize((width, height), way).save(file, "WEBP", quality=82, method=4)
    return address(file.getvalue(), "image/webp")


def address(data: bytes, kind: str) -> str:
    """Return bytes as a data address."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _rgb(colour: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(colour[1:])
    return red, green, blue
