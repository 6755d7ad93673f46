"""A rejection's answer, whole: a build with an area masked in its scenes and another of a corrected class."""

from datetime import date

import numpy as np
import pytest
from pyproj import Transformer
from rasterio.windows import Window
from shapely.geometry import box

from pipeline import again, chain
from pipeline.build import Build
from pipeline.drawn import Drawn, codes_in
from pipeline.grid import Tile
from pipeline.landcover.fuse import correct
from pipeline.raster import read_raster
from pipeline.settings import CampaignSettings
from pipeline.simulate import simulate
from pipeline.storage import read_json

TILE = Tile.parse("33UVR")
SETTINGS = CampaignSettings(date(2023, 6, 1), date(2023, 8, 31), max_cloud=90, resolution=60)
MASKED, CORRECTED = (slice(900, 960), slice(880, 960)), (slice(300, 340), slice(400, 450))


@pytest.fixture(scope="module")
def catalog(tmp_path_factory):
    out = tmp_path_factory.mktemp("drawn")
    return str(simulate(out, [TILE.name], 5, 60, 8102, "stac", start=SETTINGS.start, end=SETTINGS.end))


def outline(rows, cols):
    affine = TILE.geobox(60).affine
    (left, top), (right, bottom) = affine @ (cols.start, rows.start), affine @ (cols.stop, rows.stop)
    into = Transformer.from_crs(TILE.epsg, 4326, always_xy=True)
    ring = box(left, bottom, right, top).exterior.coords
    return {"type": "Polygon", "coordinates": [[into.transform(x, y) for x, y in ring]]}


def built(folder, catalog, overrides=None):
    folder.mkdir(parents=True)
    build = Build(TILE, SETTINGS, folder)
    chain.make_scene_list(build, catalog, overrides=overrides)
    chain.build_tile(build, catalog)
    return build


def test_a_corrected_class_alone_takes_over_all_but_the_classes(catalog, tmp_path):
    first = built(tmp_path / "1", catalog)
    before = read_raster(first.folder / "probabilities.tif").data
    told = 1 + (before[(slice(None), *CORRECTED)].mean(axis=(1, 2)).argmax() + 1) % 6
    drawn = {"classes": [{"class": int(told), "geometry": outline(*CORRECTED)}]}
    shown = Build(TILE, SETTINGS, tmp_path / "shown-1")
    chain.revise(shown, {TILE.name: first.folder})

    assert again.can_take_over(first)
    second = Build(TILE, SETTINGS, tmp_path / "2")
    again.take_over(second, first, drawn)
    report = chain.classify(second)

    assert set(report["seconds"]) == {"landcover"} and report["bytes_fetched"] == 0
    assert report["composite"] == read_json(first.folder / "report.json")["composite"]
    for name in ("composite.tif", "provenance.tif", "scene_list.json", "balance.npz"):
        assert (second.folder / name).samefile(first.folder / name)
    after = read_raster(second.folder / "probabilities.tif").data
    expected = before.copy()
    correct(expected, codes_in(Drawn.of(drawn).classes, TILE.geobox(60), Window(0, 0, *before.shape[:0:-1])))
    assert np.array_equal(after, expected)
    assert (after[(told - 1, *CORRECTED)] == 255).mean() > 0.95

    folders = {TILE.name: second.folder}
    assert again.same_composites(TILE, folders, {TILE.name: first.folder})
    kept = Build(TILE, SETTINGS, tmp_path / "shown-2")
    report = chain.revise(kept, folders, shown.folder)
    afresh = Build(TILE, SETTINGS, tmp_path / "shown-3")
    assert chain.revise(afresh, folders)["mosaic"] == report["mosaic"]
    assert (kept.folder / "mosaic.tif").samefile(shown.folder / "mosaic.tif")
    for name in ("mosaic.tif", "landcover.tif", "confidence.tif"):
        one, other = (read_raster(build.folder / name).data for build in (kept, afresh))
        assert np.array_equal(one, other), name

    (first.folder / "scenes" / first.series()[0].id / "probabilities.tif").unlink()
    assert not again.can_take_over(first) and again.can_take_over(second)


def test_the_next_build_shows_another_date_there_and_the_class_that_was_told(catalog, tmp_path):
    first = built(tmp_path / "first", catalog)
    ranked = {item.rank: item.id for item in first.scene_list().chosen}
    shown = read_raster(first.folder / "provenance.tif").data[0]
    scenes = sorted(ranked[rank] for rank in np.unique(shown[MASKED]) if rank)
    classes = read_raster(first.folder / "probabilities.tif").data
    told = 1 + (classes[(slice(None), *CORRECTED)].mean(axis=(1, 2)).argmax() + 1) % 6
    drawn = {"mask": [{"scenes": scenes, "geometry": outline(*MASKED)}]}
    drawn["classes"] = [{"class": int(told), "geometry": outline(*CORRECTED)}]

    second = built(tmp_path / "second", catalog, drawn)

    ranked = {item.rank: item.id for item in second.scene_list().chosen}
    provenance = read_raster(second.folder / "provenance.tif").data[0]
    inside = provenance[MASKED]
    assert not {ranked[rank] for rank in np.unique(inside) if rank} & set(scenes)
    assert (inside > 0).mean() > 0.9
    stored = read_raster(second.folder / "probabilities.tif").data[(slice(None), *CORRECTED)]
    assert (stored[told - 1][(stored != 0).any(axis=0)] == 255).mean() > 0.95
    far = np.zeros(shown.shape, bool)
    far[1400:, :] = True
    same = np.array([ranked.get(rank, "") for rank in range(256)])[provenance[far]]
    before = np.array([{i.rank: i.id for i in first.scene_list().chosen}.get(r, "") for r in range(256)])
    assert (same == before[shown[far]]).mean() > 0.95
