"""The previews of a tile with their masks in one picture (paper, Fig. 5)."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from pipeline.scene_list.masks import Look
from pipeline.scene_list.model import Candidate, SceneList
from pipeline.storage import whole_file

FILE = "scene_list.png"
SIDE, GAP, TEXT, COLUMNS = 172, 10, 36, 6
PAPER, INK, FAINT = (250, 250, 248), (20, 20, 20), (110, 110, 110)
CHOSEN, CLOUD, EMPTY = (27, 120, 55), (214, 47, 39), (190, 190, 190)


def draw(listed: SceneList, looks: Sequence[Look], folder: Path) -> Path:
    """Write `scene_list.png`: chosen scenes first by rank, then the others by date.

    Each preview is drawn with what its mask calls cloud in red and what is empty in grey, and told by its
    date, its cloud share (of what is not empty) and its rank.

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
    size = (GAP + columns * (SIDE + GAP), GAP + rows * (SIDE + TEXT + GAP))
    sheet = Image.new("RGB", size, PAPER)
    for place, candidate in enumerate(order):
        row, column = divmod(place, columns)
        corner = (GAP + column * (SIDE + GAP), GAP + row * (SIDE + TEXT + GAP))
        _draw_one(sheet, corner, candidate, by_id[candidate.id])
    path = Path(folder) / FILE
    with whole_file(path) as beside:
        sheet.save(beside, format="PNG", optimize=True)
    return path


def _draw_one(sheet: Image.Image, corner: tuple[int, int], candidate: Candidate, one: Look) -> None:
    left, upper = corner
    pen = ImageDraw.Draw(sheet)
    sheet.paste(Image.fromarray(masked(one)).resize((SIDE, SIDE), Image.Resampling.BILINEAR), corner)
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


def masked(one: Look) -> np.ndarray:
    """A preview with its mask laid over it, uint8 (rows, cols, 3): cloud tinted red, empty ground grey."""
    if one.clear is None or one.seen is None or one.picture is None:
        return np.full((SIDE, SIDE, 3), EMPTY, np.uint8)
    drawn = one.picture.astype(np.float32)
    step = (slice(None, None, 2), slice(None, None, 2))
    clear, seen = one.clear[step], one.seen[step]
    cloud = seen & ~clear
    drawn[cloud] = 0.55 * drawn[cloud] + 0.45 * np.array(CLOUD, np.float32)
    drawn[~seen] = EMPTY
    return drawn.round().astype(np.uint8)
