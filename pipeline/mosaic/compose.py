"""Stage 3a: the composite of one tile from its own scenes (paper, 2.3)."""

from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio import DatasetReader
from rasterio.windows import Window

from pipeline.balance import Correction
from pipeline.catalog.scene import Scene
from pipeline.errors import UsageError
from pipeline.evidence import (
    CLEAR,
    DOUBTFUL,
    HAZY,
    HOLE,
    SHADOW,
    lasting_shadow,
    margin_pixels,
    scene_folder,
    sureness,
)
from pipeline.grid import Tile
from pipeline.ground import CellSums
from pipeline.mosaic.fusion import FEATHER, Darkest, Fusion, opacity
from pipeline.mosaic.radiometry import scene_corrections
from pipeline.raster import (
    BANDS,
    decode,
    encode,
    filled,
    opened,
    padded,
    raster_writer,
    window_geobox,
    windows,
)
from pipeline.settings import CampaignSettings

MOST_SCENES = 255
SURE = (CLEAR, DOUBTFUL)


@dataclass
class SceneView:
    """One scene while the composite is made.

    Attributes:
        rank: 1 for the first of the list.
        pixels, mask: its open reflectance.tif and cloud.tif.
        correction: to the radiometry of the first scene.
        margin, feather: pixels.
        hazy: whether it may fill holes only.
    """

    rank: int
    pixels: DatasetReader
    mask: DatasetReader
    correction: Correction
    margin: float
    feather: float
    hazy: bool = False

    def grown(self, window: Window) -> tuple[Window, tuple[slice, slice]]:
        """The window grown by what decides about its pixels, and where the window lies in it."""
        return padded(window, int(np.ceil(2 * self.margin + self.feather)) + 2, self.mask.shape)

    def read(self, window: Window, dark: NDArray[np.bool_]) -> "WindowView":
        """Corrected reflectance and sureness of a window, grown.

        Args:
            window: of the tile.
            dark: bool, grown: where a shadow is dark ground, which is doubtful then.
        """
        grown, inner = self.grown(window)
        cloud = self.mask.read(1, window=grown)
        level = sureness(cloud, self.margin)
        level[dark & (cloud == SHADOW)] = DOUBTFUL
        stored = self.pixels.read(window=grown)
        level[~filled(stored)] = HOLE
        return WindowView(self, self.correction.apply(decode(stored)), level, inner)


@dataclass
class WindowView:
    """A scene in one window: reflectance (4, h, w) and sureness (h, w), grown, and the window in them."""

    scene: SceneView
    reflectance: NDArray[np.float32]
    level: NDArray[np.uint8]
    inner: tuple[slice, slice]


@dataclass
class Tally:
    """What is counted while the windows go by."""

    levels: NDArray[np.int64] = field(default_factory=lambda: np.zeros(4, np.int64))
    ranks: NDArray[np.int64] = field(default_factory=lambda: np.zeros(MOST_SCENES + 1, np.int64))
    suspicious: int = 0
    compared: int = 0

    def add(self, provenance: NDArray[np.uint8], suspicious: tuple[int, int]) -> None:
        """Count one window."""
        self.ranks += np.bincount(provenance[0].ravel(), minlength=MOST_SCENES + 1)
        self.levels += np.bincount(provenance[1].ravel(), minlength=4)
        self.suspicious += suspicious[0]
        self.compared += suspicious[1]

    def report(self, scenes: Sequence[Scene], corrections: Sequence[Correction]) -> dict[str, Any]:
        """Shares of the tile, the estimate of residual cloud, and what each scene gave."""
        shares = self.levels / max(int(self.levels.sum()), 1)
        return {
            "coverage": float(1 - shares[HOLE]),
            "clear": float(shares[CLEAR]),
            "doubtful": float(shares[DOUBTFUL]),
            "hazy": float(shares[HAZY]),
            "holes": float(shares[HOLE]),
            "residual_cloud": self.suspicious / self.compared if self.compared else 0.0,
            "residual_cloud_compared": self.compared / max(int(self.levels.sum()), 1),
            "scenes": [
                {
                    "id": scene.id,
                    "rank": rank,
                    "share": float(self.ranks[rank] / max(int(self.ranks.sum()), 1)),
                    **correction.to_json(),
                }
                for rank, (scene, correction) in enumerate(zip(scenes, corrections, strict=True), start=1)
            ],
        }


def compose(
    scenes: Sequence[Scene],
    tile: Tile,
    settings: CampaignSettings,
    folder: Path,
    hazy: Collection[str] = (),
) -> dict[str, Any]:
    """Make composite.tif, provenance.tif and balance.npz of a build.

    Each pixel comes from the first scene in order that is clear there, else the first that is doubtful, else
    (where the campaign allows it) the first hazy one; else it is a hole. What is clear by its mask but much
    brighter than on another date counts as doubtful (see `Darkest`), and so does shadow that stays.
    Transitions are softened over `FEATHER` metres inside the ground that the scene before shows; provenance
    names the main contributor.

    Args:
        scenes: in order of rank; their reflectance.tif and cloud.tif are in the folder.
        tile: whose composite it is.
        settings: of the campaign.
        folder: of the build.
        hazy: ids of the scenes that are hazy as a whole.

    Returns:
        Shares of the tile ("coverage", "clear", "doubtful", "hazy", "holes"), "residual_cloud" (share of the
        pixels with a second clear view that are brighter than it) and "scenes" with their corrections.

    Raises:
        UsageError: there are no scenes, or more than provenance can name.
        SourceError: a scene's files are missing.
    """
    if not 1 <= len(scenes) <= MOST_SCENES:
        raise UsageError(f"A composite needs 1 to {MOST_SCENES} scenes, not {len(scenes)}.", "scenes")
    geobox = tile.geobox(settings.resolution)
    margin = margin_pixels(settings.margin, settings.resolution)
    corrections = scene_corrections([scene.id for scene in scenes], geobox, margin, Path(folder))
    with ExitStack() as stack:
        views = _open_views(stack, scenes, corrections, settings, Path(folder), hazy)
        tally = _write(views, geobox, settings, Path(folder))
    return tally.report(scenes, corrections)


def _open_views(
    stack: ExitStack,
    scenes: Sequence[Scene],
    corrections: Sequence[Correction],
    settings: CampaignSettings,
    folder: Path,
    hazy: Collection[str],
) -> list[SceneView]:
    views = []
    for rank, (scene, correction) in enumerate(zip(scenes, corrections, strict=True), start=1):
        place = scene_folder(folder, scene.id)
        pixels = stack.enter_context(opened(place / "reflectance.tif"))
        mask = stack.enter_context(opened(place / "cloud.tif"))
        margin = margin_pixels(settings.margin, settings.resolution)
        feather = FEATHER / settings.resolution
        views.append(SceneView(rank, pixels, mask, correction, margin, feather, scene.id in hazy))
    return views


def _write(views: list[SceneView], geobox: GeoBox, settings: CampaignSettings, folder: Path) -> Tally:
    tally, sums = Tally(), CellSums(geobox)
    with (
        raster_writer(
            folder / "composite.tif", geobox, 4, "uint16", nodata=0, descriptions=BANDS, reflectance=True
        ) as composite,
        raster_writer(
            folder / "provenance.tif", geobox, 2, "uint8", descriptions=("rank", "sureness"), cog=True
        ) as provenance,
    ):
        for window in windows(geobox.shape.yx):
            reflectance, origin, suspicious = compose_window(views, window, settings.fill_hazy)
            composite.write(encode(reflectance), window=window)
            provenance.write(origin, window=window)
            tally.add(origin, suspicious)
            sums.add(reflectance, origin[1] == CLEAR, window_geobox(geobox, window))
    sums.cells().save(folder / "balance.npz")
    return tally


def compose_window(
    views: Sequence[SceneView], window: Window, fill_hazy: bool
) -> tuple[NDArray[np.float32], NDArray[np.uint8], tuple[int, int]]:
    """Fuse one window.

    Returns:
        Reflectance float32 (4, h, w) with NaN in holes, provenance uint8 (2, h, w), and how many pixels are
        suspiciously bright out of how many compared.
    """
    good, hazy = [view for view in views if not view.hazy], [view for view in views if view.hazy]
    dark = lasting_shadow([view.mask for view in good], views[0].grown(window)[0])
    darkest = _darkest_of(good, window, dark)
    fusion = Fusion((window.height, window.width))
    for group, usable in ((good, _clear), (good, _sure), (hazy if fill_hazy else [], _sure)):
        for view in group:
            if fusion.complete:
                break
            _lay(fusion, view.read(window, dark), usable, darkest)
    reflectance, origin = fusion.result()
    return reflectance, origin, _suspicion(darkest, reflectance, views[0].grown(window)[1])


def _darkest_of(views: Sequence[SceneView], window: Window, dark: NDArray[np.bool_]) -> Darkest | None:
    """The darkest sure view of the window, grown as the views are; None where there is but one date."""
    if len(views) < 2:
        return None
    darkest = None
    for view in views:
        seen = view.read(window, dark)
        darkest = darkest or Darkest(seen.level.shape)
        darkest.see(seen.reflectance, seen.level)
    return darkest


def _clear(level: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return level == CLEAR


def _sure(level: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return np.isin(level, SURE)


def _lay(
    fusion: Fusion,
    view: WindowView,
    usable: Callable[[NDArray[np.uint8]], NDArray[np.bool_]],
    darkest: Darkest | None,
) -> None:
    scene, level = view.scene, view.level
    if darkest is not None and not scene.hazy:
        level = darkest.demote(view.reflectance, level, scene.margin)
    opaque = opacity(usable(level), scene.feather)[view.inner]
    if opaque.any():
        own = level[view.inner]
        surest = np.full_like(own, HAZY) if scene.hazy else own
        fusion.lay(view.reflectance[(slice(None), *view.inner)], opaque, scene.rank, surest)


def _suspicion(
    darkest: Darkest | None, reflectance: NDArray[np.float32], inner: tuple[slice, slice]
) -> tuple[int, int]:
    """How many pixels of the fused window are suspiciously bright, and how many could be compared."""
    if darkest is None:
        return 0, 0
    whole = np.full((reflectance.shape[0], *darkest.views.shape), np.nan, np.float32)
    whole[(slice(None), *inner)] = reflectance
    compared = darkest.compared[inner] & np.isfinite(reflectance).all(axis=0)
    return int(darkest.suspicious(whole).sum()), int(compared.sum())
