"""What reviewers draw: areas masked in scenes, areas of another class."""

import numpy as np
import pytest
from pyproj import Transformer
from rasterio.windows import Window
from shapely.geometry import box, mapping

from pipeline.drawn import Drawn, codes_in, keep_drawn, split_drawn, touched
from pipeline.errors import UsageError
from pipeline.grid import Tile
from pipeline.imagery.mask import add_drawn
from pipeline.landcover.fuse import correct
from pipeline.raster import Raster, read_raster, write_raster

TILE = Tile.parse("33TWL")
GEOBOX = TILE.geobox(600)
CORNERS = ((40, 50), (60, 90))


def outline(corners=CORNERS):
    """The GeoJSON of the pixels from one (row, col) to another."""
    (top, left), (bottom, right) = corners
    xs, ys = zip(GEOBOX.affine @ (left, top), GEOBOX.affine @ (right, bottom), strict=True)
    ring = box(min(xs), min(ys), max(xs), max(ys)).exterior.coords
    into = Transformer.from_crs(TILE.epsg, 4326, always_xy=True)
    return {"type": "Polygon", "coordinates": [[into.transform(x, y) for x, y in ring]]}


def asked(**more):
    return {"mask": [{"scenes": ["A", "B"], "geometry": outline()}], **more}


def test_what_was_drawn_is_split_from_what_the_scene_list_takes():
    rest, drawn = split_drawn(asked(exclude=["C"], classes=[]))
    assert rest == {"exclude": ["C"]} and list(drawn) == ["mask"]


def test_areas_are_kept_with_the_build_and_told_by_scene(tmp_path):
    keep_drawn(tmp_path, split_drawn(asked(classes=[{"class": 3, "geometry": outline()}]))[1])
    drawn = Drawn.read(tmp_path)
    assert len(drawn.masked_in("A")) == len(drawn.masked_in("B")) == 1
    assert drawn.masked_in("C") == [] and drawn.classes[0].code == 3


def test_nothing_drawn_leaves_no_file(tmp_path):
    keep_drawn(tmp_path, {})
    assert Drawn.read(tmp_path) == Drawn() and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("drawn", "words"),
    [
        ({"mask": [{"scenes": ["A"]}]}, "no GeoJSON polygon"),
        ({"mask": [{"geometry": {"type": "Point", "coordinates": [15, 45]}}]}, "must be polygons, not Point"),
        ({"mask": [{"geometry": {"type": "Polygon", "coordinates": []}}]}, "must be polygons|no GeoJSON"),
        ({"classes": [{"class": 7, "geometry": mapping(box(15, 45, 16, 46))}]}, "7 is no landcover class"),
        ({"classes": [{"geometry": mapping(box(15, 45, 16, 46))}]}, "None is no landcover class"),
    ],
)
def test_what_cannot_be_drawn_is_refused(tmp_path, drawn, words):
    with pytest.raises(UsageError, match=words):
        keep_drawn(tmp_path, drawn)


def test_pixels_that_an_area_touches_are_masked():
    inside = touched(Drawn.of(asked()).masked, GEOBOX)
    assert inside[40:60, 50:90].all()
    assert not inside[:39].any() and not inside[62:].any() and not inside[:, :49].any()


def test_of_classes_that_overlap_the_last_counts_and_windows_agree():
    later = ((50, 70), (70, 100))
    drawn = [{"class": 3, "geometry": outline()}, {"class": 6, "geometry": outline(later)}]
    areas = Drawn.of({"classes": drawn}).classes
    whole = codes_in(areas, GEOBOX, Window(0, 0, 183, 183))
    assert (whole[40:49, 50:90] == 3).all() and (whole[51:69, 71:99] == 6).all()
    assert (whole == 3).sum() + (whole == 6).sum() == pytest.approx(800 + 400, rel=0.03)
    part = codes_in(areas, GEOBOX, Window(60, 45, 30, 20))
    assert (part == whole[45:65, 60:90]).all()


def test_a_mask_gets_what_was_drawn_where_the_scene_has_data(tmp_path):
    seen = np.zeros((1, 183, 183), np.uint8)
    seen[0, :45] = 255
    seen[0, 50] = 2
    write_raster(tmp_path / "seen.tif", Raster(seen, GEOBOX), nodata=255)
    add_drawn(tmp_path / "seen.tif", tmp_path / "cloud.tif", Drawn.of(asked()).masked)
    cloud = read_raster(tmp_path / "cloud.tif").data[0]
    assert (cloud[45:60, 50:90] == 1).all()
    assert (cloud[:45] == 255).all() and (cloud[100:] == 0).all() and (cloud[50, :49] == 2).all()


def test_a_corrected_class_is_sure_and_holes_stay_holes():
    stored = np.full((6, 2, 2), 42, np.uint8)
    stored[:, 1, 1] = 0
    correct(stored, np.array([[3, 0], [0, 3]], np.uint8))
    assert stored[:, 0, 0].tolist() == [0, 0, 255, 0, 0, 0]
    assert (stored[:, 0, 1] == 42).all() and (stored[:, 1, 1] == 0).all()
