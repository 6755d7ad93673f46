"""Enlarged pictures of bands, with a scale along the edges and outlines of what is labelled."""

import numpy as np
from PIL import Image, ImageDraw

GAMMA = 0.6
MARGIN = 26
TICK = 16
OUTLINES = {1: (255, 0, 0), 2: (255, 255, 0), 255: (40, 80, 255)}


def true_colour(bands: dict[str, np.ndarray], highest: float, suffix: str = "") -> np.ndarray:
    """Red, green, blue as uint8 of shape (rows, columns, 3), white at `highest`."""
    return _grey(bands, [f"{name}{suffix}" for name in ("red", "green", "blue")], [highest] * 3, GAMMA)


def false_colour(bands: dict[str, np.ndarray], highest: float, nir: float, suffix: str = "") -> np.ndarray:
    """NIR, red, green as red, green, blue: plants are red, water is black."""
    names = [f"{name}{suffix}" for name in ("nir", "red", "green")]
    return _grey(bands, names, [nir, highest, highest], GAMMA)


def _grey(bands: dict[str, np.ndarray], names: list[str], highest: list[float], gamma: float) -> np.ndarray:
    stack = np.stack([np.clip(bands[name] / top, 0, 1) for name, top in zip(names, highest, strict=True)], -1)
    return np.nan_to_num(stack**gamma * 255).astype(np.uint8)


def enlarged(picture: np.ndarray, times: int, labels: np.ndarray | None = None) -> Image.Image:
    """The picture with pixels `times` as wide and high, and the outlines of the labels inside them."""
    large = picture.repeat(times, 0).repeat(times, 1)
    if labels is not None:
        grown = labels.repeat(times, 0).repeat(times, 1)
        edge = np.zeros(grown.shape, bool)
        for axis in (0, 1):
            for step in (1, -1):
                edge |= grown != np.roll(grown, step, axis)
        for code, colour in OUTLINES.items():
            large[edge & (grown == code)] = colour
    return Image.fromarray(large)


def with_scale(picture: Image.Image, times: int, title: str) -> Image.Image:
    """The picture with columns above and rows at its left, in pixels of the window."""
    framed = Image.new("RGB", (picture.width + MARGIN, picture.height + MARGIN), "white")
    framed.paste(picture, (MARGIN, MARGIN))
    draw = ImageDraw.Draw(framed)
    draw.text((MARGIN + 2, 0), title, "black")
    for at in range(0, picture.width // times + 1, TICK):
        draw.line([(MARGIN + at * times, MARGIN - 4), (MARGIN + at * times, MARGIN)], "black")
        draw.text((MARGIN + at * times - 6, MARGIN - 15), str(at), "black")
    for at in range(0, picture.height // times + 1, TICK):
        draw.line([(MARGIN - 4, MARGIN + at * times), (MARGIN, MARGIN + at * times)], "black")
        draw.text((0, MARGIN + at * times - 6), str(at), "black")
    return framed


def side_by_side(pictures: list[Image.Image], columns: int) -> Image.Image:
    """The pictures, all of one size, in rows of `columns`."""
    width, height = pictures[0].size
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (width * min(columns, len(pictures)), height * rows), "white")
    for index, picture in enumerate(pictures):
        sheet.paste(picture, (index % columns * width, index // columns * height))
    return sheet
