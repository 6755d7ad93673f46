"""Scenes of one tile brought to the radiometry of the first one (paper, 2.3)."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from odc.geo.geobox import GeoBox

from pipeline.balance import Correction, fit
from pipeline.evidence import CLEAR, read_sureness, scene_folder
from pipeline.ground import Cells, CellSums
from pipeline.raster import decode, opened, window_geobox, windows

LEAST_SHARED_CELLS = 8


def scene_corrections(scenes: Sequence[str], geobox: GeoBox, margin: float, folder: Path) -> list[Correction]:
    """A correction for each scene, in order; the first keeps its radiometry.

    Each further scene is compared, over clear land, with what the scenes before it show together; one that
    shares too little ground stays as it is.

    Args:
        scenes: ids in order of rank.
        geobox: the tile's grid.
        margin: of the doubtful ground, pixels.
        folder: of the build.
    """
    corrections, reference = [], None
    for scene in scenes:
        cells = scene_cells(scene, geobox, margin, folder)
        correction = Correction.identity()
        if reference is not None and (reference.usable & cells.usable).sum() >= LEAST_SHARED_CELLS:
            correction = fit(reference, cells)
        corrections.append(correction)
        reference = _joined(reference, cells, correction)
    return corrections


def scene_cells(scene: str, geobox: GeoBox, margin: float, folder: Path) -> Cells:
    """Cell means of the clear land of one scene."""
    sums = CellSums(geobox)
    place = scene_folder(folder, scene)
    with opened(place / "reflectance.tif") as pixels, opened(place / "cloud.tif") as mask:
        for window in windows(geobox.shape.yx):
            clear = read_sureness(mask, window, margin) == CLEAR
            if clear.any():
                sums.add(decode(pixels.read(window=window)), clear, window_geobox(geobox, window))
    return sums.cells()


def _joined(reference: Cells | None, cells: Cells, correction: Correction) -> Cells:
    """The reference with its gaps filled from a corrected scene."""
    corrected = correction.apply(cells.mean)
    if reference is None:
        return Cells(**{**vars(cells), "mean": corrected})
    gaps = ~reference.usable & cells.usable
    return Cells(
        **{
            **vars(reference),
            "mean": np.where(gaps, corrected, reference.mean),
            "count": np.where(gaps, cells.count, reference.count),
            "land": np.where(gaps, cells.land, reference.land),
        }
    )
