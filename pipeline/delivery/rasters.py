"""Writing one layer of a delivery, window by window: tiles joined, warped where needed, cut to the area."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import shapely
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from pyproj import CRS, Geod, Transformer
from rasterio.enums import Resampling
from rasterio.features import geometry_mask, sieve
from rasterio.vrt import WarpedVRT
from shapely.geometry.base import BaseGeometry

from pipeline.delivery.source import SceneNumbers, TileSource
from pipeline.landcover.classes import COLORMAP, NO_CONFIDENCE
from pipeline.raster import BANDS, opened, raster_writer, window_geobox, windows
from pipeline.storage import reserve

SIDE = 1024
HECTARE = 10_000.0
Reader = Callable[[Any], NDArray]


@dataclass(frozen=True)
class Layer:
    """How a layer is read and written.

    Attributes:
        name: of the layer and of its file.
        bands: how many.
        dtype: numpy name.
        nodata: the value that means none.
        warp: how it is resampled where the grid is another.
        overviews: how its overviews are made.
    """

    name: str
    bands: int
    dtype: str
    nodata: int
    warp: Resampling
    overviews: Resampling

    @property
    def writing(self) -> dict[str, Any]:
        """Options of `raster_writer`."""
        options: dict[str, Any] = {"nodata": self.nodata, "overviews": self.overviews}
        if self.name == "mosaic":
            options |= {"picture": True, "descriptions": BANDS}
        if self.name == "landcover":
            options |= {"colormap": COLORMAP}
        return options


LAYERS = {
    "mosaic": Layer("mosaic", 4, "uint8", 0, Resampling.cubic, Resampling.average),
    "landcover": Layer("landcover", 1, "uint8", 0, Resampling.nearest, Resampling.mode),
    "provenance": Layer("provenance", 1, "uint16", 0, Resampling.nearest, Resampling.nearest),
    "confidence": Layer("confidence", 1, "uint8", NO_CONFIDENCE, Resampling.nearest, Resampling.average),
}


def write_layer(
    path: Path,
    layer: Layer,
    sources: Sequence[TileSource],
    geobox: GeoBox,
    area: BaseGeometry | None,
    numbers: SceneNumbers,
    *,
    cog: bool = True,
) -> None:
    """Join a layer of the tiles on a grid; where several show a pixel, the first by name counts.

    Args:
        path: of the GeoTIFF.
        layer: one of `LAYERS`.
        sources: the tiles.
        geobox: the grid.
        area: polygons in the grid's system; what lies outside is no data. None keeps all.
        numbers: of the scenes, for the provenance.
        cog: make it cloud-optimised, with overviews.

    Raises:
        SourceError: a product is missing or broken.
        StorageError: the disk is full.
    """
    with ExitStack() as stack:
        readers = [
            stack.enter_context(_reader(one, layer, geobox, numbers))
            for one in sorted(sources, key=lambda one: one.name)
        ]
        out = stack.enter_context(
            raster_writer(path, geobox, layer.bands, layer.dtype, cog=cog, **layer.writing)
        )
        for window, inside in covered_windows(geobox, area):
            found = _joined(layer, readers, window)
            found[:, ~inside] = layer.nodata
            out.write(found, window=window)


def covered_windows(geobox: GeoBox, area: BaseGeometry | None) -> Iterator[tuple[Any, NDArray[np.bool_]]]:
    """All windows of a grid, each with its pixels whose middle lies in the area, bool (h, w)."""
    if area is not None:
        shapely.prepare(area)
    for window in windows(shape_of(geobox), SIDE):
        part = window_geobox(geobox, window)
        square = shapely.box(*part.boundingbox.bbox)
        if area is None or area.contains(square):
            inside = np.ones(part.shape, bool)
        elif not area.intersects(square):
            inside = np.zeros(part.shape, bool)
        else:
            near = shapely.clip_by_rect(area, *square.bounds)
            outlines = [] if near.is_empty else [near]
            inside = (
                geometry_mask(outlines, part.shape, part.affine, invert=True)
                if outlines
                else np.zeros(part.shape, bool)
            )
        yield window, inside


def _joined(layer: Layer, readers: Sequence[Reader], window: Any) -> NDArray:
    """The first data of each pixel: (bands, h, w)."""
    found = np.full((layer.bands, window.height, window.width), layer.nodata, layer.dtype)
    missing = np.ones(found.shape[1:], bool)
    for read in readers:
        if not missing.any():
            break
        own = read(window)
        take = missing & (own != layer.nodata).all(axis=0)
        found[:, take] = own[:, take]
        missing &= ~take
    return found


@contextmanager
def _reader(source: TileSource, layer: Layer, geobox: GeoBox, numbers: SceneNumbers) -> Iterator[Reader]:
    """Reads windows of a grid from one tile."""
    with ExitStack() as stack:

        def warped(path: Path) -> Any:
            dataset = stack.enter_context(opened(path))
            rows, cols = geobox.shape
            aligned = _aligned(dataset, geobox)
            options = {
                "crs": str(geobox.crs),
                "transform": geobox.affine,
                "width": cols,
                "height": rows,
                "resampling": Resampling.nearest if aligned else layer.warp,
                "src_nodata": layer.nodata,
                "nodata": layer.nodata,
                "UNIFIED_SRC_NODATA": "YES",
            }
            return stack.enter_context(WarpedVRT(dataset, **options))

        if layer.name != "provenance":
            picture = warped(source.folder / f"{layer.name}.tif")
            yield lambda window: picture.read(range(1, layer.bands + 1), window=window)
            return
        table = numbers.table(source)
        ranks = [warped(source.build / "provenance.tif")]
        older = source.build / "fill_provenance.tif"
        if older.exists():
            ranks.append(warped(older))

        def provenance(window: Any) -> NDArray:
            found = ranks[0].read(1, window=window)
            if len(ranks) > 1:
                found = np.where(found == 0, ranks[1].read(1, window=window), found)
            return table[found][None]

        yield provenance


def _aligned(dataset: rasterio.DatasetReader, geobox: GeoBox) -> bool:
    """Whether the pixels of a raster are pixels of the grid."""
    if dataset.crs != rasterio.CRS.from_user_input(str(geobox.crs)) or dataset.transform.a != geobox.affine.a:
        return False
    col, row = ~geobox.affine @ (dataset.transform.c, dataset.transform.f)
    return bool(abs(col - round(col)) < 1e-6 and abs(row - round(row)) < 1e-6)


def sieved(path: Path, target: Path, geobox: GeoBox, area: BaseGeometry, hectares: float) -> None:
    """Give patches of the landcover under a size the class of their largest neighbour, then cut to the area.

    Patches are pixels that touch by a side. What has no data stays so. GDAL's sieve reads line by
    line, and its result lies in a file, as an array that need not be in memory: which neighbour is the
    largest is known of whole patches only, so that blocks would disagree along their edges.

    Args:
        path: of the landcover on the grid, not cut, so that the cut makes no patch small.
        target: of the COG that is written.
        geobox: the grid.
        area: polygons in the grid's system.
        hectares: of the smallest patch that stays.
    """
    layer = LAYERS["landcover"]
    pixels = max(2, int(np.ceil(hectares * HECTARE / pixel_area(geobox))))
    known, work = path.with_name(f"{path.stem}.known.tif"), path.with_name(f"{path.stem}.sieved")
    with raster_writer(known, geobox, 1, "uint8") as mask, opened(path) as dataset:
        for window in windows(shape_of(geobox), SIDE):
            mask.write((dataset.read(1, window=window) != layer.nodata).astype(np.uint8), 1, window=window)
    with work.open("wb") as file:
        file.truncate(math.prod(shape_of(geobox)))
    reserve(work)
    found = np.memmap(work, np.uint8, "r+", shape=shape_of(geobox))
    with opened(path) as dataset, opened(known) as mask:
        sieve(rasterio.band(dataset, 1), size=pixels, out=found, mask=rasterio.band(mask, 1))
    with raster_writer(target, geobox, 1, "uint8", cog=True, **layer.writing) as out:
        for window, inside in covered_windows(geobox, area):
            out.write(np.where(inside, found[window.toslices()], layer.nodata), 1, window=window)
    known.unlink()
    work.unlink()


def shape_of(geobox: GeoBox) -> tuple[int, int]:
    """Rows and columns of a grid."""
    rows, cols = geobox.shape
    return int(rows), int(cols)


def pixel_area(geobox: GeoBox) -> float:
    """Ground of the pixel in the middle of a grid, m2."""
    rows, cols = geobox.shape
    corners = [(0, 0), (1, 0), (1, 1), (0, 1)]
    xs, ys = zip(*(geobox.affine @ (cols // 2 + x, rows // 2 + y) for x, y in corners), strict=True)
    to = Transformer.from_crs(CRS.from_user_input(str(geobox.crs)), 4326, always_xy=True)
    area, _ = Geod(ellps="WGS84").polygon_area_perimeter(*to.transform(xs, ys))
    return abs(area)
