"""Rings from text: GeoJSON and KML."""

import json
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element, ParseError

import numpy as np
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from pipeline.area_files.found import FIELD, Found
from pipeline.area_files.kinds import text_of
from pipeline.errors import UsageError
from pipeline.words import counted, sentence

COLLECTIONS = {"FeatureCollection": "features", "GeometryCollection": "geometries"}
OTHERS = ("Point", "MultiPoint", "LineString", "MultiLineString")


def read_geojson(content: bytes) -> Found:
    """The polygons of GeoJSON, of 2008 with its `crs` member too.

    Raises:
        UsageError: it is no GeoJSON, or a coordinate is no number.
    """

    def refuse(name: str) -> None:
        raise UsageError(sentence("The area has a coordinate that is no number: %(name)s.", name=name), FIELD)

    try:
        whole = json.loads(text_of(content), parse_constant=refuse)
        found = Found("GeoJSON", crs=_crs_of(whole))
        for geometry in _geometries(whole):
            _take(geometry, found)
    except (ValueError, RecursionError) as error:
        raise UsageError(
            sentence("The area is not valid GeoJSON: it cannot be read as JSON."), FIELD
        ) from error
    return found


def _crs_of(whole: Any) -> str:
    crs = whole.get("crs") if isinstance(whole, dict) else None
    if crs is None:
        return "OGC:CRS84"
    try:
        return str(crs["properties"]["name"])
    except (TypeError, KeyError) as error:
        raise UsageError(sentence("The area's reference system (`crs`) has no name."), FIELD) from error


def _geometries(content: Any) -> Iterator[dict[str, Any]]:
    kind = content.get("type") if isinstance(content, dict) else None
    if kind == "Feature":
        yield from _geometries(content["geometry"]) if content.get("geometry") else ()
    elif kind in COLLECTIONS:
        items = content.get(COLLECTIONS[kind])
        if not isinstance(items, list):
            raise UsageError(
                sentence(
                    "The area is not valid GeoJSON: its %(kind)s has no %(member)s.",
                    kind=kind,
                    member=COLLECTIONS[kind],
                ),
                FIELD,
            )
        for item in items:
            yield from _geometries(item)
    elif kind in ("Polygon", "MultiPolygon", *OTHERS):
        yield content
    else:
        raise UsageError(
            sentence("The area is not valid GeoJSON: %(kind)r is no type of it.", kind=str(kind)[:40]), FIELD
        )


def _take(geometry: dict[str, Any], found: Found) -> None:
    points = geometry.get("coordinates")
    if geometry["type"] in OTHERS:
        found.others += 1
        return
    polygons = points if geometry["type"] == "MultiPolygon" else [points]
    if not isinstance(polygons, list):
        raise _no_rings()
    for polygon in polygons:
        if not isinstance(polygon, list):
            raise _no_rings()
        found.polygons.append([_ring(ring) for ring in polygon])


def _ring(ring: Any) -> np.ndarray:
    try:
        pairs = [(point[0], point[1]) for point in ring]
    except (TypeError, IndexError, KeyError) as error:
        raise _no_rings() from error
    if not all(type(number) in (int, float) for pair in pairs for number in pair):
        raise _no_rings()
    try:
        return np.array(pairs, float).reshape(-1, 2)
    except OverflowError as error:
        raise UsageError(sentence("The area has a coordinate that is no number."), FIELD) from error


def _no_rings() -> UsageError:
    return UsageError(
        sentence(
            "The area is not a valid polygon: it needs rings of at least three [longitude, latitude] pairs."
        ),
        FIELD,
    )


def read_kml(content: bytes) -> Found:
    """The polygons of KML; closed lines count as polygons. What it links to is not fetched.

    Raises:
        UsageError: it is no KML, or has a document type or entities.
    """
    try:
        root = fromstring(_xml(content), forbid_dtd=True)
    except DefusedXmlException as error:
        raise UsageError(
            sentence("The file has a document type or entities, which no KML needs."), FIELD
        ) from error
    except (ParseError, ValueError, LookupError, RecursionError) as error:
        raise UsageError(
            sentence("The file cannot be read as XML: %(reason)s.", reason=str(error)), FIELD
        ) from error
    if _name(root) != "kml":
        raise UsageError(
            sentence(
                "The file is XML, but no KML (%(root)r): GeoJSON, zipped Shapefile, KML, KMZ and GeoPackage "
                "are taken.",
                root=_name(root)[:40],
            ),
            FIELD,
        )
    found = Found("KML")
    lines = 0
    for element in root.iter():
        kind = _name(element)
        if kind == "Polygon":
            found.polygons.append(_kml_polygon(element))
        elif kind == "LineString":
            line = _kml_ring(element)
            closed = len(line) > 3 and np.array_equal(line[0], line[-1])
            lines += closed
            found.others += not closed
            found.polygons += [[line]] if closed else []
        else:
            found.others += kind == "Point"
    if lines:
        found.repairs.append(
            counted(
                "%(count)s closed line was taken as outlines.",
                "%(count)s closed lines were taken as outlines.",
                lines,
            )
        )
    return found


def _xml(content: bytes) -> bytes | str:
    """UTF-16 is decoded here; all else by what the file itself says."""
    return text_of(content) if content[:2] in (b"\xff\xfe", b"\xfe\xff") else content


def _name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _kml_polygon(polygon: Element) -> list[np.ndarray]:
    outer = [part for part in polygon if _name(part) == "outerBoundaryIs"]
    inner = [part for part in polygon if _name(part) == "innerBoundaryIs"]
    rings = [ring for part in outer[:1] + inner for ring in part if _name(ring) == "LinearRing"]
    return [_kml_ring(ring) for ring in rings] if outer else []


def _kml_ring(ring: Element) -> np.ndarray:
    text = next((part.text or "" for part in ring if _name(part) == "coordinates"), "")
    try:
        pairs = [tuple(map(float, point.split(",")[:2])) for point in text.split()]
        return np.array(pairs, float).reshape(-1, 2)
    except ValueError as error:
        raise UsageError(
            sentence("The KML has coordinates that are not longitude,latitude in degrees."), FIELD
        ) from error
