"""What older scenes show in the holes of a composite, for display only (paper, 2.3).

The composite stays as it is: balance, landcover and figures never see older ground.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio import DatasetReader
from rasterio.windows import Window

from pipeline.catalog.scene import Scene
from pipeline.distance import near_true
from pipeline.errors import UsageError
from pipeline.evidence import DOUBTFUL, MOST_SCENES, OLDER, histogram, scene_folder
from pipeline.grid import Tile
from pipeline.ground import Cells
from pipeline.mosaic.assembly import Assembly, Offsets
from pipeline.mosaic.drafts import clear_means
from pipeline.mosaic.fusion import Fusion
from pipeline.mosaic.radiometry import SmoothCorrection, scene_corrections
from pipeline.mosaic.views import SceneView
from pipeline.mosaic.writing import provenance_writer
from pipeline.parallel import in_order
from pipeline.raster import EMPTY, filled, opened, padded, reflectance_writer, windows
from pipeline.settings import CampaignSettings
from pipeline.sketch import Sketch

FILL, PROVENANCE = "fill.tif", "fill_provenance.tif"
FEATHER = 240.0
RIM = 2 * FEATHER
OF_COMPOSITE = 1
MOST_OLDER = 255 - MOST_SCENES


@dataclass(frozen=True)
class OlderScene:
    """A scene of the older range in cells, in the radiometry of the composite.

    Attributes:
        scene: whose it is.
        rank: MOST_SCENES + 1 for the first.
        sketch: its cells.
        correction: to the radiometry of the composite.
    """

    scene: Scene
    rank: int
    sketch: Sketch
    correction: SmoothCorrection

    def values(self) -> NDArray[np.float32]:
        """Reflectance of all cells, (4, h, w)."""
        return self.correction.apply(self.sketch.read(), self.sketch.cells.geobox)


@dataclass(frozen=True)
class Patches:
    """The fill, window by window.

    Attributes:
        composite: open composite.tif, whose holes are filled.
        fusion: of the older scenes.
        rim: pixels around a hole that are kept, for feathering.
        turn: held by the thread that reads.
    """

    composite: DatasetReader
    fusion: Fusion
    rim: int
    turn: Lock = field(default_factory=Lock)

    def window(self, window: Window) -> tuple[NDArray[np.uint16], NDArray[np.uint8], int] | None:
        """Stored reflectance, provenance and how many pixels are holes; None where no hole is near."""
        grown, inner = padded(window, self.rim + 1, self.composite.shape)
        with self.turn:
            covered = filled(self.composite.read(window=grown))
        if covered.all():
            return None
        near = near_true(~covered, self.rim)[inner]
        holes = ~covered[inner]
        stored, origin = self.fusion.window(window)
        stored = np.where(near & filled(stored), stored, np.uint16(EMPTY))
        shown = holes & filled(stored)
        provenance = np.where(shown, np.stack([origin[0], np.full_like(origin[0], OLDER)]), 0)
        return stored, provenance.astype(np.uint8), int(holes.sum())


def fill(scenes: Sequence[Scene], tile: Tile, settings: CampaignSettings, folder: Path) -> dict[str, Any]:
    """Make fill.tif and fill_provenance.tif beside a build's composite.

    The scenes are brought to the radiometry of the composite (`radiometry`), led over to it at the edge of
    each hole (`assembly`) and fused (`fusion`). fill.tif is stored reflectance of the holes and of `RIM`
    metres around them, which the mosaic needs for soft edges; fill_provenance.tif names the scene of each
    filled pixel by a rank from `MOST_SCENES` + 1, with the sureness `OLDER`.

    Args:
        scenes: of the older range, in the order in which they are asked; their reflectance.tif and cloud.tif
            are in the folder.
        tile: whose holes are filled.
        settings: of the campaign.
        folder: of the build, with composite.tif and balance.npz.

    Returns:
        Shares of the tile: "holes" (before), "share" (filled), and "scenes" with their ranks, dates, shares
        and corrections.

    Raises:
        UsageError: there are no scenes, or more than provenance can name.
        SourceError: a scene's files are missing.
    """
    if not 1 <= len(scenes) <= MOST_OLDER:
        raise UsageError(f"Holes are filled from 1 to {MOST_OLDER} scenes, not {len(scenes)}.", "scenes")
    folder, geobox = Path(folder), tile.geobox(settings.resolution)
    with tempfile.TemporaryDirectory(prefix=".fill-", dir=folder) as work, ExitStack() as stack:
        older = _older(scenes, geobox, settings, folder, Path(work))
        assembly = _assemble(older, geobox, settings, folder, Path(work))
        fusion = Fusion(list(_views(stack, older, folder)), assembly, False)
        composite = stack.enter_context(opened(folder / "composite.tif"))
        patches = Patches(composite, fusion, int(np.ceil(RIM / settings.resolution)))
        holes, counts = _write(patches, geobox, folder)
    total = geobox.shape[0] * geobox.shape[1]
    return {
        "holes": holes / total,
        "share": float(counts.sum() / total),
        "scenes": [_told(one, float(counts[one.rank] / total)) for one in older],
    }


def _told(one: OlderScene, share: float) -> dict[str, Any]:
    moment = one.scene.datetime.isoformat()
    told = {"id": one.scene.id, "datetime": moment, "rank": one.rank, "share": share}
    return told | one.correction.to_json()


def _older(
    scenes: Sequence[Scene], geobox: GeoBox, settings: CampaignSettings, folder: Path, work: Path
) -> list[OlderScene]:
    sketches = [
        Sketch.of_scene(scene.id, geobox, folder, work / f"sketch-{number}.npy")
        for number, scene in enumerate(scenes)
    ]
    known = [Cells.load(folder / "balance.npz"), *(clear_means(one, settings.margin) for one in sketches)]
    corrections = scene_corrections(known, geobox)[1:]
    return [
        OlderScene(scene, MOST_SCENES + number, sketch, correction)
        for number, (scene, sketch, correction) in enumerate(
            zip(scenes, sketches, corrections, strict=True), start=1
        )
    ]


def _assemble(
    older: Sequence[OlderScene], geobox: GeoBox, settings: CampaignSettings, folder: Path, work: Path
) -> Assembly:
    """Which older scene each cell with a hole shows: clear ground of the first in order, then doubtful."""
    shown = Sketch.of_composite(folder / "composite.tif", geobox, work / "composite.npy")
    assembly = Assembly(shown.cells, Offsets(work))
    assembly.lay_clear(OF_COMPOSITE, shown.read(), shown.level(0))
    for one in older:
        assembly.lay_beside(one.rank, one.values(), one.sketch.level(settings.margin))
    for one in older:
        assembly.fill(one.rank, one.values(), one.sketch.level(settings.margin), DOUBTFUL)
    # What the composite shows itself is left open, so that only older scenes are fused.
    assembly.rank[assembly.rank == OF_COMPOSITE] = 0
    return assembly


def _views(stack: ExitStack, older: Sequence[OlderScene], folder: Path) -> Iterator[SceneView]:
    for one in older:
        place = scene_folder(folder, one.scene.id)
        pixels = stack.enter_context(opened(place / "reflectance.tif"))
        mask = stack.enter_context(opened(place / "cloud.tif"))
        yield SceneView(one.rank, pixels, mask, one.correction)


def _write(patches: Patches, geobox: GeoBox, folder: Path) -> tuple[int, NDArray[np.int64]]:
    """Write both files; gives the number of pixels in holes, and how many each rank fills."""
    holes, counts = 0, np.zeros(256, np.int64)
    with (
        reflectance_writer(folder / FILL, geobox) as pixels,
        provenance_writer(folder / PROVENANCE, geobox) as provenance,
    ):
        for window, found in in_order(patches.window, windows(geobox.shape.yx)):
            if found is not None:
                stored, origin, open_ = found
                pixels.write(stored, window=window)
                provenance.write(origin, window=window)
                holes += open_
                counts += histogram(origin[0])
    counts[0] = 0
    return holes, counts
