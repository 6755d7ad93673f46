import gzip
import json
import sqlite3
import struct

import osmium
import pytest
import shapely

from pipeline.errors import SourceError, UsageError
from pipeline.training.recipe.vectors import read_areas, timestamp

SQUARE = shapely.box(15.0, 46.0, 15.01, 46.01)
COURT = shapely.box(15.004, 46.004, 15.006, 46.006)
XML = """<?xml version='1.0' encoding='UTF-8'?>
<osm version="0.6">
 {nodes}
 <way id="1"><nd ref="1"/><nd ref="2"/><nd ref="3"/><nd ref="4"/><nd ref="1"/></way>
 <way id="2"><nd ref="5"/><nd ref="6"/><nd ref="7"/><nd ref="8"/><nd ref="5"/>
  <tag k="building" v="yes"/></way>
 <way id="3"><nd ref="1"/><nd ref="2"/><tag k="landuse" v="residential"/></way>
 <way id="4"><nd ref="1"/><nd ref="2"/><nd ref="99"/><nd ref="1"/><tag k="building" v="house"/></way>
 <way id="5"><nd ref="1"/><nd ref="2"/><nd ref="3"/><nd ref="1"/><tag k="natural" v="wood"/></way>
 <relation id="1"><member type="way" ref="1" role="outer"/><member type="way" ref="2" role="inner"/>
  <tag k="type" v="multipolygon"/><tag k="landuse" v="industrial"/></relation>
</osm>"""


@pytest.fixture
def xml(tmp_path):
    """A works area with a court in which a building stands, an open way, a broken ring, and a wood."""
    corners = [*SQUARE.exterior.coords[:4], *COURT.exterior.coords[:4]]
    nodes = "".join(f'<node id="{i}" lon="{x}" lat="{y}"/>' for i, (x, y) in enumerate(corners, start=1))
    path = tmp_path / "area.osm"
    path.write_text(XML.format(nodes=nodes))
    return path


def as_pbf(path):
    """The same as PBF, with the time up to which it holds edits in its header."""
    target = path.with_name("area.osm.pbf")
    header = osmium.io.Header()
    header.set("osmosis_replication_timestamp", "2021-06-01T00:00:00Z")
    with osmium.SimpleWriter(str(target), header=header) as writer:
        for item in osmium.FileProcessor(str(path)):
            writer.add(item)
    return target


def as_gz(path):
    target = path.with_name("area.osm.gz")
    target.write_bytes(gzip.compress(path.read_bytes()))
    return target


@pytest.mark.parametrize("form", [lambda path: path, as_pbf, as_gz])
def test_openstreetmap_files_give_closed_areas_with_their_holes(xml, form):
    found = {tuple(tags.items()): outline for tags, outline, epsg in read_areas(form(xml)) if epsg == 4326}
    assert set(found) == {(("landuse", "industrial"),), (("building", "yes"),)}
    works = found[("landuse", "industrial"),]
    assert works.symmetric_difference(SQUARE - COURT).area < 1e-9


def test_a_pbf_tells_up_to_when_it_holds_edits(xml):
    assert timestamp(as_pbf(xml)) == "2021-06-01T00:00:00Z"
    assert timestamp(xml) is None


@pytest.mark.parametrize(
    "properties",
    [{"landuse": "retail", "name": "x"}, {"tags": {"landuse": "retail"}}, {"fclass": "retail"}],
)
def test_geojson_tells_its_tags_in_several_ways(tmp_path, properties):
    path = tmp_path / "area.geojson"
    features = [
        {"type": "Feature", "properties": asked, "geometry": json.loads(shapely.to_geojson(SQUARE))}
        for asked in (properties, {"natural": "wood"}, None)
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    ((tags, outline, _),) = read_areas(path)
    assert tags == {"landuse": "retail"}
    assert outline.equals(SQUARE)


def geopackage(path, tables, srs=4326):
    """Write tables (columns, rows of values and outline) in the layout of a GeoPackage."""
    with sqlite3.connect(path) as base:
        base.execute("CREATE TABLE gpkg_spatial_ref_sys (srs_id INTEGER, organization_coordsys_id INTEGER)")
        base.execute(f"INSERT INTO gpkg_spatial_ref_sys VALUES ({srs}, {srs})")
        base.execute("CREATE TABLE gpkg_geometry_columns (table_name TEXT, column_name TEXT, srs_id INTEGER)")
        for name, (columns, rows) in tables.items():
            base.execute(f"INSERT INTO gpkg_geometry_columns VALUES ('{name}', 'geom', {srs})")
            base.execute(f"CREATE TABLE {name} (fid INTEGER PRIMARY KEY, geom BLOB, {', '.join(columns)})")
            marks = ", ".join("?" * (len(columns) + 1))
            for values, blob in rows:
                base.execute(
                    f"INSERT INTO {name} (geom, {', '.join(columns)}) VALUES ({marks})", (blob, *values)
                )
    return path


def blob(outline, envelope):
    left, bottom, right, top = outline.bounds
    extra = struct.pack("<4d", left, right, bottom, top) if envelope else b""
    return struct.pack("<2sBBi", b"GP", 0, envelope << 1 | 1, 4326) + extra + shapely.to_wkb(outline)


@pytest.mark.parametrize("envelope", [0, 1])
def test_geopackages_of_geofabrik_and_of_ogr_are_read(tmp_path, envelope):
    outline = blob(SQUARE, envelope)
    tables = {
        "gis_osm_buildings_a_free": (["fclass", "type"], [(("building", "house"), outline)]),
        "gis_osm_landuse_a_free": (["fclass"], [(("commercial",), outline)]),
        "multipolygons": (["landuse", "building"], [((None, "yes"), outline), ((None, None), outline)]),
        "points": (["name"], [(("x",), outline)]),
    }
    found = list(read_areas(geopackage(tmp_path / "free.gpkg", tables)))
    assert [tags for tags, _, _ in found] == [
        {"building": "house"},
        {"landuse": "commercial"},
        {"building": "yes"},
    ]
    assert all(area.equals(SQUARE) and epsg == 4326 for _, area, epsg in found)


@pytest.mark.parametrize("name", ["x.osm.pbf", "x.osm", "x.geojson", "x.gpkg"])
def test_files_that_are_not_what_they_say_are_told_with_their_name(tmp_path, name):
    (tmp_path / name).write_bytes(b"this is something else")
    with pytest.raises(SourceError, match=name):
        list(read_areas(tmp_path / name))


def test_other_endings_and_missing_files_are_told(tmp_path):
    (tmp_path / "x.shp").touch()
    with pytest.raises(UsageError, match=r"x\.shp"):
        list(read_areas(tmp_path / "x.shp"))
    with pytest.raises(SourceError, match=r"no OpenStreetMap file .*gone\.osm"):
        list(read_areas(tmp_path / "gone.osm"))
