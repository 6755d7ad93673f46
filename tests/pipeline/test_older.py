"""Holes of a finished composite are filled from the campaign's older range, for display only."""

import shutil
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from pipeline import chain, imagery, older
from pipeline.bear import AT_ONCE, Bear
from pipeline.build import Build, begin
from pipeline.catalog import open_catalog
from pipeline.errors import SourceError, TransientSourceError
from pipeline.grid import Tile
from pipeline.raster import decode, filled, read_raster
from pipeline.settings import CampaignSettings
from pipeline.simulate import simulate
from pipeline.storage import read_json

TILE = "33UVR"
SEED = 9100
SETTINGS = CampaignSettings(date(2023, 8, 1), date(2023, 8, 31), max_cloud=90, resolution=60, series=1)
OLDER = {"fill_start": date(2023, 6, 1), "fill_end": date(2023, 7, 31)}
OWN = ("candidates.json", "scene_list.json", "work.json", "composite.tif", "provenance.tif", "balance.npz")


@pytest.fixture(scope="module")
def season(tmp_path_factory):
    """Three dates of a tile: the last one ends at a swath edge inside the tile, those before do not."""
    out = tmp_path_factory.mktemp("season")
    dates = {"start": date(2023, 6, 1), "end": date(2023, 8, 31)}
    return out, str(simulate(out, [TILE], 3, 60, SEED, "stac", workers=1, **dates))


@pytest.fixture(scope="module")
def built(season, tmp_path_factory):
    """The tile's build and revision, with holes filled."""
    folder = tmp_path_factory.mktemp("built") / TILE
    build = begin(Tile.parse(TILE), replace(SETTINGS, **OLDER), folder, season[1], resume=False)
    report = chain.build_tile(build, season[1])
    return build, report, chain.revise(build, {TILE: folder})


@pytest.fixture
def composed(built, tmp_path):
    """Makes copies of the build as it was before its holes were filled, with other settings."""

    def begin(**settings):
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        for name in OWN:
            shutil.copyfile(built[0].folder / name, folder / name)
        (folder / "scenes").symlink_to(built[0].folder / "scenes")
        return Build(built[0].tile, replace(SETTINGS, **settings), folder)

    return begin


def holes_of(build):
    return ~filled(read_raster(build.folder / "composite.tif").data)


def day(scene):
    return scene["datetime"][:10]


def test_holes_show_the_ground_of_the_older_date(built, season):
    build, report, _ = built
    holes, fill = holes_of(build), report["fill"]
    assert holes.mean() > 0.05 and fill["holes"] == pytest.approx(holes.mean())
    origin = read_raster(build.folder / "fill_provenance.tif").data
    assert not origin[:, ~holes].any() and fill["share"] == pytest.approx((origin[0] > 0).mean())
    assert fill["share"] > 0.9 * holes.mean()
    mosaic = read_raster(build.folder / "mosaic.tif").data
    assert np.array_equal(filled(mosaic), ~holes | (origin[0] > 0))
    truth = decode(read_raster(next((season[0] / "truth" / TILE).glob("clear_202308*.tif"))).data)
    shown = decode(read_raster(build.folder / "fill.tif").data)
    off = np.abs(shown - truth)[:3, origin[0] > 0]
    assert np.nanmedian(off) < 0.02


def test_the_campaigns_own_products_do_not_know_of_older_ground(built):
    build, report, revision = built
    holes = holes_of(build)
    assert not read_raster(build.folder / "provenance.tif").data[:, holes].any()
    assert (read_raster(build.folder / "landcover.tif").data[0][holes] == 0).all()
    assert report["coverage"] == revision["coverage"] == pytest.approx(1 - holes.mean())
    assert revision["mosaic"]["coverage"] == pytest.approx(1 - holes.mean())
    chosen = {item.id for item in build.scene_list().chosen}
    assert chosen.isdisjoint(scene["id"] for scene in report["fill"]["scenes"])


def test_reports_and_item_name_the_older_scenes_with_dates_and_shares(built):
    build, report, revision = built
    for scene in report["fill"]["scenes"]:
        assert "2023-06-01" <= day(scene) <= "2023-07-31" and scene["rank"] > 200
    told = revision["fill"]
    assert told["share"] == pytest.approx(report["fill"]["share"])
    assert {scene["tile"] for scene in told["scenes"]} == {TILE}
    assert sum(scene["share"] for scene in told["scenes"]) == pytest.approx(told["share"])
    days = sorted({day(scene) for scene in told["scenes"]})
    assert any(", ".join(days) in sentence for sentence in revision["warnings"])
    item = read_json(build.folder / "item.json")
    assert item["properties"]["earthquilt:fill"] == told
    assert item["properties"]["start_datetime"] >= "2023-08-01"


def test_the_mosaic_is_the_same_as_without_beyond_the_edges_of_holes(built, composed):
    build = composed()
    chain.blend_mosaic(build, {TILE: build.folder})
    plain, shown = (read_raster(one.folder / "mosaic.tif").data for one in (build, built[0]))
    changed = (plain != shown).any(axis=0) & filled(plain)
    assert np.array_equal(~filled(plain), holes_of(build))
    assert 0 < changed.mean() < 0.1


def test_without_the_setting_holes_stay(composed, season):
    build = composed()
    assert older.fill_holes(build, season[1]) is None
    assert not (build.folder / "fill.tif").exists() and not (build.folder / "fill").exists()


def test_nothing_outside_the_older_range_is_used(composed, season):
    found = open_catalog(season[1]).search(TILE, OLDER["fill_start"], OLDER["fill_end"], 100)
    first, second = sorted(scene.datetime.date() for scene in found)
    build = composed(fill_start=first, fill_end=second - timedelta(days=1))
    figures = older.fill_holes(build, season[1])
    assert {day(scene) for scene in figures["scenes"]} == {str(first)}


def test_an_older_range_without_scenes_is_a_warning_and_holes_stay(composed, season):
    build = composed(fill_start=date(2019, 6, 1), fill_end=date(2019, 8, 31))
    figures = older.fill_holes(build, season[1])
    assert figures["share"] == 0 and figures["scenes"] == [] and figures["holes"] > 0
    assert any("no older scene of 33UVR from 2019-06-01" in one for one in build.notes()["warnings"])
    assert not (build.folder / "fill.tif").exists()
    report = chain.finish_build(build)
    assert any(sentence.endswith("stays empty.") for sentence in report["warnings"])


@pytest.fixture
def spoil(built, monkeypatch):
    """Let the files of the first older scene end in an error; gives its id."""
    first = built[1]["fill"]["scenes"][0]["id"]
    fetch = imagery.fetch

    def spoil(error):
        def ask(scene, *rest):
            if scene.id == first:
                raise error
            return fetch(scene, *rest)

        monkeypatch.setattr(imagery, "fetch", ask)
        return first

    return spoil


@pytest.fixture
def silent(spoil):
    """The id of an older scene whose files do not come."""
    return spoil(TransientSourceError("The source does not answer."))


def test_a_silent_source_is_asked_again_later(silent, composed, season):
    with pytest.raises(TransientSourceError, match="does not answer"):
        older.fill_holes(composed(**OLDER), season[1])


def test_a_scene_that_stays_silent_is_set_aside_in_the_end(silent, composed, season):
    build = composed(**OLDER)
    figures = older.fill_holes(build, season[1], bear=AT_ONCE)
    assert silent not in {scene["id"] for scene in figures["scenes"]}
    assert any(silent in warning for warning in build.notes()["warnings"])


def test_a_preview_that_does_not_come_is_asked_for_later(composed, season, monkeypatch):
    def silent(*given, **named):
        raise TransientSourceError("The preview does not come.")

    monkeypatch.setattr("pipeline.catalog.read_preview", silent)
    with pytest.raises(TransientSourceError, match="does not come"):
        older.fill_holes(composed(**OLDER), season[1], bear=Bear(silence=False, nonsense=False))


def test_a_scene_that_cannot_be_read_is_set_aside(spoil, composed, season):
    first = spoil(SourceError("It is broken."))
    build = composed(**OLDER)
    figures = older.fill_holes(build, season[1])
    assert first not in {scene["id"] for scene in figures["scenes"]}
    assert any(first in warning for warning in build.notes()["warnings"])
