import json
import math

import pytest
from shapely.geometry import GeometryCollection, MultiPolygon, Point, Polygon, box, mapping

from pipeline.__main__ import main
from pipeline.area import check_area
from pipeline.errors import UsageError

BOW_TIE = Polygon([(15, 45), (16, 46), (16, 45), (15, 46)])
OVERLAPPING = MultiPolygon([box(15, 45, 15.6, 46), box(15.4, 45, 16, 46)])


def tiles_command(tmp_path, content):
    path = tmp_path / "aoi.geojson"
    path.write_text(content if isinstance(content, str) else json.dumps(mapping(content)))
    return main(["tiles", "--aoi", str(path)])


@pytest.mark.parametrize(
    ("area", "words"),
    [
        (Polygon(), "empty"),
        (Polygon([(15, 45), (15, 45), (15, 45)]), "empty"),
        (Point(15, 45), "not a Point"),
        (BOW_TIE, "crosses or touches itself at 15.5, 45.5 (longitude, latitude)"),
        (MultiPolygon([box(1, 1, 2, 2), BOW_TIE]), "crosses or touches itself at 15.5, 45.5"),
        (Polygon([(0, 0), (4, 0), (4, 4), (2, 0), (0, 4)]), "crosses or touches itself at 2, 0"),
        (Polygon(box(0, 0, 1, 1).exterior, [box(5, 5, 6, 6).exterior.coords]), "hole lies outside"),
        (Polygon([(15, 45), (math.inf, 45), (16, 46)]), "no number"),
        (box(15, 80, 16, 85), "84 N"),
        (box(500000, 5e6, 600000, 5.1e6), "longitude and latitude in degrees"),
    ],
)
def test_what_the_grid_cannot_serve_is_refused_in_one_sentence(area, words):
    with pytest.raises(UsageError) as refused:
        check_area(area)
    assert words in str(refused.value) and str(refused.value).endswith(".")
    assert refused.value.field == "aoi"


@pytest.mark.parametrize("area", [BOW_TIE, GeometryCollection([box(15, 45, 16, 46), BOW_TIE])])
def test_the_command_line_says_where_an_outline_crosses_itself(tmp_path, capsys, area):
    assert tiles_command(tmp_path, area) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "crosses or touches itself at 15.5, 45.5" in told


def test_the_command_line_takes_parts_that_overlap(tmp_path, capsys):
    assert tiles_command(tmp_path, OVERLAPPING) == 0
    assert "33TWL" in capsys.readouterr().out.split()


@pytest.mark.parametrize("content", ["", "{", '{"type": "Polygon"}', "POLYGON ((15 45", "[1, 2]"])
def test_a_file_without_an_area_is_told_in_words_for_people(tmp_path, capsys, content):
    assert tiles_command(tmp_path, content) == 2
    told = capsys.readouterr().err
    assert "aoi.geojson holds no GeoJSON geometry" in told and "Exception" not in told
