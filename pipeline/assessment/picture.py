"""`python -m pipeline draw-seams`: tiles of a finished run before and after balance and blending."""

import argparse
from pathlib import Path

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from PIL import Image
from rasterio.enums import Resampling

from pipeline.assessment.maps import WEB_MERCATOR, mercator_grid, warped
from pipeline.assessment.tiles import Quilt
from pipeline.raster import opened
from pipeline.storage import whole_file

LAID_OUT_ZOOM = 10
WIDTH = 720
GAP = 12
MOST_BYTES = 290_000
QUALITIES = range(90, 30, -5)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `draw-seams`."""
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of finished tiles")
    parser.add_argument("--picture", type=Path, required=True, metavar="FILE", help="JPEG to write")


def run(args: argparse.Namespace) -> None:
    """Draw the composites as they are on the left, and the mosaics on the right.

    Raises:
        UsageError: the folder holds no two finished tiles.
    """
    draw(args.out, args.picture)


def draw(folder: Path, path: Path) -> None:
    """Write a JPEG of at most `MOST_BYTES`: composites, toned, beside the mosaics, on one map.

    Where tiles overlap, the first in order of name is shown, so that on the left its edge is a seam.

    Raises:
        UsageError: the folder holds no two finished tiles.
    """
    quilt = Quilt.of(folder)
    grid = _shrunk(mercator_grid(quilt.paths("mosaic.tif"), LAID_OUT_ZOOM))
    rows, cols = grid.shape.yx
    before, after = np.zeros((2, 3, rows, cols), np.uint8)
    for name in reversed(quilt.names):
        stored = _warped(quilt.paths("composite.tif")[name], grid)
        _lay(before, quilt.tone.apply(stored)[:3])
        _lay(after, _warped(quilt.paths("mosaic.tif")[name], grid)[:3])
    sheet = np.full((3, rows, 2 * cols + GAP), 255, np.uint8)
    sheet[:, :, :cols], sheet[:, :, cols + GAP :] = before, after
    _save(Image.fromarray(sheet.transpose(1, 2, 0)), path)


def _shrunk(whole: GeoBox) -> GeoBox:
    """The same ground in `WIDTH` pixels."""
    rows, cols = whole.shape.yx
    times = cols / WIDTH
    return GeoBox((round(rows / times), WIDTH), whole.affine @ Affine.scale(times), WEB_MERCATOR)


def _warped(path: Path, grid: GeoBox) -> NDArray:
    with opened(path) as dataset:
        return warped(dataset, grid, Resampling.average)


def _lay(sheet: NDArray[np.uint8], picture: NDArray[np.uint8]) -> None:
    has = (picture != 0).all(axis=0)
    sheet[:, has] = picture[:, has]


def _save(picture: Image.Image, path: Path) -> None:
    """Write as good a JPEG as stays within the bytes."""
    for quality in QUALITIES:
        with whole_file(path) as beside:
            picture.save(beside, "JPEG", quality=quality, optimize=True)
        if path.stat().st_size <= MOST_BYTES:
            return
