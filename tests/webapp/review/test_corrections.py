"""Corrections of the desk as the training reads them."""

import argparse
import json

import numpy as np
import pytest
import shapely
from django.core.management import CommandError, call_command

from pipeline.grid import Tile
from pipeline.networks import load
from pipeline.raster import Raster, write_raster
from pipeline.training.command import add_train_arguments, run_train
from pipeline.training.config import CONFIGS
from pipeline.training.datasets.corrections import read_correction
from tests.webapp.products import WEST, make_campaign, make_tile
from webapp.campaigns.models import Revision
from webapp.review.answers import Drawing, outline_of
from webapp.review.corrections import export
from webapp.review.models import Review
from webapp.review.services import give

pytestmark = pytest.mark.django_db
SIZE = 600


def square(west, south, size=0.1):
    return shapely.geometry.mapping(shapely.box(west, south, west + size, south + size))


def write_config(path):
    """The shipped configuration of the water network, small enough for a test, on corrections alone."""
    shipped = (CONFIGS / "water.toml").read_text(encoding="utf-8").split("[sources]")[0]
    own = ("width", "crop", "batch", "patience", "validation")
    kept = [line for line in shipped.splitlines() if not line.startswith(own)]
    head = ["width = 0.0625", "batch = 2", "crop = 32", "patience = 0", "validation = ''"]
    path.write_text("\n".join([*head, *kept, "[sources]", "corrections = 1.0", ""]))
    return path


def correct(reviewer, *areas, campaign="alps"):
    """Reject the current revision of the western tile with areas of another class."""
    revision = Revision.objects.get(status="current", campaign_tile__campaign__slug=campaign)
    build = revision.build
    pixels = np.full((4, 183, 183), 2001, np.uint16)
    write_raster(
        build.path / "composite.tif", Raster(pixels, Tile.parse(WEST).geobox(SIZE)), reflectance=True
    )
    drawings = [
        Drawing("classes", outline_of(geometry, revision.campaign_tile), code) for geometry, code in areas
    ]
    give(reviewer, revision, "reject", "classes", drawings=drawings)
    return build


def test_corrections_are_read_as_labels_on_the_composite_of_their_build(alps, reviewer, tmp_path):
    build = correct(reviewer, (square(15.5, 45.5), 1), (square(15.8, 45.5), 5))
    (path,) = export(tmp_path / "labels")
    scene = read_correction(path)
    assert scene.reflectance.resolve() == (build.path / "composite.tif").resolve()
    assert scene.place == WEST and "Corrections of the review desk, 2023" in scene.licences[0]
    found, counts = np.unique(scene.codes, return_counts=True)
    known = dict(zip(found.tolist(), counts.tolist(), strict=True))
    hectares = 7_811 * 11_120 / 1e4
    for code in (1, 5):
        assert 0.75 * hectares < known[code] * 36 <= hectares


def test_a_network_is_trained_on_them(alps, reviewer, tmp_path):
    correct(reviewer, (square(15.3, 45.4, 0.5), 1))
    export(tmp_path / "labels")
    config = write_config(tmp_path / "tiny.toml")
    words = ["water", "--out", tmp_path, "--config", config, "--steps", "2"]
    words += ["--data", f"corrections={tmp_path / 'labels'}"]
    parser = argparse.ArgumentParser()
    add_train_arguments(parser)
    run_train(parser.parse_args([str(word) for word in words]))
    card = load("water", tmp_path).card
    assert card.places["train"] == [WEST]
    assert any("Corrections of the review desk" in sentence for sentence in card.trained_on)


def test_contradicting_outlines_are_no_label(alps, reviewer, tmp_path):
    correct(reviewer, (square(15.5, 45.5), 1), (square(15.5, 45.5), 3))
    (path,) = export(tmp_path)
    assert set(np.unique(read_correction(path).codes)) == {255}


def test_a_build_whose_composite_is_gone_is_left_out(alps, reviewer, tmp_path):
    build = correct(reviewer, (square(15.5, 45.5), 1))
    (build.path / "composite.tif").unlink()
    assert export(tmp_path) == []


def test_the_command_exports_one_campaign_or_all(alps, reviewer, tmp_path, capsys):
    make_tile(make_campaign("other"), WEST)
    correct(reviewer, (square(15.5, 45.5), 1))
    correct(reviewer, (square(15.5, 45.5), 2), campaign="other")
    call_command("export_corrections", str(tmp_path / "one"), campaign="other")
    assert "1 files of corrections" in capsys.readouterr().out
    (path,) = (tmp_path / "one").iterdir()
    assert json.loads(path.read_text())["features"][0]["properties"]["class"] == 2
    call_command("export_corrections", str(tmp_path / "all"))
    assert len(list((tmp_path / "all").iterdir())) == Review.objects.count() == 2
    with pytest.raises(CommandError, match="There is no campaign none"):
        call_command("export_corrections", str(tmp_path), campaign="none")
