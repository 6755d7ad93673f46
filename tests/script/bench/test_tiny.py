"""The harness from one end to the other, on two dates of a tile of 600 m pixels."""

import json
import os

import numpy as np
import pytest

from pipeline.grid import Tile
from pipeline.raster import read_raster
from pipeline.sketch import KEPT, Sketch
from script.lib.bench import stages
from script.lib.bench.inputs import TILE, Inputs
from script.lib.bench.measure import Bench


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    return Bench(tmp_path_factory.mktemp("bench"), 60, 1, 1, dates=1)


@pytest.fixture(scope="module")
def build(bench):
    """One date on the grid of the tile, with its true mask."""
    from pipeline.simulate.season import simulate

    folder = bench.work / "inputs" / "stac-60m-1"
    simulate(folder, [TILE], 1, 600, 7, "stac", workers=1)
    inputs = Inputs(folder, "stac")
    place = bench.work / "builds" / "truth"
    bench.task("with-truth", tile=TILE, settings=bench.settings(), folder=place, catalog=inputs.catalog,
               truth=inputs.truth)  # fmt: skip
    return place


def test_stage_3_is_measured_and_what_it_wrote_is_written_again(bench, build):
    folder = bench.copy_of(build, "lay", ("reflectance.tif", "cloud.tif", "candidates.json"))
    laid = bench.task("lay", tile=TILE, settings=bench.settings(), folder=folder, count=1)
    assert laid.seconds == pytest.approx(sum(laid.answer["steps"].values()))
    assert laid.seconds > 0 and laid.peak_mib > 50
    products = [folder / name for name in stages.PRODUCTS]
    before = [path.read_bytes() for path in products]
    (scene,) = (folder / "scenes").iterdir()
    grid = Tile.parse(TILE).geobox(bench.settings()["resolution"])
    Sketch.make(scene.name, grid, folder, scene / KEPT)
    reads = [scene / name for name in stages.READ_BY_STAGE_3]
    assert all(path.exists() for path in reads)
    files = bench.files_only(reads, products)
    assert set(files.answer["steps"]) == {"read", "write"}
    assert [path.read_bytes() for path in products] == before


def test_scenes_are_laid_with_the_masks_of_another_build_and_no_network(bench, build):
    inputs = bench.work / "inputs" / "stac-60m-1" / "catalog.json"
    folder = bench.copy_of(build, "sources", ())
    done = bench.task("from-sources", tile=TILE, settings=bench.settings(), folder=folder, catalog=inputs,
                      all_scenes=True, masks=build)  # fmt: skip
    assert len(done.answer["scenes"]) == 1 and (folder / "composite.tif").exists()
    (mask,) = folder.glob("scenes/*/cloud.tif")
    assert mask.samefile(build / mask.relative_to(folder))


@pytest.mark.parametrize("known", [True, False])
def test_the_networks_of_a_run_are_timed_and_are_left_out_where_masks_are_known(bench, build, known):
    inputs = Inputs(bench.work / "inputs" / "stac-60m-1", "stac")
    folder = bench.copy_of(build, "chain", ())
    masks = build if known else None
    done = bench.chain(folder, inputs, ("scene list", "imagery", "composite", "mosaic"), masks=masks)
    assert (folder / "mosaic.tif").exists() and set(done.answer["steps"]) >= {"imagery", "mosaic"}
    assert ("cloud" in done.answer["networks"]) is not known


def test_a_copy_of_a_build_has_the_files_asked_for_and_leaves_the_build_alone(bench, build):
    first = bench.copy_of(build, "copy", ("cloud.tif",))
    assert {path.name for path in first.rglob("*") if path.is_file()} == {"cloud.tif"}
    next(first.rglob("cloud.tif")).unlink()
    assert len(list(build.rglob("cloud.tif"))) == 1


def test_a_worker_sees_no_gpu_and_its_threads_alone(bench):
    values = bench.environment()
    assert values["CUDA_VISIBLE_DEVICES"] == "" and values["OMP_NUM_THREADS"] == "1"
    assert values.items() >= {key: os.environ[key] for key in ("PATH",)}.items()
    assert json.loads(json.dumps(bench.settings()))["resolution"] == 60


def test_neighbours_show_the_same_ground_in_another_radiometry_and_are_blended(bench, build, tmp_path):
    own = bench.copy_of(build, "own", ("reflectance.tif", "cloud.tif", "candidates.json"))
    bench.task("lay", tile=TILE, settings=bench.settings(), folder=own, count=1)
    builds = {name: tmp_path / name for name in (TILE, "33TXL", "33TWM")}
    bench.task("mirrored", source=own, builds=builds, settings=bench.settings())
    done = bench.task("mosaic", tile=TILE, builds=builds, settings=bench.settings(), out=tmp_path)
    assert done.answer["contributors"] == sorted(builds) and (tmp_path / "mosaic.tif").exists()
    own_strip, other_strip = (
        read_raster(builds[name] / "composite.tif").data[0, :, part].astype(float)
        for name, part in ((TILE, slice(-163, None)), ("33TXL", slice(163)))
    )
    shown = (own_strip > 1) & (other_strip > 1)
    ratio = (other_strip[shown] - 1) / (own_strip[shown] - 1)
    assert shown.mean() > 0.2 and not 0.999 < np.median(ratio) < 1.001
    assert np.corrcoef(own_strip[shown], other_strip[shown])[0, 1] > 0.999
