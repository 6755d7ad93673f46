"""The edge of the command line: one sentence and a status, whatever happens inside."""

import json

import pytest

from pipeline import several
from pipeline.__main__ import main
from pipeline.build import WORK, Build
from pipeline.grid import Tile
from pipeline.settings import CampaignSettings, parse_date

DATES = ["--start", "2023-06-01", "--end", "2023-08-31"]
BOW = [[[14, 46], [15, 47], [15, 46], [14, 47], [14, 46]]]
SQUARE = [[[14, 46], [14.1, 46], [14.1, 46.1], [14, 46.1], [14, 46]]]
LAND = [[[-20, -30], [60, -30], [60, 60], [-20, 60], [-20, -30]]]


def area(path, *outlines):
    features = [
        {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": outline}}
        for outline in outlines
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return str(path)


def test_a_stage_that_throws_gives_one_sentence_and_no_traceback(monkeypatch, capsys, tmp_path):
    def throw(*_, **__):
        raise RuntimeError("the stage threw")

    monkeypatch.setattr(several, "run", throw)
    asked = ["run", "--catalog", str(tmp_path), "--tile", "33TWL", *DATES, "--out", str(tmp_path / "out")]
    assert main(asked) == 1
    told = capsys.readouterr().err
    assert told.startswith("error: unforeseen RuntimeError: the stage threw;")
    assert "Traceback" not in told and told.count("\n") == 1


def test_what_ended_a_step_is_kept_with_the_build_until_the_step_ends_well(tmp_path):
    settings = CampaignSettings(parse_date("2023-06-01", "start"), parse_date("2023-08-31", "end"))
    build = Build(Tile.parse("33TWL"), settings, tmp_path)
    with pytest.raises(RuntimeError), build.step("mosaic"):
        raise RuntimeError("the stage threw")
    assert build.notes()["error"] == {"stage": "mosaic", "text": "RuntimeError: the stage threw"}
    with build.step("mosaic"):
        pass
    assert "error" not in json.loads((tmp_path / WORK).read_text())


def test_a_self_crossing_outline_among_others_is_refused(capsys, tmp_path):
    assert main(["tiles", "--aoi", area(tmp_path / "a.geojson", BOW, SQUARE)]) == 2
    assert "crosses or touches itself at 14.5, 46.5" in capsys.readouterr().err


def test_several_outlines_are_joined(capsys, tmp_path):
    assert main(["tiles", "--aoi", area(tmp_path / "a.geojson", SQUARE, SQUARE)]) == 0
    assert "33TVM" in capsys.readouterr().out.split()


@pytest.mark.parametrize("content", ["", "{]", '{"type": "Elephant"}'])
def test_what_is_no_geometry_is_refused_without_words_of_a_parser(content, capsys, tmp_path):
    path = tmp_path / "a.geojson"
    path.write_text(content)
    assert main(["tiles", "--aoi", str(path)]) == 2
    assert capsys.readouterr().err == f"error: {path} holds no GeoJSON geometry that can be read.\n"


def test_an_absurdly_large_area_is_refused_before_anything_is_made(capsys, tmp_path):
    asked = ["--catalog", str(tmp_path), "--aoi", area(tmp_path / "a.geojson", LAND), *DATES]
    assert main(["run", *asked, "--out", str(tmp_path / "out")]) == 2
    assert "needs more than 400 tiles" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_run_that_found_no_catalog_leaves_its_folder_free_for_the_right_one(capsys, tmp_path):
    asked = ["run", "--tile", "33TWL", *DATES, "--out", str(tmp_path / "out"), "--catalog"]
    (tmp_path / "empty").mkdir()
    assert main([*asked, str(tmp_path / "nowhere")]) == 2
    assert main([*asked, str(tmp_path / "empty")]) == 1
    assert "No scene of 33TWL" in capsys.readouterr().err
