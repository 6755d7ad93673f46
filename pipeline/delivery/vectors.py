"""The landcover as polygons in a GeoPackage, block by block; what crosses an edge waits in memory."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyogrio
import shapely
from odc.geo.geobox import GeoBox
from rasterio.features import shapes
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from pipeline.delivery.rasters import SIDE, shape_of
from pipeline.errors import StorageError
from pipeline.landcover.classes import CLASSES, NAMES, NO_DATA
from pipeline.raster import geobox_of, opened, window_geobox, windows
from pipeline.storage import whole_file

LAYER = "landcover"
HECTARE = 10_000.0


def write_polygons(landcover: Path, path: Path, side: int = SIDE) -> int:
    """Write the patches of a landcover raster (pixels that touch by a side) as polygons; gives their number.

    The layer has the fields `code`, `class` and, where the raster is projected, `hectares` on that plane.

    Args:
        landcover: class codes, 0 = no data.
        path: of the GeoPackage.
        side: pixels of a block.

    Raises:
        StorageError: the file cannot be written.
    """
    with whole_file(path) as beside, opened(landcover) as dataset:
        geobox = geobox_of(dataset)
        waiting: dict[int, list[BaseGeometry]] = {item.code: [] for item in CLASSES}
        total = 0
        for window in windows(shape_of(geobox), side):
            codes = dataset.read(1, window=window)
            if not (codes != NO_DATA).any():
                continue
            block = window_geobox(geobox, window)
            edge = shapely.box(*block.boundingbox.bbox).exterior
            found = [
                (shape(outline), int(code))
                for outline, code in shapes(codes, codes != NO_DATA, transform=block.affine)
            ]
            crossing = shapely.intersects([one for one, _ in found], edge)
            for (one, code), waits in zip(found, crossing, strict=True):
                if waits:
                    waiting[code].append(one)
            total += _append(
                beside, [one for one, waits in zip(found, crossing, strict=True) if not waits], geobox
            )
        for code, parts in waiting.items():
            whole = [(one, code) for one in _joined(parts)]
            total += _append(beside, whole, geobox)
        if not total:
            _append(beside, [], geobox, empty=True)
    return total


def _joined(parts: Sequence[BaseGeometry]) -> list[BaseGeometry]:
    """Parts of one class that share an edge as one polygon."""
    if not parts:
        return []
    whole = shapely.union_all(parts)
    return list(getattr(whole, "geoms", [whole]))


def _append(
    path: Path, rows: Sequence[tuple[BaseGeometry, int]], geobox: GeoBox, *, empty: bool = False
) -> int:
    if not rows and not empty:
        return 0
    outlines = [one for one, _ in rows]
    codes = np.array([code for _, code in rows], np.int32)
    fields = {"code": codes, "class": np.array([NAMES[code - 1] for code in codes], object)}
    if geobox.crs is not None and geobox.crs.projected:
        fields["hectares"] = np.array([one.area / HECTARE for one in outlines], np.float64)
    try:
        pyogrio.raw.write(
            path,
            np.array(shapely.to_wkb(outlines), object),
            list(fields.values()),
            list(fields),
            layer=LAYER,
            driver="GPKG",
            geometry_type="Polygon",
            crs=str(geobox.crs),
            append=path.exists(),
        )
    except pyogrio.errors.DataSourceError as error:
        raise StorageError(f"{path.name} could not be written: {error}.") from error
    return len(rows)
