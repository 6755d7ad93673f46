"""The picture on a network's card: worst, middling and best places, each as scene, truth and prediction."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from pipeline.training.album import COLOURS, UNKNOWN, Album, painted, true_colour
from pipeline.training.cases import Case
from pipeline.training.datasets import IGNORE
from pipeline.training.evaluate_haze import Scored
from pipeline.training.metrics import confusion, figures

PART = 128
"""Pixels a side of what is shown of a case."""

LEAST = 0.02
"""Share of a part's known pixels that a class must have for the part to say something about it."""

KNOWN = 0.5
SIDE = 176
GAP = 8
LINE = 18
INK = "#1f2d38"
SOFT = "#5f6f7c"
COLUMNS = ("scene", "truth", "network")
ROWS = (("worst", 2), ("middling", 1), ("best", 1))
SHADES = (160, 96, 64, 32)
MOST_BYTES = 150_000


@dataclass(frozen=True)
class Strip:
    """One place in pictures.

    Attributes:
        score: what places are ranked by, 0..1.
        case: names where it lies; at most one strip of a case is shown as worst.
        words: below the row's name.
        pictures: uint8 (rows, cols, 3), one for each column.
    """

    score: float
    case: str
    words: str
    pictures: tuple[NDArray[np.uint8], ...]


@dataclass
class Sheet(Album):
    """An album that keeps small strips too, of which one picture for a card is drawn.

    Attributes:
        strips: of all parts of all cases that show at least two classes.
    """

    strips: list[Strip] = field(default_factory=list)

    def add(self, case: Case, guess: NDArray[np.integer], counts: NDArray[np.integer]) -> None:
        """Take pictures of a case, and of its parts; arguments as `Album.add`."""
        super().add(case, guess, counts)
        for rows, cols in _parts(case.labels.shape):
            labels, told = case.labels[rows, cols], guess[rows, cols]
            score = _score(labels, told, self.classes)
            if score is None:
                continue
            pictures = (
                true_colour(case.reflectance[:, rows, cols]),
                painted(labels, self.classes),
                painted(np.where(labels == IGNORE, IGNORE, told), self.classes),
            )
            name, words = f"{case.place}, {case.name}", f"{case.place}, mean IoU {score:.2f}"
            self.strips.append(Strip(score, name, words, pictures))

    def rows(self) -> list[tuple[str, Strip]]:
        """The strips that are shown, each with its name: of different cases, as far as there are enough."""
        order = sorted(self.strips, key=lambda strip: strip.score)
        found: list[tuple[str, Strip]] = []
        for name, count in ROWS:
            candidates = {"worst": order, "middling": _from_the_middle(order), "best": order[::-1]}[name]
            shown = {strip.case for _, strip in found}
            fresh = [strip for strip in candidates if strip.case not in shown] or candidates
            for strip in fresh:
                if sum(label == name for label, _ in found) < count and strip.case not in shown:
                    found.append((name, strip))
                    shown.add(strip.case)
        return found

    def drawn(self, title: str) -> Image.Image:
        """The picture.

        Args:
            title: stands above: what was measured.
        """
        rows = self.rows()
        width = GAP + len(COLUMNS) * (SIDE + GAP)
        top, step = 2 * LINE + GAP, SIDE + LINE + GAP
        legend = list(_lines([*self.classes, "not known"], width))
        picture = Image.new("RGB", (width, top + len(rows) * step + len(legend) * LINE + GAP), "white")
        pen = ImageDraw.Draw(picture)
        write(pen, (GAP, 4), title)
        for column, name in enumerate(COLUMNS):
            write(pen, (GAP + column * (SIDE + GAP), 4 + LINE), name, SOFT)
        for number, (name, strip) in enumerate(rows):
            at = top + number * step
            for column, pixels in enumerate(strip.pictures):
                _paste(picture, pixels, (GAP + column * (SIDE + GAP), at))
            write(pen, (GAP, at + SIDE + 2), f"{name}: {strip.words}", SOFT)
        for number, line in enumerate(legend):
            _draw_legend(pen, line, top + len(rows) * step + number * LINE)
        return picture


@dataclass
class PreviewSheet:
    """Previews with what a network says of each as a whole; the surest and the least sure are drawn.

    Attributes:
        strips: of all previews; the score is the probability of the right answer.
    """

    strips: list[Strip] = field(default_factory=list)

    def add(self, item: Scored, reflectance: NDArray[np.floating]) -> None:
        """Take a picture of a scored preview; reflectance (bands, rows, cols), R, G, B first."""
        words = f"{'hazy' if item.hazy else 'not hazy'}, told {item.score:.3f}"
        right = item.score if item.hazy else 1 - item.score
        seen = true_colour(np.concatenate([reflectance[:3], reflectance[:1]]))
        self.strips.append(Strip(right, item.place, words, (seen,)))

    def drawn(self, title: str) -> Image.Image:
        """The picture: the three previews told worst, three from the middle, the three told best."""
        order = sorted(self.strips, key=lambda strip: strip.score)
        parts = {"worst": order, "middling": _from_the_middle(order), "best": order[::-1]}
        width, step = GAP + 3 * (SIDE + GAP), SIDE + LINE + GAP
        picture = Image.new("RGB", (width, LINE + GAP + len(parts) * (step + LINE) + GAP), "white")
        pen = ImageDraw.Draw(picture)
        write(pen, (GAP, 4), title)
        for row, (name, strips) in enumerate(parts.items()):
            top = LINE + GAP + row * (step + LINE)
            write(pen, (GAP, top), f"{name}: what they are, and the probability of haze that was told", SOFT)
            for column, strip in enumerate(strips[:3]):
                left = GAP + column * (SIDE + GAP)
                _paste(picture, strip.pictures[0], (left, top + LINE))
                write(pen, (left, top + LINE + SIDE + 2), strip.words, SOFT)
        return picture


def packed(picture: Image.Image, most: int = MOST_BYTES) -> bytes:
    """Return a picture as PNG of at most so many bytes, if few enough colours make it so."""
    for shades in SHADES:
        file = io.BytesIO()
        picture.quantize(shades, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
        if file.tell() <= most:
            break
    return file.getvalue()


def write(pen: ImageDraw.ImageDraw, at: tuple[int, int], text: str, colour: str = INK) -> None:
    """Write a line of text."""
    pen.text(at, text, fill=colour, font=ImageFont.load_default(12))


def _parts(shape: tuple[int, ...]) -> Iterator[tuple[slice, slice]]:
    """Whole parts of an array; the array itself where it is smaller than one."""
    height, width = (min(PART, length) for length in shape[-2:])
    for top in range(0, shape[-2] - height + 1, height):
        for left in range(0, shape[-1] - width + 1, width):
            yield slice(top, top + height), slice(left, left + width)


def _score(labels: NDArray[np.integer], guess: NDArray[np.integer], classes: Sequence[str]) -> float | None:
    """Mean IoU of the classes that a part shows; None where it shows fewer than two, or little is known."""
    counts = confusion(labels, guess, len(classes))
    shares = counts.sum(axis=1) / max(counts.sum(), 1)
    shown = [name for name, share in zip(classes, shares, strict=True) if share >= LEAST]
    if len(shown) < 2 or counts.sum() < KNOWN * labels.size:
        return None
    found = figures(counts, classes)["iou"]
    return float(np.mean([found[name] for name in shown]))


def _from_the_middle(order: Sequence[Strip]) -> list[Strip]:
    middle = (len(order) - 1) / 2
    return [order[place] for place in sorted(range(len(order)), key=lambda place: abs(place - middle))]


def _paste(picture: Image.Image, pixels: NDArray[np.uint8], at: tuple[int, int]) -> None:
    small = Image.fromarray(pixels)
    scale = SIDE / max(small.size)
    width, height = (max(1, round(length * scale)) for length in small.size)
    way = Image.Resampling.NEAREST if scale >= 1 else Image.Resampling.BOX
    picture.paste(small.resize((width, height), way), at)


def _lines(names: Sequence[str], width: int) -> Iterator[list[tuple[int, str]]]:
    """Names of a legend with where each begins, in lines that fit."""
    font, line, left = ImageFont.load_default(12), list[tuple[int, str]](), GAP
    for name in names:
        needed = LINE + int(font.getlength(name)) + 2 * GAP
        if line and left + needed > width:
            yield line
            line, left = [], GAP
        line.append((left, name))
        left += needed
    yield line


def _draw_legend(pen: ImageDraw.ImageDraw, line: list[tuple[int, str]], top: int) -> None:
    for left, name in line:
        colour = UNKNOWN if name == "not known" else COLOURS.get(name, "#999999")
        pen.rectangle((left, top + 2, left + 12, top + 14), fill=colour, outline=SOFT)
        write(pen, (left + LINE, top), name)
