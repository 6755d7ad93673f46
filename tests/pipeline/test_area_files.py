import io
import json
import struct
import time
import zipfile

import numpy as np
import pyogrio
import pyproj
import pytest
import shapely
from shapely.geometry import LineString, Point, Polygon, box, mapping

from pipeline.area_files import Limits, read_area_file, read_bounded
from pipeline.errors import UsageError

SQUARE = box(15, 45, 16, 46)
SHAPEFILE_PARTS = (".shp", ".shx", ".dbf", ".prj")


def geojson(*points, **more):
    return json.dumps({"type": "Polygon", "coordinates": [points], **more}).encode()


def kml(inside, head=""):
    return f'<?xml version="1.0"?>{head}<kml xmlns="http://www.opengis.net/kml/2.2">{inside}</kml>'.encode()


def kml_polygon(area=SQUARE):
    points = " ".join(f"{x},{y},0" for x, y in area.exterior.coords)
    ring = f"<LinearRing><coordinates>{points}</coordinates></LinearRing>"
    return f"<Placemark><Polygon><outerBoundaryIs>{ring}</outerBoundaryIs></Polygon></Placemark>"


def zipped(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def stored(path, geometry, crs="EPSG:4326", driver="GPKG", kind="Polygon"):
    """Write a geometry with GDAL; the bytes of the file."""
    geometries = shapely.to_wkb(np.array([geometry]))
    pyogrio.raw.write(path, geometries, [], [], geometry_type=kind, crs=crs, driver=driver)
    return path.read_bytes()


def shapefile(folder, geometry, crs="EPSG:4326", parts=SHAPEFILE_PARTS):
    stored(folder / "field.shp", geometry, crs, "ESRI Shapefile")
    return zipped(**{f"a/field{part}": (folder / f"field{part}").read_bytes() for part in parts})


def refusal(content, limits=None, read=read_area_file):
    with pytest.raises(UsageError) as caught:
        read(content, limits)
    assert caught.value.field == "aoi"
    sentence = str(caught.value)
    assert sentence.endswith(".") and "\n" not in sentence and "/tmp" not in sentence
    return sentence


def test_every_format_gives_the_same_square(tmp_path):
    contents = {
        "GeoJSON": json.dumps(mapping(SQUARE)).encode(),
        "KML": kml(kml_polygon()),
        "Shapefile": shapefile(tmp_path, SQUARE),
        "GeoPackage": stored(tmp_path / "a.gpkg", SQUARE),
    }
    for kind, content in contents.items():
        found = read_bounded(content)
        assert found.kind == kind and found.area.equals(SQUARE) and found.repairs == (), kind
    assert read_area_file(zipped(**{"doc.kml": kml(kml_polygon()), "icon.png": b"x"})).area.equals(SQUARE)
    utf16 = json.dumps(mapping(SQUARE)).encode("utf-16")
    assert read_area_file(utf16).area.equals(SQUARE)


@pytest.mark.parametrize("crs", ["EPSG:32633", "EPSG:3857", "EPSG:3035", "EPSG:31287"])
def test_any_reference_system_is_moved_to_degrees_along_straight_edges(tmp_path, crs):
    to_there = pyproj.Transformer.from_crs("OGC:CRS84", crs, always_xy=True)
    x, y = to_there.transform(15.0, 47.0)
    there = box(x, y, x + 100_000, y + 100_000)
    for content in (shapefile(tmp_path, there, crs), stored(tmp_path / "a.gpkg", there, crs)):
        found = read_bounded(content)
        assert any("moved from" in note for note in found.repairs)
        exact = shapely.transform(
            there.segmentize(100),
            lambda points: np.column_stack(to_there.transform(*points.T, direction="INVERSE")),
        )
        assert shapely.hausdorff_distance(found.area, exact) < 1e-4
        assert found.area.symmetric_difference(exact).area < 1e-5 * exact.area


def test_geojson_with_a_named_reference_system():
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32633"}}
    found = read_area_file(json.dumps({**mapping(box(5e5, 5e6, 6e5, 5.1e6)), "crs": crs}).encode())
    assert found.crs == "WGS 84 / UTM zone 33N"
    assert found.area.bounds == pytest.approx((15.0, 45.145, 16.3, 46.06), abs=0.02)


@pytest.mark.parametrize(
    ("content", "words", "wanted"),
    [
        (geojson((15, 45), (16, 45), (16, 46), (15, 46)), "not closed", SQUARE),
        (
            geojson((45, 115), (45, 116), (46, 116), (46, 115), (45, 115)),
            "swapped",
            box(115, 45, 116, 46),
        ),
        (
            geojson((15, 45), (16, 46), (16, 45), (15, 46), (15, 45)),
            "repaired at 15.5, 45.5",
            shapely.MultiPolygon(
                [Polygon([(15, 45), (15.5, 45.5), (15, 46)]), Polygon([(16, 45), (15.5, 45.5), (16, 46)])]
            ),
        ),
        (
            geojson((179, 10), (-179, 10), (-179, 11), (179, 11), (179, 10)),
            "antimeridian",
            box(179, 10, 180, 11).union(box(-180, 10, -179, 11)),
        ),
        (
            json.dumps(
                {"type": "GeometryCollection", "geometries": [mapping(SQUARE), mapping(Point(1, 2))]}
            ).encode(),
            "1 point or line left out",
            SQUARE,
        ),
        (
            kml(
                "<Placemark><LineString><coordinates>15,45 16,45 16,46 15,46 15,45</coordinates>"
                "</LineString></Placemark>"
            ),
            "taken as outlines",
            SQUARE,
        ),
    ],
    ids=["unclosed", "swapped", "bow-tie", "antimeridian", "points", "closed line"],
)
def test_what_can_be_repaired_is_and_is_told(content, words, wanted):
    found = read_area_file(content)
    assert found.area.is_valid and found.area.equals(wanted)
    assert len(found.repairs) == 1 and words in found.repairs[0] and found.repairs[0].endswith(".")


def test_a_hole_of_an_area_on_the_antimeridian_stays_a_hole():
    rings = [
        [[178, 10], [-178, 10], [-178, 14], [178, 14], [178, 10]],
        [[-179.5, 11], [-179.5, 12], [-179, 12], [-179, 11], [-179.5, 11]],
    ]
    found = read_area_file(json.dumps({"type": "Polygon", "coordinates": rings}).encode())
    assert found.area.area == pytest.approx(16 - 0.5)
    assert not found.area.contains(Point(-179.2, 11.5)) and found.area.contains(Point(-178.5, 11.5))


def test_a_shapefile_without_index_and_reference_system_is_repaired(tmp_path):
    found = read_bounded(shapefile(tmp_path, SQUARE, parts=(".shp",)))
    assert found.area.equals(SQUARE)
    assert ["index" in note for note in found.repairs] == [True, False]
    assert "were assumed" in found.repairs[1]


def test_metres_without_a_reference_system_are_refused(tmp_path):
    content = shapefile(tmp_path, box(5e5, 5e6, 6e5, 5.1e6), "EPSG:32633", (".shp", ".shx"))
    assert ".prj" in refusal(content, read=read_bounded)


BILLION = '<!DOCTYPE kml [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE kml [<!ENTITY x SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"\x89PNG\r\n\x1a\n\xff", "not UTF-8"),
        ("{ü}".encode("latin-1"), "not UTF-8"),
        (b"{\0}", "no text"),
        (b"hello", "no kind"),
        (b"/vsicurl/http://127.0.0.1/a.geojson", "no kind"),
        (b"<OGRVRTDataSource><OGRVRTLayer name='a'/></OGRVRTDataSource>", "virtual file"),
        (b"<svg/>", "no KML"),
        (b"<kml", "as XML"),
        (kml("&b;", BILLION), "entities"),
        (kml("&x;", OUTSIDE), "entities"),
        (kml("<NetworkLink><Link><href>http://127.0.0.1/a.kml</href></Link></NetworkLink>"), "no polygon"),
        (kml(kml_polygon().replace("15.0", "NaN")), "no number"),
        (kml(kml_polygon().replace("15.0", "fifteen")), "coordinates"),
        (geojson((15, 45), (float("nan"), 45), (16, 46), (15, 45)), "no number"),
        (geojson((15, 45), (1e999, 45), (16, 46), (15, 45)), "no number"),
        (geojson((15, 45), (10**400, 45), (16, 46), (15, 45)), "no number"),
        (geojson((15, 45), ("16", 45), (16, 46), (15, 45)), "rings"),
        (b'{"type": "Polygon", "coordinates": {"a": 1}}', "rings"),
        (b'{"type": "Polygon", "coordinates": [[1, 2]]}', "rings"),
        (b"[" * 100_000, "JSON"),
        (b'{"type": "FeatureCollection", "features": []}', "no polygon"),
        (json.dumps(mapping(LineString([(1, 2), (3, 4)]))).encode(), "only 1 point or line"),
        (geojson((15, 45), (16, 45), (15, 45)), "empty"),
        (geojson((15, 45), (16, 45), (17, 45), (15, 45)), "empty"),
        (geojson((500, 45), (501, 45), (501, 46), (500, 45)), "no longitudes"),
        (geojson((5e5, 5e6), (6e5, 5e6), (6e5, 6e6), (5e5, 5e6)), "no longitudes"),
        (geojson((-120, 80), (0, 80), (120, 80), (-120, 80)), "pole"),
        (geojson((-170, 0), (0, 0), (170, 0), (170, 9), (0, 9), (-170, 9), (-170, 0)), "spans"),
        (geojson((15, 85), (16, 85), (16, 86), (15, 85)), "84 N"),
        (geojson((1, 2), (3, 4), (5, 9), (1, 2), crs={"properties": {"name": "EPSG:1"}}), "not known"),
        (geojson((1, 2), (3, 4), (5, 9), (1, 2), crs="/etc/passwd"), "no name"),
        (b"PK\x03\x04broken", "damaged"),
        (zipped(**{"a.txt": b"a"}), "neither"),
        (zipped(**{"../a.kml": kml(kml_polygon())}), "outside"),
        (zipped(**{"..\\a.kml": kml(kml_polygon())}), "outside"),
        (zipped(**{"/etc/a.kml": kml(kml_polygon())}), "outside"),
        (zipped(**{"C:/a.kml": kml(kml_polygon())}), "outside"),
        (zipped(**{"a.kml": kml(kml_polygon()), "b.kml": kml(kml_polygon())}), "2 areas"),
        (zipped(**{f"{n}.txt": b"" for n in range(300)}), "300 files"),
        (zipped(**{"a.kml": b" " * (70 * 2**20)}), "once unpacked"),
        (zipped(**{"a.shp": b"short"}), "too short"),
        (struct.pack(">i", 9994) + bytes(96), "as one .zip"),
    ],
)  # fmt: skip
def test_what_cannot_be_an_area_is_refused_in_a_sentence(content, words):
    assert words in refusal(content)


def test_an_archive_that_lies_about_its_size_is_refused():
    content = bytearray(zipped(**{"a.kml": b" " * 2_000_000}))
    for mark, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        place = content.index(mark) + offset
        content[place : place + 4] = struct.pack("<I", 10)
    assert "damaged" in refusal(bytes(content)) or "unpacked" in refusal(bytes(content))


def test_a_locked_archive_is_refused():
    content = bytearray(zipped(**{"a.kml": kml(kml_polygon())}))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + offset] |= 1
    assert "password" in refusal(bytes(content))


@pytest.mark.parametrize(
    "broken",
    [
        b"SQLite format 3\0" + bytes(4000),
        zipped(**{"a.shp": struct.pack(">i", 9994) + bytes(20) + b"\xff" * 400}),
        zipped(**{"a.shp": b"<OGRVRTDataSource>" + b" " * 200 + b"</OGRVRTDataSource>"}),
    ],
)
def test_broken_files_for_gdal_are_refused_in_a_sentence(broken):
    refusal(broken, read=read_bounded)


def test_a_million_vertices_are_refused_soon():
    angles = np.linspace(0, 2 * np.pi, 200_000)
    points = np.column_stack([15 + np.cos(angles), 45 + np.sin(angles)]).round(6).tolist()
    begun = time.monotonic()
    assert "200,000 vertices" in refusal(geojson(*points), read=read_bounded)
    assert time.monotonic() - begun < 20


def test_reading_ends_at_its_limits_of_memory_and_time():
    few = Limits(memory=400 * 2**20)
    greedy = b'{"a": [' + b"[[[[]]]]," * 1_500_000 + b"1]}"
    assert "too much time or memory" in refusal(greedy, few, read_bounded)
    ring = [(15 + (n * 7919 % 9973) / 1e4, 45 + (n * 6101 % 9967) / 1e4) for n in range(9000)]
    begun = time.monotonic()
    assert "too much time or memory" in refusal(geojson(*ring), Limits(seconds=2), read_bounded)
    assert time.monotonic() - begun < 15


def test_a_file_larger_than_allowed_is_refused():
    assert "MiB are taken" in refusal(b" " * 2000, Limits(most_bytes=1000))
    assert "MiB are taken" in refusal(b" " * 2000, Limits(most_bytes=1000), read_bounded)


def test_the_reading_process_gets_no_secret(monkeypatch):
    seen = {}
    monkeypatch.setenv("SECRET_KEY", "hidden")

    def run(*args, **kwargs):
        seen.update(kwargs["env"])
        raise UsageError("Enough.", "aoi")

    monkeypatch.setattr("pipeline.bounded.subprocess.run", run)
    refusal(b"{}", read=read_bounded)
    assert "PATH" in seen and "SECRET_KEY" not in seen and "DATABASE_URL" not in seen
