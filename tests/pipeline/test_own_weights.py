"""Stages and commands work with the weights that a campaign pins, and with no others."""

import dataclasses
from datetime import UTC, date, datetime

import numpy as np
import pytest
import rasterio

from pipeline import imagery, landcover, scene_list
from pipeline.__main__ import main
from pipeline.build import Build, begin
from pipeline.catalog.scene import Scene
from pipeline.errors import UsageError
from pipeline.evidence import scene_folder
from pipeline.grid import Tile
from pipeline.networks import SHIPPED, Chosen, Store
from pipeline.raster import Raster, encode, read_raster, write_raster
from pipeline.reports import write_build_report
from pipeline.settings import CampaignSettings
from pipeline.storage import write_json
from tests.weights import write_own

TILE = Tile.parse("33TWM")
COARSE = 1200
SCENE = Scene("a", TILE.name, datetime(2023, 8, 1, 10, tzinfo=UTC), "L2A", "05.09", "t", 10.0, {})


@pytest.fixture
def own(tmp_path):
    """Registers weights that always tell one class; gives the networks of a campaign that pins them."""

    def register(name, said):
        write_own(tmp_path / said, name, said)
        pin = Store(tmp_path / "models").add(name, tmp_path / said).pin
        return Chosen({name: str(pin)}, tmp_path / "models")

    return register


@pytest.fixture
def settings():
    """Settings on a grid of 92 x 92 pixels, which no campaign offers, to be quick."""
    coarse = CampaignSettings(date(2023, 8, 1), date(2023, 8, 31), resolution=60)
    object.__setattr__(coarse, "resolution", COARSE)
    return coarse


@pytest.fixture
def folder(tmp_path):
    """A build's folder with the reflectance of one scene of green ground."""
    place = scene_folder(tmp_path / "build", SCENE.id)
    ground = np.array([0.04, 0.06, 0.04, 0.35])[:, None, None]
    pixels = ground * np.random.default_rng(1).uniform(0.9, 1.1, (4, *TILE.geobox(COARSE).shape))
    write_raster(place / "reflectance.tif", Raster(encode(pixels), TILE.geobox(COARSE)), nodata=0)
    return tmp_path / "build"


@pytest.mark.parametrize("whole", [False, True])
def test_masks_are_those_of_the_pinned_network(own, folder, settings, whole):
    told = imagery.mask(SCENE, TILE, settings, folder, whole=whole, networks=own("cloud", "cloud"))
    assert told["cloud"] == told["valid"] == 1


def test_landcover_is_that_of_the_pinned_network(own, folder, settings):
    buildings, vegetation = own("buildings", "industrial"), own("vegetation", "other")
    imagery.mask(SCENE, TILE, settings, folder, networks=own("cloud", "clear"))
    told = landcover.classify_scene(SCENE, TILE, settings, folder, vegetation)
    assert told["classes"]["industrial or commercial building"] < 0.01
    for name in ("classes.tif", "probabilities.tif"):
        (folder / "scenes" / "a" / name).unlink(missing_ok=True)
    networks = Chosen({**buildings.pins, **vegetation.pins}, buildings.models)
    told = landcover.classify_scene(SCENE, TILE, settings, folder, networks)
    assert told["classes"]["industrial or commercial building"] > 0.99
    (folder / "probabilities.tif").unlink(missing_ok=True)
    write_raster(folder / "composite.tif", read_raster(folder / "scenes/a/reflectance.tif"), nodata=0)
    assert landcover.fuse([], TILE, settings, folder, networks=networks)["from_composite"] == 1
    assert read_raster(folder / "probabilities.tif").data.argmax(axis=0).min() == 4


def test_previews_are_looked_at_by_the_pinned_networks(own):
    preview = np.full((3, 343, 343), 0.06, np.float32)
    (seen,) = scene_list.look([SCENE], lambda scene: preview, networks=own("haze", "hazy"))
    assert seen.hazy and seen.clear.mean() > 0.9
    (seen,) = scene_list.look([SCENE], lambda scene: preview, networks=own("preview-cloud", "cloud"))
    assert not seen.hazy and not seen.clear.any()


def test_the_report_of_a_build_tells_version_and_hash_of_its_networks(own, tmp_path):
    networks = own("buildings", "industrial")
    pinned = CampaignSettings(date(2023, 8, 1), date(2023, 8, 31), networks=networks.pinned())
    build = Build(TILE, pinned, tmp_path / "build", networks.models)
    build.note(composite={"coverage": 1.0, "residual_cloud": 0.0})
    listed = {"scenes": [], "tile": TILE.name, "target_date": "2023-08-31", "share": 0.999}
    listed |= {
        "clear_dates": 1,
        "coverable_share": 1.0,
        "reached": 1.0,
        "proof": {},
        "seconds": 0.0,
        "excluded": [],
    }
    write_json(build.folder / "scene_list.json", listed)
    write_json(build.folder / "candidates.json", {"scenes": []})
    report = write_build_report(build, {"bytes_fetched": 0})
    assert report["models"] == {name: pin.split("@")[0] for name, pin in networks.pinned().items()}
    assert report["weights"] == {name: pin.split(":")[1] for name, pin in networks.pinned().items()}
    assert report["models"]["buildings"] == "7.0.0"


def test_a_run_goes_on_with_its_networks_only(own, tmp_path):
    mine = own("buildings", "industrial").pinned()
    settings = CampaignSettings(date(2023, 8, 1), date(2023, 8, 31), networks=mine)
    folder = tmp_path / "run"
    begin(TILE, settings, folder, "c", resume=False)
    (folder / "scene_list.json").write_text("{}")
    assert begin(TILE, settings, folder, "c", resume=True).settings.networks == mine
    for others in (SHIPPED.pinned(), {}):
        with pytest.raises(UsageError, match="other settings"):
            begin(TILE, dataclasses.replace(settings, networks=others), folder, "c", resume=True)


def test_a_run_of_before_networks_were_pinned_goes_on(tmp_path):
    before = CampaignSettings(date(2023, 8, 1), date(2023, 8, 31))
    begin(TILE, before, tmp_path, "c", resume=False)
    (tmp_path / "scene_list.json").write_text("{}")
    pinned = dataclasses.replace(before, networks=SHIPPED.pinned())
    assert begin(TILE, pinned, tmp_path, "c", resume=True).settings == pinned
    (tmp_path / "request.json").unlink()
    begin(TILE, pinned, tmp_path, "c", resume=False)
    assert begin(TILE, before, tmp_path, "c", resume=True).settings == before
    with pytest.raises(UsageError, match="other settings"):
        begin(TILE, dataclasses.replace(pinned, max_cloud=5), tmp_path, "c", resume=True)


@pytest.fixture
def image(folder):
    return folder / "scenes" / "a" / "reflectance.tif"


def test_commands_take_registered_weights(own, image, tmp_path):
    own("cloud", "shadow")
    mask, models = tmp_path / "mask.tif", ["--models", str(tmp_path / "models")]
    chosen = ["--network", "cloud=7.0.0", *models]
    assert main(["cloud-mask", str(image), "--out", str(mask), *chosen]) == 0
    assert (read_raster(mask).data == 2).all()
    own("buildings", "residential")
    own("vegetation", "other")
    pins = ["--network", "buildings=7.0.0", "--network", "vegetation=7.0.0"]
    classes, chosen = tmp_path / "map.tif", [*pins, *models]
    assert main(["classify", str(image), "--out", str(classes), *chosen]) == 0
    with rasterio.open(classes) as found:
        assert (found.read(1) == 4).mean() > 0.99


@pytest.mark.parametrize(
    ("flags", "status", "words"),
    [
        (["--network", "cloud"], 2, "Give each --network once, as NAME=VERSION, not 'cloud'"),
        (["--network", "cloud=1", "--network", "cloud=1"], 2, "Give each --network once"),
        (["--network", "cloud=../1"], 2, "pinned as VERSION or VERSION@sha256:HASH"),
        (["--network", "cloud=0.1"], 1, "cloud is pinned at 0.1, but"),
        (["--network", "cirrus=0.1"], 1, "There is no network named 'cirrus'"),
    ],
)
def test_networks_that_cannot_be_chosen_are_refused(image, tmp_path, capsys, flags, status, words):
    models = ["--models", str(tmp_path / "models")]
    assert main(["cloud-mask", str(image), "--out", str(tmp_path / "mask.tif"), *flags, *models]) == status
    assert words in capsys.readouterr().err
    assert not (tmp_path / "mask.tif").exists()
