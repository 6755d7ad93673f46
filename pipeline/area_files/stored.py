"""Rings from Shapefiles and GeoPackages, by GDAL; only in a process of its own with limits (`bounded`)."""

import os
import tempfile
from pathlib import Path

import numpy as np
import shapely

from pipeline.area_files.found import FIELD, Found, Limits
from pipeline.errors import UsageError
from pipeline.words import sentence

WORDS = {"shapefile": "Shapefile", "gpkg": "GeoPackage"}
DRIVERS = {"shapefile": "ESRI Shapefile", "gpkg": "GPKG"}
# A part that is missing is made anew; nothing is fetched, no script of a database runs.
GUARD = {
    "SHAPE_RESTORE_SHX": "YES",
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": "{none}",
    "GDAL_VRT_ENABLE_PYTHON": "NO",
    "OGR_SQLITE_LOAD_EXTENSIONS": "",
    "OGR_ENABLE_PARTIAL_REPROJECTION": "NO",
}


def read_stored(kind: str, parts: dict[str, bytes], limits: Limits) -> Found:
    """The polygons of all layers that have any.

    Raises:
        UsageError: it cannot be read, or its layers are in different reference systems.
    """
    if kind == "shapefile" and len(parts["area.shp"]) < 100:
        raise UsageError(sentence("The .shp is too short to be a Shapefile."), FIELD)
    os.environ |= GUARD
    found = Found(WORDS[kind], crs="")
    if kind == "shapefile" and "area.shx" not in parts:
        found.repairs.append(sentence("The index (.shx) was missing and was made anew."))
    with tempfile.TemporaryDirectory() as folder:
        for name, content in parts.items():
            Path(folder, name).write_bytes(content)
        _read_layers(Path(folder, "area.shp" if kind == "shapefile" else "area.gpkg"), kind, found, limits)
    return found


def _read_layers(path: Path, kind: str, found: Found, limits: Limits) -> None:
    import pyogrio
    from pyogrio.errors import DataLayerError, DataSourceError, FeatureError, GeometryError

    # The smallest polygon has four vertices.
    most = limits.most_vertices // 4 + 1
    try:
        systems = set()
        for layer, geometry_kind in pyogrio.list_layers(path):
            about = pyogrio.read_info(path, layer=layer)
            if about["driver"] != DRIVERS[kind]:
                raise UsageError(sentence("The file is no %(kind)s.", kind=WORDS[kind]), FIELD)
            if geometry_kind is None:
                continue
            if about["features"] >= most:
                raise UsageError(
                    sentence(
                        "The file has %(features)s features; fewer than %(most)s are taken.",
                        features=f"{about['features']:,}",
                        most=f"{most:,}",
                    ),
                    FIELD,
                )
            about, _, geometries, _ = pyogrio.raw.read(path, layer=layer, columns=[], max_features=most)
            if _take(shapely.from_wkb(geometries), found):
                systems.add(about["crs"] or "")
    except (DataLayerError, DataSourceError, FeatureError, GeometryError, shapely.GEOSException) as error:
        reason = str(error).splitlines()[0].replace(str(path.parent) + "/", "")
        told = sentence(
            "The %(kind)s cannot be read: %(reason)s.", kind=WORDS[kind], reason=reason.rstrip(".")[:200]
        )
        raise UsageError(told, FIELD) from error
    if len(systems) > 1:
        raise UsageError(
            sentence("The layers are in different reference systems: upload one of them."), FIELD
        )
    found.crs = systems.pop() if systems else ""


def _take(geometries: np.ndarray, found: Found) -> int:
    """Add the polygons among geometries; how many there were."""
    before = len(found.polygons)
    parts = shapely.get_parts(shapely.get_parts(shapely.force_2d(geometries)))
    for part in parts:
        if part is not None and part.geom_type == "Polygon":
            rings = [part.exterior, *part.interiors]
            found.polygons.append([shapely.get_coordinates(ring) for ring in rings])
        else:
            found.others += part is not None
    return len(found.polygons) - before
