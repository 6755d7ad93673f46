"""Areas with OpenStreetMap's tags from the files they are given away in: PBF, XML, GeoJSON, GeoPackage."""

import json
import sqlite3
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from pipeline.errors import SourceError, UsageError

KEYS = ("landuse", "building")
LONLAT = 4326
Area = tuple[Mapping[str, str], BaseGeometry, int]
"""Tags, of which `landuse` and `building` count; outline; EPSG code of its coordinates."""

ENVELOPES = {0: 0, 1: 32, 2: 48, 3: 48, 4: 64}
"""Bytes of the envelope in a GeoPackage geometry, by its kind."""


def read_areas(path: Path) -> Iterator[Area]:
    """Yield the areas of a file that have a land use or are buildings.

    Args:
        path: .osm.pbf, .osm (also .gz, .bz2), GeoJSON, or GeoPackage; the last two with the columns
            `landuse` and `building`, or with Geofabrik's `fclass` and `type`.

    Raises:
        UsageError: the name has none of these endings.
        SourceError: the file is missing or is not what its name says.
    """
    if not path.is_file():
        raise SourceError(f"There is no OpenStreetMap file {path}.")
    try:
        yield from _reader(path)(path)
    except (RuntimeError, ValueError, sqlite3.Error, struct.error, shapely.errors.ShapelyError) as error:
        text = " ".join(str(error).split()).rstrip(".")
        raise SourceError(f"The OpenStreetMap file {path} cannot be read: {text}.") from error


def timestamp(path: Path) -> str | None:
    """Return up to when an .osm.pbf says that it holds OpenStreetMap's edits, or None."""
    if not path.name.lower().endswith(".pbf"):
        return None
    import osmium

    try:
        header = osmium.io.Reader(str(path)).header()
        return header.get("osmosis_replication_timestamp") or header.get("timestamp") or None
    except RuntimeError as error:
        raise SourceError(f"The OpenStreetMap file {path} cannot be read: {error}.") from error


def _reader(path: Path) -> Callable[[Path], Iterator[Area]]:
    name = path.name.lower()
    if name.endswith((".pbf", ".osm", ".osm.gz", ".osm.bz2")):
        return _openstreetmap
    if name.endswith((".geojson", ".json")):
        return _geojson
    if name.endswith(".gpkg"):
        return _geopackage
    raise UsageError(f"{path} is no .osm.pbf, .osm, .geojson or .gpkg.", "osm")


def _openstreetmap(path: Path) -> Iterator[Area]:
    import osmium

    tagged = osmium.filter.KeyFilter(*KEYS)
    areas = osmium.FileProcessor(str(path)).with_areas(tagged)
    factory = osmium.geom.WKBFactory()
    for area in areas.with_filter(osmium.filter.EntityFilter(osmium.osm.AREA)).with_filter(tagged):
        try:
            outline = shapely.from_wkb(factory.create_multipolygon(cast(osmium.osm.Area, area)))
        except RuntimeError:
            continue
        yield {key: area.tags[key] for key in KEYS if key in area.tags}, outline, LONLAT


def _geojson(path: Path) -> Iterator[Area]:
    content = json.loads(path.read_bytes())
    if not isinstance(content, dict) or content.get("type") != "FeatureCollection":
        raise ValueError("it is no GeoJSON collection of features")
    for feature in content["features"]:
        properties = feature.get("properties") or {}
        nested = properties.get("tags")
        tags = _tags({**properties, **nested} if isinstance(nested, dict) else properties)
        if tags and feature.get("geometry"):
            yield tags, shape(feature["geometry"]), LONLAT


def _geopackage(path: Path) -> Iterator[Area]:
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
        query = (
            "SELECT g.table_name, g.column_name, s.organization_coordsys_id FROM gpkg_geometry_columns g "
            "JOIN gpkg_spatial_ref_sys s ON g.srs_id = s.srs_id ORDER BY g.table_name"
        )
        for table, column, epsg in database.execute(query).fetchall():
            names = [row[1] for row in database.execute(f"PRAGMA table_info({_quoted(table)})")]
            wanted = [name for name in ("landuse", "building", "fclass", "type") if name in names]
            if not {"landuse", "building", "fclass"} & set(wanted):
                continue
            columns = ", ".join(_quoted(name) for name in (column, *wanted))
            for blob, *values in database.execute(f"SELECT {columns} FROM {_quoted(table)}"):
                tags = _tags(dict(zip(wanted, values, strict=True)))
                if tags and blob:
                    yield tags, _outline(blob), int(epsg)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _outline(blob: bytes) -> BaseGeometry:
    """The geometry of a GeoPackage's binary: a header, an envelope of some length, then WKB."""
    if blob[:2] != b"GP":
        raise ValueError("a geometry of it is no GeoPackage geometry")
    return shapely.from_wkb(blob[8 + ENVELOPES[blob[3] >> 1 & 7] :])


def _tags(properties: Mapping[str, Any]) -> dict[str, str]:
    """The land use and building of a feature, also where Geofabrik's columns tell them."""
    tags = {key: str(properties[key]) for key in KEYS if properties.get(key)}
    kind = properties.get("fclass")
    if not tags and kind == "building":
        return {"building": str(properties.get("type") or "yes")}
    if not tags and kind:
        return {"landuse": str(kind)}
    return tags
