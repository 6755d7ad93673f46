"""The previews of a tile with their masks in one picture (paper, Fig. 5)."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from pipeline.scene_list.masks import Look
from pipeline.scene_list.model import Candidate, SceneList
from pipeline.storage import whole_file

FILE = "scene_list.png"
SIDE, GAP, TEXT, COLUMNS = 172, 10, 36, 6
KEY, LINE = 12, 20
PAPER, INK, FAINT = (250, 250, 248), (20, 20, 20), (110, 110, 110)
CHOSEN, CLOUD, DOUBT, EMPTY = (27, 120, 55), (214, 47, 39), (255, 193, 7), (190, 190, 190)
STRONG = 0.45


def draw(listed: SceneList, looks: Sequence[Look], folder: Path) -> Path:
    """Write `scene_list.png`: chosen scenes first by rank, then the others by date.

    Each preview is drawn with what its mask calls cloud in red, what is clear inside the list's margin around
    cloud in yellow and what is empty in grey, and told by its date, its cloud share (of what is not empty)
    and its rank. A legend below tells the colours.

    Args:
        listed: the scene list.
        looks: at all its candidates.
        folder: of the build.

    Returns:
        Path of the picture.
    """
    by_id = {one.scene.id: one for one in looks}
    order = sorted(listed.candidates, key=lambda one: (one.rank or len(by_id) + 1, one.datetime, one.id))
    columns = max(min(COLUMNS, len(order)), 1)
    rows = max(-(-len(order) // columns), 1)
    width, height = GAP + columns * (SIDE + GAP), GAP + rows * (SIDE + TEXT + GAP)
    keys = _placed(_legend(listed.preview_margin), width)
    sheet = Image.new("RGB", (width, height + LINE * (keys[-1].line + 1) + GAP), PAPER)
    for place, candidate in enumerate(order):
        row, column = divmod(place, columns)
        corner = (GAP + column * (SIDE + GAP), GAP + row * (SIDE + TEXT + GAP))
        _draw_one(sheet, corner, candidate, by_id[candidate.id], listed.preview_margin)
    _draw_legend(sheet, keys, height)
    path = Path(folder) / FILE
    with whole_file(path) as beside:
        sheet.save(beside, format="PNG", optimize=True)
    return path


class _Key(NamedTuple):
    """A colour with its words, at a place in the legend: pixels from the left, and which line."""

    colour: tuple[int, int, int]
    words: str
    left: int
    line: int


def _legend(margin: float) -> list[tuple[tuple[int, int, int], str]]:
    doubt = [(DOUBT, f"doubtful (within {margin:g} m)")] if margin > 0 else []
    return [(CHOSEN, "frame: chosen"), (CLOUD, "cloud"), *doubt, (EMPTY, "empty")]


def _placed(legend: list[tuple[tuple[int, int, int], str]], width: int) -> list[_Key]:
    """The legend in as many lines as it takes."""
    font, left, line, keys = ImageFont.load_default(13), GAP, 0, list[_Key]()
    for colour, words in legend:
        space = KEY + GAP // 2 + int(np.ceil(font.getlength(words))) + GAP
        if keys and left + space > width:
            left, line = GAP, line + 1
        keys.append(_Key(colour, words, left, line))
        left += space + GAP
    return keys


def _draw_legend(sheet: Image.Image, keys: list[_Key], upper: int) -> None:
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for key in keys:
        top = upper + key.line * LINE
        box = (key.left, top, key.left + KEY, top + KEY)
        if key.colour == CHOSEN:
            pen.rectangle(box, outline=CHOSEN, width=3)
        else:
            pen.rectangle(box, fill=key.colour, outline=FAINT)
        pen.text((key.left + KEY + GAP // 2, top - 2), key.words, INK, font)


def _draw_one(
    sheet: Image.Image, corner: tuple[int, int], candidate: Candidate, one: Look, margin: float
) -> None:
    left, upper = corner
    pen = ImageDraw.Draw(sheet)
    sheet.paste(Image.fromarray(masked(one, margin)).resize((SIDE, SIDE), Image.Resampling.BILINEAR), corner)
    if candidate.chosen:
        pen.rectangle((left - 3, upper - 3, left + SIDE + 2, upper + SIDE + 2), outline=CHOSEN, width=3)
    plain, bold = ImageFont.load_default(13), ImageFont.load_default(15)
    pen.text((left, upper + SIDE + 4), f"{candidate.datetime:%Y-%m-%d}", INK, bold)
    words = _words(candidate, one)
    pen.text((left, upper + SIDE + 21), words, CHOSEN if candidate.chosen else FAINT, plain)


def _words(candidate: Candidate, one: Look) -> str:
    state = f"chosen, rank {candidate.rank}" if candidate.chosen else "hazy" if candidate.hazy else "not used"
    if one.clear is None or one.seen is None:
        return "preview not read"
    if not one.seen.any():
        return f"empty, {state}"
    return f"cloud {1 - one.clear.sum() / one.seen.sum():.0%}, {state}"


def masked(one: Look, margin: float = 0.0) -> np.ndarray:
    """A preview with its mask laid over it: cloud tinted red, doubtful ground yellow, empty ground grey.

    Args:
        one: at the preview.
        margin: metres around cloud in which clear ground is doubtful.

    Returns:
        uint8 (rows, cols, 3), half as many rows and columns as the preview.
    """
    if one.clear is None or one.seen is None or one.picture is None:
        return np.full((SIDE, SIDE, 3), EMPTY, np.uint8)
    drawn = one.picture.astype(np.float32)
    step = (slice(None, None, 2), slice(None, None, 2))
    clear, seen = one.clear[step], one.seen[step]
    tints = [(seen & ~clear, CLOUD)]
    if margin > 0:
        tints.append((clear & ~one.sure(margin)[step], DOUBT))
    for where, colour in tints:
        drawn[where] = (1 - STRONG) * drawn[where] + STRONG * np.array(colour, np.float32)
    drawn[~seen] = EMPTY
    return drawn.round().astype(np.uint8)
