"""A static STAC catalog on disk, made here, and the real scenes in the shared data."""

import json
from datetime import date

import numpy as np
import pytest
import rasterio

from pipeline.catalog import open_catalog, read_preview, read_scene
from pipeline.errors import SourceError
from pipeline.grid import Tile
from tests.pipeline.catalog.making import item, surface, write_bands

AUGUST = (date(2023, 8, 1), date(2023, 8, 31))


def write_catalog(folder, items, links=()):
    for content in items:
        (folder / f"{content['id']}.json").write_text(json.dumps(content))
    listed = [{"rel": "item", "href": f"./{content['id']}.json"} for content in items] + list(links)
    root = {"type": "Catalog", "id": "all", "links": [{"rel": "root", "href": "./catalog.json"}, *listed]}
    (folder / "catalog.json").write_text(json.dumps(root))
    return folder / "catalog.json"


def bands(folder, name="a", counts=None):
    paths = write_bands(folder / name, surface() if counts is None else counts)
    return {band: f"./{path.relative_to(folder)}" for band, path in paths.items()}


def test_items_are_found_and_read(tmp_path):
    path = write_catalog(tmp_path, [item(bands(tmp_path))])
    for address in (path, tmp_path, str(path)):
        (scene,) = open_catalog(address).search("33TWL", *AUGUST, 80)
    np.testing.assert_array_equal(read_scene(scene, Tile.parse("33TWL").geobox(600)), surface() + 1)


def test_children_are_followed_and_circles_end(tmp_path):
    (tmp_path / "child").mkdir()
    write_catalog(
        tmp_path / "child", [item(bands(tmp_path / "child"))], [{"rel": "child", "href": "../catalog.json"}]
    )
    path = write_catalog(tmp_path, [], [{"rel": "child", "href": "./child/catalog.json"}])
    assert len(open_catalog(path).search("33TWL", *AUGUST, 80)) == 1


def test_mixed_baselines_in_one_stack_give_one_radiometry(tmp_path):
    ground = surface()
    old = item(bands(tmp_path, "old", ground), day="20230801", **{
        "s2:processing_baseline": "02.14", "earthsearch:boa_offset_applied": False})  # fmt: skip
    for asset in old["assets"].values():
        asset["raster:bands"][0]["offset"] = 0
    applied = item(bands(tmp_path, "applied", ground), day="20230802")
    waiting = item(
        bands(tmp_path, "waiting", ground + 1000), day="20230803", **{"earthsearch:boa_offset_applied": False}
    )
    planetary = item(bands(tmp_path, "planetary", ground + 1000), "planetary-computer", day="20230804")
    path = write_catalog(tmp_path, [old, applied, waiting, planetary])
    scenes = open_catalog(path).search("33TWL", *AUGUST, 80)
    assert len(scenes) == 4
    for scene in scenes:
        np.testing.assert_array_equal(read_scene(scene, Tile.parse("33TWL").geobox(600)), ground + 1)


def test_one_bad_item_does_not_spoil_the_search(tmp_path):
    good, bad = item(bands(tmp_path)), item(bands(tmp_path, "b"), day="20230816")
    del bad["assets"]["nir"]
    catalog = open_catalog(write_catalog(tmp_path, [good, bad]))
    assert [scene.id for scene in catalog.search("33TWL", *AUGUST, 80)] == [good["id"]]
    ((identity, reason),) = catalog.rejected
    assert identity == bad["id"]
    assert reason.startswith(f"Item {identity} cannot be used: It has no nir band (asset nir or B08")


def test_items_of_the_other_level_are_told(tmp_path):
    catalog = open_catalog(write_catalog(tmp_path, [item(bands(tmp_path))]), "L1C")
    assert catalog.search("33TWL", *AUGUST, 80) == []
    assert "levels are not mixed" in catalog.rejected[0][1]


@pytest.mark.parametrize(
    ("content", "reason"),
    [("{", "not valid JSON"), ("[]", "no JSON object"), ('{"type": "Thing"}', "no STAC catalog"),
     ('{"type": "Catalog", "links": [{"rel": "item", "href": "gone.json"}]}', "cannot be read"),
     ('{"type": "Catalog", "links": [{"rel": "item", "href": "../up.json"}]}', "outside the catalog"),
     ('{"type": "Catalog", "links": [{"rel": "item", "href": "https://h/i.json"}]}', "whole on disk")],
)  # fmt: skip
def test_a_broken_catalog_is_told(tmp_path, content, reason):
    (tmp_path / "catalog.json").write_text(content)
    with pytest.raises(SourceError, match=reason):
        open_catalog(tmp_path).search("33TWL", *AUGUST, 80)


def agrees(one, other):
    both = (one > 0) & (other > 0)
    return np.corrcoef(one[both], other[both])[0, 1]


class TestTheRealScenes:
    """33TWL and 33TWM in August 2023, at 120 m."""

    @pytest.fixture
    def catalog(self, shared_data):
        return open_catalog(shared_data / "alpine_33TWL_33TWM" / "catalog.json")

    def test_each_tile_has_five_scenes(self, catalog):
        for tile in ("33TWL", "33TWM"):
            scenes = catalog.search(tile, *AUGUST, 100)
            assert [scene.datetime.day for scene in scenes] == [10, 13, 15, 18, 20]
            assert catalog.rejected == []

    def test_neighbours_seen_in_one_overpass_share_its_datatake(self, catalog):
        takes = [
            [scene.datatake for scene in catalog.search(tile, *AUGUST, 100)] for tile in ("33TWL", "33TWM")
        ]
        assert takes[0] == takes[1]
        assert len(set(takes[0])) == 5

    def test_the_offset_is_not_applied_twice(self, catalog):
        scene = catalog.search("33TWL", *AUGUST, 100)[2]
        stored = read_scene(scene, Tile.parse("33TWL").geobox(60))
        with rasterio.open(scene.assets["blue"].href) as dataset:
            counts = dataset.read(1)
        blue = stored[2][stored[2] > 0].astype(float) - 1
        assert np.median(blue) == pytest.approx(np.median(counts[counts > 0]), rel=0.03)
        assert np.percentile(blue, 1) > 100

    def test_the_half_pixel_between_the_tiles_is_resampled(self, catalog):
        images = {}
        for tile in ("33TWL", "33TWM"):
            scene = catalog.search(tile, *AUGUST, 100)[2]
            images[tile] = read_scene(scene, Tile.parse(tile).geobox(60))[3].astype(float)
        north, south = images["33TWM"][-153:-10, 300:], images["33TWL"][:163, 300:]
        agreement = [agrees(north, south[10 + step : 153 + step]) for step in range(-2, 3)]
        assert np.argmax(agreement) == 2
        assert agreement[1] == pytest.approx(agreement[3], abs=0.02)

    def test_the_swath_edge_is_trimmed_of_its_false_darkness(self, catalog):
        scene = next(scene for scene in catalog.search("33TWM", *AUGUST, 100) if scene.datetime.day == 15)
        stored = read_scene(scene, Tile.parse("33TWM").geobox(60))
        with rasterio.open(scene.assets["nir"].href) as dataset:
            counts = dataset.read(1)
        assert ((counts > 0) & (counts < 50)).sum() > 100
        assert ((stored[3] > 0) & (stored[3] < 50)).sum() < 20
        assert 0.105 < (stored[3] == 0).mean() < 0.13

    def test_previews_come_from_the_bands(self, catalog):
        preview = read_preview(catalog.search("33TWM", *AUGUST, 100)[2])
        assert 0.10 < np.isnan(preview[0]).mean() < 0.14
        assert 0.02 < np.nanmedian(preview[0]) < 0.06
