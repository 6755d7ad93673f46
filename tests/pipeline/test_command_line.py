"""The edge of the command line: one sentence and a status, whatever happens inside."""

import argparse
import json
from dataclasses import fields

import pytest

from pipeline import several
from pipeline.__main__ import main
from pipeline.build import WORK, Build
from pipeline.commands import add_run_arguments, settings_of
from pipeline.grid import Tile
from pipeline.settings import CampaignSettings, parse_date
from pipeline.tone import asinh_curve

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


def parsed(*flags):
    parser = argparse.ArgumentParser()
    add_run_arguments(parser)
    return settings_of(parser.parse_args(["--catalog", "c", "--tile", "33TWL", *DATES, "--out", "o", *flags]))


def test_without_flags_the_settings_are_those_of_a_campaign_with_nothing_but_dates():
    assert parsed() == CampaignSettings.from_json({"start": DATES[1], "end": DATES[3]})


GIVEN = {
    "max_cloud": 70.0,
    "resolution": 60,
    "level": "L1C",
    "share": 0.98,
    "clear_dates": 2,
    "target_date": "2023-07-01",
    "south_start": "2023-12-01",
    "south_end": "2024-02-28",
    "south_target_date": "2024-01-15",
    "least_gain": 0.001,
    "clear_gain": 0.002,
    "most_further": 2,
    "series": 1,
    "margin": 60.0,
    "preview_margin": 320.0,
    "agree_datatakes": True,
    "fill_hazy": True,
    "fill_start": "2022-06-01",
    "fill_end": "2022-08-31",
}


def test_every_setting_has_a_flag(tmp_path):
    tone, path = asinh_curve("own", 0.1, 0.3, 1.1), tmp_path / "tone.json"
    path.write_text(json.dumps(tone.to_json()))
    flags = ["--tone", str(path), "--network", "water=1.0.0", "--network", "cloud=2@sha256:0123abcd"]
    for name, value in GIVEN.items():
        flags += [f"--{name.replace('_', '-')}"] + ([] if value is True else [str(value)])
    given = GIVEN | {"start": DATES[1], "end": DATES[3], "tone": tone.to_json()}
    given["networks"] = {"water": "1.0.0", "cloud": "2@sha256:0123abcd"}
    assert parsed(*flags) == CampaignSettings.from_json(given)
    assert {item.name for item in fields(CampaignSettings)} == set(given)


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--share", "0.0000001"], "share must be a number from 0.01 to 1, not 1e-07."),
        (["--series", "0"], "series must be a whole number from 1 to 100 dates, not 0."),
        (["--margin", "-1"], "margin must be a number from 0 to 10000 metres, not -1.0."),
        (["--least-gain", "2"], "least_gain must be a number from 0 to 1, not 2.0."),
        (["--clear-gain", "2"], "clear_gain must be a number from 0 to 1, not 2.0."),
    ],
)
def test_a_flag_out_of_range_is_refused_before_anything_is_made(flags, sentence, capsys, tmp_path):
    asked = ["run", "--catalog", str(tmp_path), "--tile", "33TWL", *DATES, "--out", str(tmp_path / "out")]
    assert main([*asked, *flags]) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
