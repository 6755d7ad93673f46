"""Reviewers' corrections: outlines with their true class, on the composite of a build.

A correction is a GeoJSON file in longitude and latitude: polygons whose property `class` is the name or code
of a landcover class. Beside the features it has "build", the folder of the build (with composite.tif),
relative to the file, and "place", the tile's name; and perhaps "split" and "licences".
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from pyproj import Transformer
from rasterio.features import rasterize
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from pipeline.errors import SourceError
from pipeline.landcover.classes import CLASSES
from pipeline.raster import geobox_of, opened
from pipeline.training.datasets import IGNORE
from pipeline.training.datasets.labelled import LabelledScene, LabelledWindows
from pipeline.training.datasets.places import TRAIN, checked, split_of

COMPOSITE = "composite.tif"
LICENCE = "Reviewers' corrections, of whoever ran the review; contains modified Copernicus Sentinel data."
NAMES = {item.name: item.code for item in CLASSES} | {
    "residential": 4,
    "industrial": 5,
    **{str(item.code): item.code for item in CLASSES},
}
"""How a class may be called -> its code."""


def corrections(folder: Path, name: str, crop: int, split: str = TRAIN) -> LabelledWindows:
    """Open the corrections in a folder, one GeoJSON file for each build.

    Args:
        folder: with *.geojson.
        name: network: "water", "vegetation" or "buildings".
        crop: side of a window in pixels.
        split: of the places, which are the tiles.

    Raises:
        UsageError, SourceError: see `LabelledWindows` and `read_correction`; or there are no files.
    """
    paths = sorted(folder.rglob("*.geojson"))
    if not paths:
        raise SourceError(f"There is no correction (*.geojson) under {folder}.")
    return LabelledWindows([read_correction(path) for path in paths], name, crop, split)


def read_correction(path: Path) -> LabelledScene:
    """Read the outlines of a file onto the grid of their build's composite.

    A pixel has a label where it lies whole inside outlines of one class.

    Raises:
        SourceError: the file, a class or the build cannot be used.
    """
    content = _content(path)
    composite = path.parent / str(content["build"]) / COMPOSITE
    with opened(composite) as dataset:
        geobox = geobox_of(dataset)
    place = str(content["place"])
    return LabelledScene(
        composite,
        place,
        checked(str(content.get("split") or split_of(place))),
        tuple(content.get("licences") or (LICENCE,)),
        _codes(path, content["features"], geobox),
    )


def _content(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise SourceError(f"The correction {path} cannot be read: {error}.") from error
    for key in ("build", "place", "features"):
        if not isinstance(content, dict) or not content.get(key):
            raise SourceError(f"The correction {path} has no {key!r}.")
    return content


def _codes(path: Path, features: list[dict[str, Any]], geobox: GeoBox) -> NDArray[np.uint8]:
    into = Transformer.from_crs(4326, str(geobox.crs), always_xy=True)
    codes = np.full(geobox.shape.yx, IGNORE, np.uint8)
    touched: NDArray[np.uint8] = np.zeros(geobox.shape.yx, np.uint8)
    by_class: dict[int, list[BaseGeometry]] = {}
    for feature in features:
        called = str((feature.get("properties") or {}).get("class"))
        if called not in NAMES:
            raise SourceError(f"The correction {path} has an outline of the class {called!r}, which is none.")
        outline = shapely.transform(
            shape(feature["geometry"]), lambda points: np.column_stack(into.transform(*points.T))
        )
        by_class.setdefault(NAMES[called], []).append(outline)
    for code, outlines in by_class.items():
        united = shapely.unary_union(outlines)
        inside = _drawn(united, geobox, whole=True)
        codes[inside] = code
        touched += _drawn(united, geobox, whole=False)
    codes[touched > 1] = IGNORE
    return codes


def _drawn(outline: BaseGeometry, geobox: GeoBox, whole: bool) -> NDArray[np.bool_]:
    """Pixels that lie whole inside an outline, or all that it touches."""
    kind = {"transform": geobox.affine, "out_shape": geobox.shape.yx, "all_touched": True, "dtype": "uint8"}
    touched = rasterize([outline], **kind).astype(bool)
    return touched & ~rasterize([outline.boundary], **kind).astype(bool) if whole else touched
