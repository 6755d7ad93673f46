"""How tiles of a run meet: coarse tiles on both sides of 18 E and one beside them."""

import json
from datetime import date

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from pipeline import __main__ as command_line
from pipeline.assessment import tiles as assessment
from pipeline.assessment.maps import first_wins, mercator_grid, read_on
from pipeline.assessment.picture import GAP
from pipeline.assessment.tiles import assess_tiles
from pipeline.build import Build
from pipeline.contributor import pixel_centres
from pipeline.grid import Tile
from pipeline.ground import CellSums, transformer
from pipeline.mosaic import blend
from pipeline.overlay import well_inside
from pipeline.raster import Raster, decode, encode, read_raster, write_raster
from pipeline.settings import CampaignSettings

RESOLUTION = 300
WEST, NEXT, EDGE, EAST = "33TWM", "33TXM", "33TYM", "34TBS"
PLAIN = np.array([0.06, 0.07, 0.05, 0.3])[:, None, None]


def coarse():
    found = CampaignSettings(date(2023, 8, 1), date(2023, 8, 31), resolution=60)
    object.__setattr__(found, "resolution", RESOLUTION)
    return found


@pytest.fixture(autouse=True)
def coarse_builds(monkeypatch):
    """Builds of 300 m, which no campaign offers, to be quick."""
    monkeypatch.setattr(
        assessment, "opened_build", lambda folder: Build(Tile.parse(folder.name), coarse(), folder)
    )


def ground(tile):
    """Texture that depends on longitude and latitude alone, of a size that a pixel can show."""
    geobox = tile.geobox(RESOLUTION)
    longitude, latitude = transformer(tile.epsg, 4326).transform(*pixel_centres(geobox))
    wave = np.sin(longitude * 400) * np.cos(latitude * 500) + np.sin(longitude * 310 + latitude * 420)
    return PLAIN * (1 + 0.2 * wave)


def run_of(folder, factors, noise=0.0):
    """What a run leaves of some tiles that the assessment reads."""
    for number, (name, factor) in enumerate(factors.items()):
        tile = Tile.parse(name)
        geobox = tile.geobox(RESOLUTION)
        own = np.random.default_rng(number).normal(0, noise, (4, *geobox.shape)) if noise else 0
        stored = encode(ground(tile) * factor * (1 + own))
        write_raster(folder / name / "composite.tif", Raster(stored, geobox), nodata=0)
        ranks = np.ones((2, *geobox.shape), np.uint8)
        write_raster(folder / name / "provenance.tif", Raster(ranks, geobox))
        sums = CellSums(geobox)
        sums.add(decode(stored), np.ones(geobox.shape, bool), geobox)
        sums.cells().save(folder / name / "balance.npz")
    builds = {name: folder / name for name in factors}
    for name in factors:
        blend(Tile.parse(name), builds, coarse(), folder / name)
    return folder


def rewritten(path, change):
    """A mosaic whose levels are changed."""
    raster = read_raster(path)
    levels = np.clip(change(raster.data.astype(float)), 1, 255).astype(np.uint8)
    write_raster(path, Raster(levels, raster.geobox), nodata=0, cog=True)


@pytest.fixture
def pair(tmp_path):
    return run_of(tmp_path, {WEST: 1.0, NEXT: 1.1}, noise=0.02)


def test_two_balanced_tiles_of_one_ground_show_no_seam(pair):
    found = assess_tiles(pair, zooms=[9])
    for figures in (found["full"], found["zooms"][9]["turns"]):
        assert figures["edge_pairs"] > 100
        assert 0.9 < figures["seam_score"] < 1.1 and figures["step_median"] < 1.5
    assert found["across"] == []


def test_a_step_where_the_tiles_take_turns_is_found(pair):
    before = assess_tiles(pair, zooms=[])["full"]
    for name, first in ((WEST, 350), (NEXT, 16)):
        rewritten(pair / name / "mosaic.tif", lambda levels, first=first: stepped(levels, first))
    after = assess_tiles(pair, zooms=[])["full"]
    assert after["seam_score"] > before["seam_score"] + 0.3
    assert after["step_median"] > before["step_median"] + 5


def stepped(levels, column):
    levels[:, :, column:] += 40
    return levels


def test_blur_along_the_seam_is_found(pair):
    def blurred(levels):
        levels[:, :, 347:353] = gaussian_filter(levels, (0, 1, 1))[:, :, 347:353]
        return levels

    before = assess_tiles(pair, zooms=[])["full"]["blur"]
    rewritten(pair / WEST / "mosaic.tif", blurred)
    assert assess_tiles(pair, zooms=[])["full"]["blur"] < 0.8 * before


@pytest.fixture
def zones(tmp_path):
    return run_of(tmp_path, {EDGE: 1.0, EAST: 1.05})


def test_versions_in_two_zones_are_compared_on_both_grids_and_on_the_map(zones):
    found = assess_tiles(zones, zooms=[8, 9])
    kinds = {(pair["of"], pair["ground"]) for pair in found["across"]}
    assert kinds == {(EDGE, "own"), (EDGE, "other"), (EAST, "own"), (EAST, "other")}
    for pair in found["across"]:
        assert pair["pixels"] > 1_000
        assert max(pair["median"]) <= 1 and max(pair["p99"]) <= 4
    for zoom in (8, 9):
        (pair,) = found["zooms"][zoom]["across"]
        assert (pair["of"], pair["from"]) == (EDGE, EAST) and max(pair["median"]) <= 2
        assert found["zooms"][zoom]["versions"]["edge_pairs"] > 0


def test_a_version_that_is_brighter_is_told_by_its_levels(zones):
    rewritten(zones / EAST / "mosaic.tif", lambda levels: np.where(levels > 0, levels + 9, 0))
    found = assess_tiles(zones, zooms=[9])
    assert all(min(pair["median"]) >= 7 for pair in found["across"] if pair["ground"] == "other")
    assert found["zooms"][9]["versions"]["step_median"] > 5


def test_the_map_shows_the_first_tile_with_data_all_around(zones):
    paths = {name: zones / name / "mosaic.tif" for name in (EDGE, EAST)}
    grid = mercator_grid(paths, 9)
    versions = {name: read_on(path, grid, 9) for name, path in paths.items()}
    shown = first_wins(versions, [EDGE, EAST])
    has = (versions[EDGE] != 0).all(axis=0)
    inside = well_inside(has)
    assert np.array_equal(shown[:, inside], versions[EDGE][:, inside])
    assert np.array_equal(shown[:, ~has], versions[EAST][:, ~has]) and has.any() and (~has).any()


def test_the_command_prints_the_figures_and_writes_them(pair, capsys, tmp_path):
    words = ["check-seams", "--out", str(pair), "--zoom", "9", "--json", str(tmp_path / "found.json")]
    assert command_line.main(words) == 0
    assert "full resolution: seam score" in capsys.readouterr().out
    assert set(json.loads((tmp_path / "found.json").read_text())) == {"full", "across", "zooms"}


def test_the_picture_shows_the_step_before_and_not_after(pair, tmp_path):
    path = tmp_path / "pictures" / "seams.jpg"
    assert command_line.main(["draw-seams", "--out", str(pair), "--picture", str(path)]) == 0
    assert 0 < path.stat().st_size <= 300_000
    with Image.open(path) as picture:
        sheet = np.asarray(picture).astype(float).mean(axis=2)
    half = (sheet.shape[1] - GAP) // 2
    before, after = sheet[:, :half], sheet[:, -half:]
    columns = slice(round(0.4 * half), round(0.46 * half)), slice(round(0.58 * half), round(0.64 * half))
    rows = slice(sheet.shape[0] // 3, sheet.shape[0] // 2)
    steps = [part[rows, columns[1]].mean() - part[rows, columns[0]].mean() for part in (before, after)]
    assert steps[0] > 4 and abs(steps[1]) < 0.8 * steps[0]


def test_one_tile_alone_is_refused(tmp_path, capsys):
    assert command_line.main(["check-seams", "--out", str(tmp_path)]) == 2
    assert "no two tiles" in capsys.readouterr().err
