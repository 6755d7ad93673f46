"""The scenes of a composite in cells, while it is planned (paper, 2.3)."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from pipeline.catalog.scene import Scene
from pipeline.evidence import CLEAR
from pipeline.ground import Cells, CellSums
from pipeline.mosaic.radiometry import SmoothCorrection, scene_corrections
from pipeline.parallel import in_order
from pipeline.raster import window_geobox, windows
from pipeline.settings import CampaignSettings
from pipeline.sketch import Sketch


@dataclass(frozen=True)
class Draft:
    """A scene in cells, while the composite is planned.

    Attributes:
        scene: whose it is.
        rank: 1 for the first of the list, 0 for a scene that is only asked what it shows.
        sketch: its cells.
        correction: to the radiometry of the first scene.
        marks: file of what the other dates say, see `suspicion`, and which cells could be compared (4); once
            the scene was laid, of how sure its cells are.
        told: file of what they say where no date is clear, see `shade`.
        hazy: whether it may fill holes only.
    """

    scene: Scene
    rank: int
    sketch: Sketch
    correction: SmoothCorrection
    marks: Path
    told: Path
    hazy: bool = False

    def values(self, window: Window | None = None) -> NDArray[np.float32]:
        """Reflectance of all cells or a window in the radiometry of the first scene."""
        return self.correction.apply(self.sketch.read(window), self._box(window))

    def values_shaded(self, window: Window | None = None) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """As `values`, with pixels in shadow where no pixel of a cell is clear, and where that is."""
        values, shaded = self.sketch.read_shaded(window)
        return self.correction.apply(values, self._box(window)), shaded

    def _box(self, window: Window | None) -> GeoBox:
        grid = self.sketch.cells.geobox
        return grid if window is None else window_geobox(grid, window)


def drafts_of(
    scenes: Sequence[Scene],
    witnesses: Sequence[Scene],
    geobox: GeoBox,
    settings: CampaignSettings,
    folder: Path,
    work: Path,
    hazy: Collection[str],
) -> list[Draft]:
    """The scenes of a composite in cells, with their corrections to the first, then those only asked.

    Args:
        scenes: in order of rank.
        witnesses: further scenes, which are only asked what the ground looked like.
        geobox: the tile's grid.
        settings: of the campaign.
        folder: of the build.
        work: folder for what is kept while the composite is planned.
        hazy: ids of the scenes that are hazy as a whole.

    Raises:
        SourceError: a scene's files are missing.
    """
    everyone = [*scenes, *witnesses]

    def seen(number: int) -> tuple[Sketch, Cells]:
        sketch = Sketch.of_scene(everyone[number].id, geobox, folder, work / f"sketch-{number}.npy")
        return sketch, clear_means(sketch, settings.margin)

    sketches: list[Sketch] = []

    def means() -> Iterator[Cells]:
        for _, (sketch, clear) in in_order(seen, range(len(everyone))):
            sketches.append(sketch)
            yield clear

    corrections = scene_corrections(means(), geobox)
    return [
        Draft(
            scene,
            number + 1 if number < len(scenes) else 0,
            sketch,
            correction,
            work / f"marks-{number}",
            work / f"told-{number}",
            scene.id in hazy,
        )
        for number, (scene, sketch, correction) in enumerate(
            zip(everyone, sketches, corrections, strict=True)
        )
    ]


def clear_means(sketch: Sketch, margin: float) -> Cells:
    """Cell means of the clear land of one scene."""
    sums = CellSums(sketch.cells.geobox)
    level = sketch.level(margin)
    for window in windows(sketch.cells.geobox.shape.yx):
        clear = level[window.toslices()] == CLEAR
        if clear.any():
            sums.add(sketch.read(window), clear, window_geobox(sketch.cells.geobox, window))
    return sums.cells()
