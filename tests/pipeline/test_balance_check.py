"""The steps between tiles on ground left out of the fit: simulated and real scenes of one overpass."""

import json
from datetime import date

import numpy as np
import pytest
from rasterio.windows import Window

from pipeline.__main__ import main
from pipeline.balance_check import steps
from pipeline.catalog import open_catalog, read_scene
from pipeline.evidence import CLEAR, sureness
from pipeline.grid import Tile
from pipeline.ground import CellSums
from pipeline.imagery.mask import write_mask
from pipeline.raster import Raster, decode, read_raster, window_geobox, write_raster
from pipeline.simulate.scene import scene_arrays
from pipeline.simulate.world import World

SIMULATED = ("33UVR", "33UWR")
ALPINE = ("33TWL", "33TWM")
MARGIN = 2.0
DATES = ("2023-08-13", "2023-08-15", "2023-08-18", "2023-08-20")


def rim(tile, other):
    """The tile's grid at 60 m where the other covers it too."""
    left, bottom, right, top = tile.overlap(other)
    window = Window(
        (left - tile.left) // 60, (tile.top - top) // 60, (right - left) // 60, (top - bottom) // 60
    )
    return window_geobox(tile.geobox(60), window)


def simulated_cells(seed, day):
    """Cell means of the clear land of both tiles on one date, each with its own radiometry."""
    world, cells = World(seed, SIMULATED[0]), {}
    for name, other in (SIMULATED, SIMULATED[::-1]):
        grid = rim(Tile.parse(name), Tile.parse(other))
        scene = scene_arrays(world, grid, day, cloud_cover=15, hazy=False, tile=name)
        sums = CellSums(grid)
        sums.add(scene.reflectance, scene.cloud == 0, grid)
        cells[name] = sums.cells()
    return cells


@pytest.mark.parametrize("seed", [9001, 9002, 9003])
def test_simulated_tiles_of_one_overpass_meet_within_half_a_percent(seed):
    (step,) = steps(simulated_cells(seed, date(2023, 7, 10)))
    assert step.blocks > 300
    assert np.abs(step.after - 1).max() <= 0.005, step


def write_real_cells(catalog, day, folder):
    """Write the cell means of the clear land of both alpine tiles on one date, by the network's own mask."""
    for name, other in (ALPINE, ALPINE[::-1]):
        grid = rim(Tile.parse(name), Tile.parse(other))
        (scene,) = open_catalog(str(catalog), "L2A").search(name, day, day, 100)
        stored = read_scene(scene, grid)
        write_raster(folder / f"{name}.tif", Raster(stored, grid), nodata=0)
        write_mask(folder / f"{name}.tif", folder / f"{name}_cloud.tif")
        clear = sureness(read_raster(folder / f"{name}_cloud.tif").data[0], MARGIN) == CLEAR
        (folder / name).mkdir()
        sums = CellSums(grid)
        sums.add(decode(stored), clear, grid)
        sums.cells().save(folder / name / "balance.npz")


@pytest.mark.parametrize("day", DATES)
def test_real_tiles_of_one_overpass_meet_within_two_percent(shared_data, tmp_path, capsys, day):
    catalog = shared_data / "alpine_33TWL_33TWM" / "catalog.json"
    write_real_cells(catalog, date.fromisoformat(day), tmp_path)
    assert main(["check-balance", "--out", str(tmp_path)]) == 0
    (step,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert step["blocks"] > 500 and step["before"]["blue"] > 1.01
    assert max(abs(ratio - 1) for ratio in step["after"].values()) <= 0.02, step


def test_a_folder_without_neighbours_is_wrong_use(tmp_path, capsys):
    assert main(["check-balance", "--out", str(tmp_path)]) == 2
    assert "holds no composites of two neighbours" in capsys.readouterr().err
