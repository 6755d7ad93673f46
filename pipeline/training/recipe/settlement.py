"""What OpenStreetMap says of settlements: where people live, and where they work and trade."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from pyproj import Transformer
from rasterio.features import rasterize
from shapely import STRtree
from shapely.geometry.base import BaseGeometry

from pipeline.errors import SourceError
from pipeline.training.recipe.vectors import Area, read_areas

SILENT, RESIDENTIAL, INDUSTRIAL, UNSURE = 0, 4, 5, 255
"""What is said of a pixel: nothing, one of two classes, or both at once."""

LANDUSE = {
    "residential": RESIDENTIAL,
    "industrial": INDUSTRIAL,
    "commercial": INDUSTRIAL,
    "retail": INDUSTRIAL,
}
"""Value of `landuse` -> class; all others say nothing."""

BUILDING = {
    **dict.fromkeys(
        (
            "apartments",
            "bungalow",
            "cabin",
            "detached",
            "dormitory",
            "house",
            "residential",
            "semidetached_house",
            "static_caravan",
            "terrace",
        ),
        RESIDENTIAL,
    ),
    **dict.fromkeys(
        (
            "commercial",
            "factory",
            "industrial",
            "manufacture",
            "office",
            "retail",
            "supermarket",
            "warehouse",
        ),
        INDUSTRIAL,
    ),
}
"""Value of `building` -> class; every other building has the class of the land use it lies in."""


@dataclass(frozen=True)
class Said:
    """What is said of each pixel of a grid.

    Attributes:
        kind: uint8 (rows, cols): `SILENT`, `RESIDENTIAL`, `INDUSTRIAL` or `UNSURE`.
        landuse: the same by land use alone.
        building: bool (rows, cols): a building of any kind stands there.
    """

    kind: NDArray[np.uint8]
    landuse: NDArray[np.uint8]
    building: NDArray[np.bool_]


class Settlement:
    """Land use and buildings near a grid, drawn window by window.

    Args:
        areas: with tags, as `read_areas` yields them.
        geobox: the grid; areas that do not meet it are left out.
    """

    def __init__(self, areas: Iterable[Area], geobox: GeoBox) -> None:
        self._crs = str(geobox.crs)
        self._grids: dict[int, tuple[Transformer, BaseGeometry]] = {}
        box = shapely.box(*geobox.boundingbox.bbox)
        groups: dict[tuple[str, int], list[BaseGeometry]] = defaultdict(list)
        for tags, outline, epsg in areas:
            into, near = self._grid_in(epsg, box)
            if not outline.intersects(near):
                continue
            moved = shapely.transform(
                outline, lambda points, to=into: np.column_stack(to.transform(*points.T))
            )
            if tags.get("landuse") in LANDUSE:
                groups["landuse", LANDUSE[tags["landuse"]]].append(moved)
            if "building" in tags and tags["building"] != "no":
                groups["building", BUILDING.get(tags["building"], SILENT)].append(moved)
        self.counts = {f"{key} {CALLED[kind]}": len(found) for (key, kind), found in sorted(groups.items())}
        self._trees = {group: (STRtree(found), np.array(found)) for group, found in groups.items()}

    def said(self, geobox: GeoBox) -> Said:
        """Return what is said of each pixel of a part of the grid, judged by its centre."""
        landuse = _joined(self._drawn("landuse", geobox))
        by_kind = self._drawn("building", geobox)
        told = _joined(by_kind)
        kind = np.where(told == SILENT, landuse, told)
        return Said(kind, landuse, np.logical_or.reduce(list(by_kind.values())))

    def _drawn(self, key: str, geobox: GeoBox) -> dict[int, NDArray[np.bool_]]:
        box = shapely.box(*geobox.boundingbox.bbox)
        drawn = {}
        for kind in (SILENT, RESIDENTIAL, INDUSTRIAL):
            mask = np.zeros(geobox.shape.yx, np.uint8)
            if (key, kind) in self._trees:
                tree, outlines = self._trees[key, kind]
                hits = outlines[tree.query(box)]
                if hits.size:
                    rasterize(hits, out=mask, transform=geobox.affine, default_value=1)
            drawn[kind] = mask.astype(bool)
        return drawn

    def _grid_in(self, epsg: int, box: BaseGeometry) -> tuple[Transformer, BaseGeometry]:
        """How coordinates become the grid's, and the ground of the grid in them."""
        if epsg not in self._grids:
            into = Transformer.from_crs(epsg, self._crs, always_xy=True)
            back = Transformer.from_crs(self._crs, epsg, always_xy=True)
            self._grids[epsg] = into, shapely.box(*back.transform_bounds(*box.bounds))
        return self._grids[epsg]


CALLED = {SILENT: "of no told use", RESIDENTIAL: "residential", INDUSTRIAL: "industrial"}


def read_settlement(paths: Iterable[Path], geobox: GeoBox) -> Settlement:
    """Read the land use and buildings of files near a grid.

    Raises:
        UsageError, SourceError: see `read_areas`; or the files hold nothing near the grid.
    """
    names = [str(path) for path in paths]
    settlement = Settlement((area for name in names for area in read_areas(Path(name))), geobox)
    if not settlement.counts:
        raise SourceError(f"{' and '.join(names)} hold no land use and no building on the scene's ground.")
    return settlement


def _joined(drawn: dict[int, NDArray[np.bool_]]) -> NDArray[np.uint8]:
    """One class a pixel, `UNSURE` where both are drawn."""
    lived, worked = drawn[RESIDENTIAL], drawn[INDUSTRIAL]
    said = np.where(lived, np.uint8(RESIDENTIAL), np.where(worked, np.uint8(INDUSTRIAL), np.uint8(SILENT)))
    said[lived & worked] = UNSURE
    return said
