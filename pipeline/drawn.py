"""What a reviewer drew on a tile: areas masked in some scenes, and areas of another class."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from pyproj import Transformer
from rasterio.features import rasterize
from rasterio.windows import Window
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from pipeline.errors import UsageError
from pipeline.raster import window_geobox
from pipeline.storage import read_json, write_json
from pipeline.words import sentence

DRAWN = "drawn.json"
MASK, CLASSES = "mask", "classes"
CODES = range(1, 7)


@dataclass(frozen=True)
class Area:
    """An outline on the ground.

    Attributes:
        outline: polygons in longitude and latitude.
        scenes: ids of the scenes in which it is masked.
        code: of the class that it is set to; 0 where it is masked.
    """

    outline: BaseGeometry
    scenes: frozenset[str] = frozenset()
    code: int = 0

    def on(self, geobox: GeoBox) -> BaseGeometry:
        """The outline in the coordinates of a grid."""
        into = Transformer.from_crs(4326, str(geobox.crs), always_xy=True)
        return shapely.transform(self.outline, lambda points: np.column_stack(into.transform(*points.T)))


@dataclass(frozen=True)
class Drawn:
    """All that was drawn on a tile, what was drawn last counts."""

    masked: tuple[Area, ...] = ()
    classes: tuple[Area, ...] = ()

    @classmethod
    def of(cls, asked: Mapping[str, Any]) -> "Drawn":
        """Read what was asked.

        Args:
            asked: {"mask": [{"scenes": [id], "geometry": G}], "classes": [{"class": 1..6, "geometry": G}]},
                both perhaps missing; G is GeoJSON of polygons in longitude and latitude.

        Raises:
            UsageError: an outline is none, or a class is none.
        """
        masked = (Area(_outline(one), frozenset(one.get("scenes", ()))) for one in asked.get(MASK, ()))
        classes = (Area(_outline(one), code=_code(one)) for one in asked.get(CLASSES, ()))
        return cls(tuple(masked), tuple(classes))

    @classmethod
    def read(cls, folder: Path) -> "Drawn":
        """What was drawn for a build; nothing where its folder does not tell."""
        path = Path(folder) / DRAWN
        return cls.of(read_json(path)) if path.exists() else cls()

    def masked_in(self, scene: str) -> list[Area]:
        """The areas that are masked in a scene."""
        return [area for area in self.masked if scene in area.scenes]


def split_drawn(asked: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What was asked of the scene list, and what was drawn."""
    drawn = {name: asked[name] for name in (MASK, CLASSES) if asked.get(name)}
    return {name: value for name, value in asked.items() if name not in (MASK, CLASSES)}, drawn


def differ_in_classes_alone(asked: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    """Whether what is asked of a build differs from what was asked of another only in corrected classes."""
    rest, earlier = (
        {name: value for name, value in one.items() if name != CLASSES} for one in (asked, before)
    )
    return rest == earlier and asked != before


def keep_drawn(folder: Path, drawn: Mapping[str, Any]) -> None:
    """Keep what was drawn in a build's folder, once it is known to be usable.

    Raises:
        UsageError: see `Drawn.of`.
    """
    Drawn.of(drawn)
    if drawn:
        write_json(Path(folder) / DRAWN, dict(drawn))


def touched(areas: Sequence[Area], geobox: GeoBox) -> NDArray[np.bool_]:
    """Pixels (h, w) of a grid that any of the areas touches."""
    shapes = [area.on(geobox) for area in areas]
    return _burnt([(one, 1) for one in shapes], geobox).astype(bool)


def codes_in(areas: Sequence[Area], geobox: GeoBox, window: Window) -> NDArray[np.uint8]:
    """The class of each pixel (h, w) of a window whose middle lies in an area, else 0; the last counts."""
    part = window_geobox(geobox, window)
    return _burnt([(area.on(part), area.code) for area in areas], part, all_touched=False)


def agreed_codes(corrections: Iterable[Sequence[Area]], geobox: GeoBox, window: Window) -> NDArray[np.uint8]:
    """The class of each pixel (h, w) of a window that was told on any of several tiles, else 0.

    Where two tiles were told different classes of a pixel it is 0: neither counts more than the other.
    """
    found = np.zeros((window.height, window.width), np.uint8)
    at_odds = np.zeros(found.shape, bool)
    for areas in filter(None, corrections):
        codes = codes_in(areas, geobox, window)
        at_odds |= (codes > 0) & (found > 0) & (codes != found)
        found = np.where(codes > 0, codes, found)
    found[at_odds] = 0
    return found


def _burnt(shapes: Sequence[tuple[Any, int]], geobox: GeoBox, all_touched: bool = True) -> NDArray[np.uint8]:
    if not shapes:
        return np.zeros(geobox.shape.yx, np.uint8)
    found: NDArray[np.uint8] = rasterize(
        shapes, out_shape=geobox.shape.yx, transform=geobox.affine, all_touched=all_touched, dtype="uint8"
    )
    return found


def _outline(one: Mapping[str, Any]) -> BaseGeometry:
    try:
        outline = shape(one["geometry"])
    except (
        KeyError,
        TypeError,
        AttributeError,
        ValueError,
        OverflowError,
        shapely.errors.ShapelyError,
    ) as error:
        raise UsageError(sentence("An area that was drawn is no GeoJSON polygon."), "geometry") from error
    if outline.geom_type not in ("Polygon", "MultiPolygon") or outline.is_empty:
        raise UsageError(
            sentence("An area that was drawn must be polygons, not %(kind)s.", kind=outline.geom_type),
            "geometry",
        )
    return outline


def _code(one: Mapping[str, Any]) -> int:
    if one.get("class") not in CODES:
        raise UsageError(
            sentence("%(code)r is no landcover class: write 1 to 6.", code=one.get("class")), "class"
        )
    return int(one["class"])
