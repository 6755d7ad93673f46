"""What follows from what a reviewer drew: which areas are masked in which scenes, where the class is set."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from django.contrib.gis.geos import GEOSGeometry
from django.utils.translation import gettext
from pyproj import Transformer
from rasterio.windows import Window, from_bounds
from shapely.geometry.base import BaseGeometry

from pipeline.drawn import Area, touched
from pipeline.errors import UsageError
from pipeline.raster import geobox_of, opened, window_geobox
from pipeline.united import mended, widened
from webapp.campaigns.models import CampaignTile, Override, Revision
from webapp.review.models import Defect
from webapp.throttled import throttled

MASKED = (Defect.Kind.CLOUD, Defect.Kind.SHADOW, Defect.Kind.HAZE)
LEAST_WIDTH, MOST_WIDTH = 20.0, 20_000.0


@dataclass(frozen=True)
class Drawing:
    """A defect as a reviewer drew it.

    Attributes:
        kind: of `Defect.Kind`.
        outline: polygons in longitude and latitude.
        code: of the right class, where the landcover is wrong.
        words: what the reviewer says of it.
    """

    kind: str
    outline: BaseGeometry
    code: int | None = None
    words: str = ""

    @property
    def geos(self) -> GEOSGeometry:
        """The outline as the database takes it."""
        return GEOSGeometry(memoryview(self.outline.wkb), srid=4326)


def outline_of(geometry: dict[str, Any], tile: CampaignTile, width: float | None = None) -> BaseGeometry:
    """The ground that was drawn, inside the tile, as multipolygons in longitude and latitude.

    Args:
        geometry: GeoJSON of polygons, or of the lines of a brush.
        tile: on which it was drawn.
        width: of the brush in metres.

    Raises:
        UsageError: it is no such geometry, lies outside the tile, or the brush has no width.
    """
    try:
        drawn = shapely.from_geojson(json.dumps(geometry))
    except (shapely.errors.ShapelyError, TypeError) as error:
        raise UsageError(gettext("What was drawn is no GeoJSON geometry."), "geometry") from error
    with throttled():
        drawn = mended(drawn, "geometry")
    grid = tile.tile.grid
    there = Transformer.from_crs(4326, grid.epsg, always_xy=True)
    back = Transformer.from_crs(grid.epsg, 4326, always_xy=True)
    on_ground = shapely.transform(drawn, lambda points: np.column_stack(there.transform(*points.T)))
    if drawn.geom_type in ("LineString", "MultiLineString", "Point"):
        if width is None or not LEAST_WIDTH <= width <= MOST_WIDTH:
            raise UsageError(
                gettext("A brush is %(least)s to %(most)s m wide.")
                % {"least": f"{LEAST_WIDTH:g}", "most": f"{MOST_WIDTH:g}"},
                "width",
            )
        with throttled():
            on_ground = widened(on_ground, width / 2, "geometry")
    inside = shapely.MultiPolygon(_polygons(shapely.intersection(on_ground, shapely.box(*grid.bounds))))
    if inside.is_empty:
        raise UsageError(gettext("What was drawn covers no ground of the tile."), "geometry")
    outline = shapely.transform(inside, lambda points: np.column_stack(back.transform(*points.T)))
    return shapely.set_precision(outline, 1e-7, mode="pointwise")


def _polygons(found: BaseGeometry) -> list[BaseGeometry]:
    parts = shapely.get_parts(shapely.get_parts([found]))
    return [part for part in parts if part.geom_type == "Polygon" and part.area > 0]


def wishes_of(revision: Revision, drawings: Iterable[Drawing]) -> list[tuple[str, dict[str, Any]] | None]:
    """What each drawing asks of the next build: kind and content of an override, or nothing.

    Cloud, shadow and haze are masked in the scenes that the build shows there; the class is corrected.
    """
    return [_wish(revision, drawing) for drawing in drawings]


def _wish(revision: Revision, drawing: Drawing) -> tuple[str, dict[str, Any]] | None:
    geometry = json.loads(shapely.to_geojson(drawing.outline))
    if drawing.kind == Defect.Kind.CLASSES:
        return Override.Kind.CLASSES, {"class": drawing.code, "geometry": geometry}
    if drawing.kind in MASKED:
        scenes = shown_in(revision, drawing.outline)
        return (Override.Kind.MASK, {"scenes": scenes, "geometry": geometry}) if scenes else None
    return None


def shown_in(revision: Revision, outline: BaseGeometry) -> list[str]:
    """The ids of the scenes that a revision's own build shows inside an outline, sorted."""
    if revision.build is None:
        return []
    area = Area(outline)
    with opened(revision.build.source("provenance.tif")) as dataset:
        whole = geobox_of(dataset)
        bounds = shapely.bounds(area.on(whole))
        window = _inside(from_bounds(*bounds, transform=dataset.transform), dataset.shape)
        ranks = dataset.read(1, window=window)
        inside = touched([area], window_geobox(whole, window))
    found: Sequence[int] = np.unique(ranks[inside]).tolist()
    scenes = revision.build.scenes.filter(rank__in=[rank for rank in found if rank])
    return sorted(scenes.values_list("scene_id", flat=True))


def _inside(window: Window, shape: tuple[int, int]) -> Window:
    """The whole pixels of a window inside a raster, one at least."""
    top = int(np.clip(np.floor(window.row_off), 0, shape[0] - 1))
    left = int(np.clip(np.floor(window.col_off), 0, shape[1] - 1))
    bottom = int(np.clip(np.ceil(window.row_off + window.height), top + 1, shape[0]))
    right = int(np.clip(np.ceil(window.col_off + window.width), left + 1, shape[1]))
    return Window(left, top, right - left, bottom - top)
