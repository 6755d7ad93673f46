"""Samples of a campaign, the command, and one table for all tiles of a run."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from pipeline.__main__ import main
from pipeline.catalog import open_catalog
from pipeline.errors import NoScenes, UsageError
from pipeline.grid import Tile
from pipeline.networks import SHIPPED
from pipeline.raster import Raster, encode, filled, read_raster, write_raster
from pipeline.settings import CampaignSettings
from pipeline.simulate import simulate
from pipeline.tone import Tone, load_tone
from pipeline.tone.command import campaign_tone
from pipeline.tone.contrast import Crossings, measure
from pipeline.tone.fit import fit_tone
from pipeline.tone.sample import _of_scene, places, sample_campaign, sample_images
from pipeline.training.tones import simulated_pictures
from tests.file_server import file_server

TILES = ("33TWL", "33TXL")
SETTINGS = CampaignSettings(date(2023, 6, 1), date(2023, 8, 31), resolution=60)
DATES = ["--start", "2023-06-01", "--end", "2023-08-31", "--resolution", "60"]


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> str:
    out = tmp_path_factory.mktemp("season")
    return str(simulate(out, TILES, 1, 300, 9002, "stac", start=SETTINGS.start, end=SETTINGS.end, workers=1))


@pytest.fixture(scope="module")
def tone(catalog: str, tmp_path_factory: pytest.TempPathFactory) -> Tone:
    tiles = [Tile.parse(name) for name in TILES]
    return campaign_tone(catalog, tiles, SETTINGS, tmp_path_factory.mktemp("out"))


def test_a_table_fitted_to_a_sample_serves_the_sample(catalog: str, tone: Tone) -> None:
    tiles = [Tile.parse(name) for name in TILES]
    seen: list[str] = []
    sample = sample_campaign(catalog, tiles[::-1], SETTINGS, seen.append)
    assert len(seen) == 2 and {name.split("_")[1] for name in seen} == {"33TWL", "33TXL"}
    crossings = Crossings.of(sample)
    assert fit_tone(crossings) == tone
    assert measure(tone, crossings).worst > 1.5 * measure(load_tone("default"), crossings).worst


def test_scenes_far_away_give_the_same_sample(catalog: str, tmp_path: Path) -> None:
    """Of COGs only the blocks below the windows come; files that are none come whole."""
    (near,) = open_catalog(catalog).search("33TWL", SETTINGS.start, SETTINGS.end, 100)
    geobox = Tile.parse("33TWL").geobox(60)
    wanted = _of_scene(near, geobox, 120, SHIPPED)
    with file_server(Path(catalog).parent) as files:
        bands = {band: replace(one, href=files.at(one.href)) for band, one in near.assets.items()}
        far = _of_scene(replace(near, assets=bands), geobox, 120, SHIPPED)
    assert len(far) == len(wanted) > 0
    for one, other in zip(far, wanted, strict=True):
        np.testing.assert_array_equal(one.stored, other.stored)
        np.testing.assert_array_equal(one.clear, other.clear)


def test_all_tiles_of_a_run_have_the_one_table_and_resume_keeps_it(
    catalog: str, tone: Tone, tmp_path: Path
) -> None:
    asked = ["scene-list", "--catalog", catalog, *DATES, "--tone", "fit", "--out", str(tmp_path)]
    assert main([*asked, "--tile", "33TWL", "--tile", "33TXL"]) == 0
    for name in TILES:
        request = json.loads((tmp_path / name / "request.json").read_text())
        assert Tone.from_json(request["settings"]["tone"]) == tone
    kept = (tmp_path / "tone.json").stat().st_mtime_ns
    assert main([*asked, "--tile", "33TXL"]) == 0
    assert (tmp_path / "tone.json").stat().st_mtime_ns == kept


def test_another_table_is_refused_once_a_tile_has_begun(catalog: str, tmp_path: Path, capsys) -> None:
    asked = ["scene-list", "--catalog", catalog, *DATES, "--tile", "33TWL", "--out", str(tmp_path)]
    assert main(asked) == 0
    assert main([*asked, "--tone", "fit"]) == 2
    assert "other settings" in capsys.readouterr().err


def test_a_table_from_a_file_is_taken(catalog: str, tone: Tone, tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(tone.to_json()))
    asked = ["scene-list", "--catalog", catalog, *DATES, "--tile", "33TWL", "--tone", str(path)]
    assert main([*asked, "--out", str(tmp_path / "out")]) == 0
    request = json.loads((tmp_path / "out" / "33TWL" / "request.json").read_text())
    assert Tone.from_json(request["settings"]["tone"]) == tone


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("image") / "reflectance.tif"
    picture = simulated_pictures(9001, side=256)[0]
    geobox = Tile.parse("33TWL").geobox(60)[:256, :256]
    write_raster(path, Raster(picture.stored, geobox), nodata=0, reflectance=True)
    return path


def test_the_command_writes_the_table_of_images_and_prints_its_figures(
    image: Path, tmp_path: Path, capsys
) -> None:
    out = tmp_path / "tone.json"
    assert main(["tone", "--image", str(image), "--out", str(out)]) == 0
    fitted = json.loads(capsys.readouterr().out)
    assert main(["tone", "--image", str(image), "--measure", "default"]) == 0
    default = json.loads(capsys.readouterr().out)
    assert fitted["worst"] > default["worst"]
    assert main(["tone", "--image", str(image), "--measure", str(out)]) == 0
    assert json.loads(capsys.readouterr().out) == fitted


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        ["--catalog", "nowhere", "--tile", "33TWL", "--start", "2023-06-01"],
        ["--catalog", "nowhere", "--start", "2023-06-01", "--end", "2023-06-30"],
        ["--image", "{image}", "--measure", "sepia"],
    ],
)
def test_wrong_use_is_told(wrong: list[str], image: Path) -> None:
    assert main(["tone", *[word.format(image=image) for word in wrong]]) == 2


def test_a_mask_that_is_given_says_what_is_clear(image: Path, tmp_path: Path) -> None:
    geobox = Tile.parse("33TWL").geobox(60)[:256, :256]
    codes = np.full((1, *geobox.shape), 1, np.uint8)
    codes[0, :200] = 0
    write_raster(tmp_path / "mask.tif", Raster(codes, geobox))
    clear = sum(int(picture.clear.sum()) for picture in sample_images([image], [tmp_path / "mask.tif"]))
    assert clear == filled(read_raster(image).data[:, :200]).sum() > 10_000
    with pytest.raises(UsageError, match="2 masks for 1 images"):
        sample_images([image], [tmp_path / "mask.tif"] * 2)
    write_raster(tmp_path / "other.tif", Raster(codes[:, :100], geobox[:100]))
    with pytest.raises(UsageError, match="grid"):
        sample_images([image], [tmp_path / "other.tif"])


def test_an_image_without_clear_ground_has_no_curve(tmp_path: Path) -> None:
    geobox = Tile.parse("33TWL").geobox(60)[:64, :64]
    write_raster(tmp_path / "small.tif", Raster(encode(np.full((4, 64, 64), 0.1)), geobox), nodata=0)
    with pytest.raises(NoScenes, match="10000 clear pixels"):
        sample_images([tmp_path / "small.tif"])


@pytest.mark.parametrize("shape", [(1830, 1830), (540, 300), (3, 10), (1, 1)])
def test_the_windows_of_a_sample_lie_apart_and_inside(shape: tuple[int, int]) -> None:
    times = np.zeros(shape, int)
    for window in places(shape):
        rows, cols = window.toslices()
        assert rows.stop <= shape[0] and cols.stop <= shape[1] and times[rows, cols].size
        times[rows, cols] += 1
    assert times.max() == 1
    assert times.sum() == min(shape[0], 1024) * min(shape[1], 1024) or min(shape) < 1024
