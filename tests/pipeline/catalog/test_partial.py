"""A scene brought by blocks is, where it is wanted, the scene as a whole, and empty elsewhere."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.catalog import Wanted, bring_part, by_blocks, download, read_scene
from pipeline.catalog.http import Http
from pipeline.grid import Tile
from tests.mishaps import without_ranges
from tests.pipeline.catalog.making import scene_of, surface, write_bands

TILE = Tile.parse("33TWL")
COG = {"driver": "COG", "compress": "deflate", "blocksize": 128, "resolution": 60}


@pytest.fixture(scope="module")
def far(tmp_path_factory):
    folder = tmp_path_factory.mktemp("far")
    counts = surface(side=1830)
    counts[:, :, 1500:] = 0
    return counts, write_bands(folder, counts, **COG)


@pytest.fixture
def scene(files, far):
    folder = files.folder / "far"
    folder.mkdir()
    for path in far[1].values():
        (folder / path.name).hardlink_to(path)
    return scene_of({band: files.at(folder / path.name) for band, path in far[1].items()})


def wanted(rows, cols):
    geobox = TILE.preview_geobox()
    cells = np.zeros(geobox.shape.yx, bool)
    cells[rows, cols] = True
    return Wanted(cells, geobox)


@pytest.mark.parametrize("resolution", [60, 600])
def test_it_equals_the_whole_scene_where_it_is_wanted(files, far, scene, resolution):
    target = TILE.geobox(resolution)
    asked = wanted(slice(100, 150), slice(60, 90))
    got = bring_part(scene, asked, target, files.folder / "near", Http())
    whole = read_scene(scene_of(far[1]), target)
    part = read_scene(got.scene, target)
    place = tuple(
        slice(part.start * 320 // resolution, part.stop * 320 // resolution)
        for part in (slice(100, 150), slice(60, 90))
    )
    np.testing.assert_array_equal(part[:, *place], whole[:, *place])
    here = part > 0
    np.testing.assert_array_equal(part[here], whole[here])
    assert 0 < here.mean() < 0.5 or resolution == 600
    assert got.fetched < got.weight / 3 and 0 < got.share < 1


def test_a_sparse_sample_of_the_blocks_comes_besides(files, scene):
    got = bring_part(scene, wanted(slice(0, 0), slice(0, 0)), TILE.geobox(60), files.folder / "near", Http())
    part = read_scene(got.scene, TILE.geobox(60))
    rows, cols = np.nonzero(part[0])
    blocks = set(zip(rows // 128, cols // 128, strict=True))
    assert 0.01 < got.share < 0.05
    assert 3 <= len(blocks) <= 5
    assert max(rows) - min(rows) > 900 or max(cols) - min(cols) > 900


def test_what_has_come_is_not_asked_for_again(files, scene):
    asked = wanted(slice(100, 150), slice(60, 90))
    first = bring_part(scene, asked, TILE.geobox(60), files.folder / "near", Http())
    files.requests.clear()
    assert bring_part(scene, asked, TILE.geobox(60), files.folder / "near", Http()) == first
    assert not files.requests


def test_files_that_are_no_cogs_come_whole(files):
    paths = write_bands(files.folder / "plain", surface())
    scene = scene_of({band: files.at(path) for band, path in paths.items()})
    got = bring_part(scene, wanted(slice(0, 9), slice(0, 9)), TILE.geobox(600), files.folder / "near", Http())
    assert got.share == 1 and got.fetched == got.weight
    np.testing.assert_array_equal(
        read_scene(got.scene, TILE.geobox(600)), read_scene(scene_of(paths), TILE.geobox(600))
    )


def test_a_server_without_ranges_gives_whole_files(files, scene):
    files.mishaps += [without_ranges] * 4
    got = bring_part(scene, wanted(slice(0, 9), slice(0, 9)), TILE.geobox(60), files.folder / "near", Http())
    assert got.share == 1 and got.scene == download(scene, files.folder / "near")


def test_only_tiffs_far_away_are_read_by_blocks(files, scene, far):
    assert by_blocks(scene)
    assert not by_blocks(scene_of(far[1]))
    jp2 = replace(
        scene, assets=scene.assets | {"nir": replace(scene.assets["nir"], href="https://host/B08.jp2")}
    )
    assert not by_blocks(jp2)
    assert not by_blocks(replace(scene, parts=(scene, jp2)))
