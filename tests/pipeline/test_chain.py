"""The four stages in a row on simulated scenes, held against their truth."""

import json
import shutil
from datetime import date

import numpy as np
import pystac
import pytest
import rasterio

from pipeline import chain, several
from pipeline.__main__ import main
from pipeline.assessment.tiles import assess_tiles
from pipeline.build import WORK, Build, begin
from pipeline.errors import ModelError, NoScenes, SourceError, UsageError
from pipeline.grid import Tile
from pipeline.raster import decode, read_raster
from pipeline.settings import CampaignSettings
from pipeline.simulate import simulate
from pipeline.storage import write_json
from tests.weights import write_own

TILES = ("33UVR", "33UWR")
SETTINGS = CampaignSettings(date(2023, 6, 1), date(2023, 8, 31), max_cloud=90, resolution=60)
PRODUCTS = ["scene_list.json", "composite.tif", "provenance.tif", "probabilities.tif"]
PRODUCTS += ["mosaic.tif", "landcover.tif", "confidence.tif", "report.json", "item.json"]


@pytest.fixture(scope="module")
def season(tmp_path_factory):
    """Two tiles, four dates, of a seed that no network saw."""
    out = tmp_path_factory.mktemp("season")
    catalog = simulate(out, TILES, 4, 60, 9001, "stac", start=SETTINGS.start, end=SETTINGS.end, workers=2)
    return out, str(catalog)


@pytest.fixture(scope="module")
def products(season, tmp_path_factory):
    out = tmp_path_factory.mktemp("products")
    tiles = [Tile.parse(name) for name in TILES]
    reports = several.run(season[1], tiles, SETTINGS, out)
    return out, reports


def overlap(out, product):
    first, second = Tile.parse(TILES[0]), Tile.parse(TILES[1])
    pixels = (first.overlap(second)[2] - first.overlap(second)[0]) // 60
    left, right = (read_raster(out / name / product).data for name in TILES)
    return left[:, :, -pixels:], right[:, :, :pixels]


@pytest.mark.parametrize("product", ["mosaic.tif", "landcover.tif", "confidence.tif"])
def test_neighbours_agree_to_the_bit_on_their_overlap(products, product):
    left, right = overlap(products[0], product)
    assert left.shape[2] > 150 and len(np.unique(left)) > 3
    assert (left == right).all()


def test_every_product_of_the_design_is_there(products):
    out, reports = products
    for name in TILES:
        for product in PRODUCTS:
            assert (out / name / product).exists(), product
        for scene in reports[name]["scenes"]:
            for product in ("image.tif", "cloud.tif"):
                assert (out / name / "scenes" / scene / product).exists()
        for scene in reports[name]["series"]:
            assert (out / name / "scenes" / scene / "classes.tif").exists()


def test_the_report_has_what_the_design_promises(products):
    for report in products[1].values():
        promised = "coverage residual_cloud seam_score bytes_fetched peak_memory_mib seconds models warnings"
        assert set(promised.split()) <= set(report)
        assert report["coverage"] > 0.99
        assert {"scene_list", "imagery", "mosaic", "landcover", "blend"} <= set(report["seconds"])
        assert 0.95 <= report["seam_score"] <= 1.05


def test_no_seam_is_seen_where_the_tiles_take_turns(products):
    found = assess_tiles(products[0], zooms=[])["full"]
    low, high = found["seam_score_95"]
    assert 0.95 <= low <= high <= 1.05
    assert found["blur_95"][0] >= 0.9 and found["step_median"] <= 1


def test_the_item_is_a_stac_item_whose_assets_are_there(products):
    for name in TILES:
        item = pystac.Item.from_file(str(products[0] / name / "item.json"))
        for asset in item.assets.values():
            assert (products[0] / name / asset.href).exists(), asset.href


def test_the_composite_shows_the_clear_surface(products, season):
    for name in TILES:
        made = decode(read_raster(products[0] / name / "composite.tif").data)
        scenes = json.loads((products[0] / name / "scene_list.json").read_text())["scenes"]
        first = next(scene for scene in scenes if scene["rank"] == 1)
        truth = decode(read_raster(clear_truth(season[0], name, first["datetime"])).data)
        error = np.abs(made - truth)[:3]
        assert np.nanmedian(error) < 0.03
        assert np.nanmean(error > 0.15) < 0.01


def test_cloud_masks_and_landcover_hold_against_the_truth_of_an_unseen_seed(products, season):
    hits, confusion = np.zeros(3), np.zeros((7, 7))
    for name in TILES:
        for scene in products[1][name]["series"]:
            mask = read_raster(products[0] / name / "scenes" / scene / "cloud.tif").data[0]
            truth = read_raster(cloud_truth(season[0], name, scene)).data[0]
            known = (mask != 255) & (truth != 255)
            hits += [
                ((mask == 1) & (truth == 1) & known).sum(),
                ((mask == 1) & (truth != 1) & known).sum(),
                ((mask != 1) & (truth == 1) & known).sum(),
            ]
        classes = read_raster(products[0] / name / "landcover.tif").data[0]
        truth = read_raster(season[0] / "truth" / name / "classes.tif").data[0]
        confusion += np.bincount((truth.astype(int) * 7 + classes).ravel(), minlength=49).reshape(7, 7)
    true_positive, false_positive, false_negative = hits
    assert 2 * true_positive / (2 * true_positive + false_positive + false_negative) >= 0.85
    diagonal = np.diag(confusion)[1:]
    union = confusion[1:].sum(axis=1) + confusion[:, 1:].sum(axis=0) - diagonal
    assert (diagonal / union).mean() >= 0.6


def test_a_run_with_products_there_asks_for_resume_and_then_changes_nothing(products, season):
    out, _ = products
    tiles = [Tile.parse(name) for name in TILES]
    with pytest.raises(UsageError, match="--resume"):
        several.run(season[1], tiles, SETTINGS, out)
    with pytest.raises(UsageError, match="other settings"):
        other = CampaignSettings(SETTINGS.start, SETTINGS.end, max_cloud=50, resolution=60)
        several.run(season[1], tiles, other, out, resume=True)


@pytest.mark.parametrize(
    "step, product", {"composite": "composite.tif", "landcover": "probabilities.tif"}.items()
)
def test_a_step_that_was_killed_before_it_kept_its_figures_is_done_again(products, tmp_path, step, product):
    folder = tmp_path / TILES[0]
    shutil.copytree(products[0] / TILES[0], folder)
    build = Build(Tile.parse(TILES[0]), SETTINGS, folder)
    notes, before = build.notes(), (folder / product).read_bytes()
    figures = notes.pop(step)
    write_json(folder / WORK, notes)
    (folder / product).write_bytes(before[: len(before) // 2])
    {"composite": chain.compose, "landcover": chain.classify}[step](build)
    assert build.notes()[step] == figures
    assert (folder / product).read_bytes() == before


def test_a_campaign_is_built_with_weights_of_its_own(season, products, tmp_path):
    models = ["--models", str(tmp_path / "models")]
    for name, said in (("buildings", "industrial"), ("vegetation", "other")):
        write_own(tmp_path / "own", name, said)
        assert main(["register", name, str(tmp_path / "own"), *models]) == 0
    pins = ["--network", "buildings=7.0.0", "--network", "vegetation=7.0.0"]
    asked = ["--start", "2023-06-01", "--end", "2023-08-31", "--max-cloud", "90", "--resolution", "60"]
    asked += ["--catalog", season[1], "--tile", "33UVR", "--series", "1", "--out", str(tmp_path / "out")]
    assert main(["run", *asked, *models, *pins]) == 0
    report = json.loads((tmp_path / "out/33UVR/report.json").read_text())
    assert report["models"]["buildings"] == "7.0.0" and report["models"] != products[1]["33UVR"]["models"]
    assert report["weights"]["buildings"] in report["settings"]["networks"]["buildings"]
    classes = read_raster(tmp_path / "out/33UVR/landcover.tif").data
    usual = read_raster(products[0] / "33UVR/landcover.tif").data
    assert (classes[classes > 0] == 5).mean() > 0.95 > 0.5 > (usual[usual > 0] == 5).mean()
    assert main(["run", *asked, *models, "--resume"]) == 2


def test_no_candidate_is_told_with_tile_dates_and_catalog(season, tmp_path, capsys):
    wrong = ["--start", "2019-01-01", "--end", "2019-02-01", "--resolution", "60", "--out", str(tmp_path)]
    assert main(["run", "--catalog", season[1], "--tile", "33UVR", *wrong]) == 1
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said.startswith("error: No scene of 33UVR from 2019-01-01 to 2019-02-01")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["--tile", "99XXX"], "'99XXX' is no tile"),
        (["--tile", "33UVR", "--start", "2023-09-01"], "lies before the start date"),
        (["--tile", "33UVR", "--end", "soon"], "'soon' is no date"),
        (["--aoi", "nowhere.json"], "nowhere.json cannot be read"),
        ([], "Name at least one --tile"),
    ],
)
def test_wrong_use_ends_with_one_sentence_and_status_2(season, tmp_path, capsys, wrong, said):
    common = ["--start", "2023-06-01", "--end", "2023-08-31", "--out", str(tmp_path / "out")]
    assert main(["run", "--catalog", season[1], *common, *wrong]) == 2
    told = capsys.readouterr().err.strip().splitlines()
    assert len(told) == 1 and said in told[0]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "step", [lambda build: chain.make_scene_list(build, "nowhere"), chain.mask, chain.classify]
)
def test_a_build_fails_whose_network_is_pinned_at_another_version(tmp_path, step):
    settings = CampaignSettings(date(2023, 8, 1), date(2023, 8, 31), networks={"cloud": "1"})
    with pytest.raises(ModelError, match="cloud is pinned at 1, but"):
        step(Build(Tile.parse("33TWL"), settings, tmp_path))


def test_a_broken_scene_is_set_aside_and_told_and_the_tile_goes_on(season, products, tmp_path):
    copy = tmp_path / "season"
    shutil.copytree(season[0], copy, ignore=shutil.ignore_patterns("truth"))
    first = products[1]["33UVR"]["scenes"][0]
    red = next(
        path for path in copy.rglob("*.tif") if path.parent.name == first and path.stem in ("red", "B04")
    )
    red.write_bytes(red.read_bytes()[: red.stat().st_size // 3])
    build = begin(Tile.parse("33UVR"), SETTINGS, tmp_path / "out", str(copy), resume=False)
    chain.make_scene_list(build, str(copy / "catalog.json"))
    there = chain.fetch(build)
    assert first not in there and there
    assert any(first in warning for warning in build.notes()["warnings"])


def test_a_tile_whose_scenes_are_all_broken_fails_with_the_reason(season, tmp_path):
    copy = tmp_path / "season"
    shutil.copytree(season[0], copy, ignore=shutil.ignore_patterns("truth"))
    for path in copy.rglob("*.tif"):
        path.write_bytes(path.read_bytes()[:2000])
    build = begin(Tile.parse("33UVR"), SETTINGS, tmp_path / "out", str(copy), resume=False)
    with pytest.raises((SourceError, NoScenes)):
        chain.make_scene_list(build, str(copy / "catalog.json"))
        chain.fetch(build)


def test_all_clouds_is_told_and_the_candidates_are_kept(season, tmp_path):
    build = Build(Tile.parse("33UVR"), SETTINGS, tmp_path)
    begin(build.tile, SETTINGS, tmp_path, season[1], resume=False)
    everything = [
        scene.id for scene in chain.open_catalog(season[1]).search("33UVR", SETTINGS.start, SETTINGS.end, 100)
    ]
    with pytest.raises(NoScenes):
        chain.make_scene_list(build, season[1], overrides={"exclude": everything})
    kept = json.loads((tmp_path / "scene_list.json").read_text())
    assert len(kept["scenes"]) >= 3 and not any(scene["chosen"] for scene in kept["scenes"])


def cloud_truth(season, tile, scene):
    """The truth's cloud mask of a scene, whose date stands in its id."""
    day = scene.split("_")[2][:8] if "MSI" in scene else scene.split("_")[2]
    found = [
        path for path in (season / "truth" / tile).rglob("cloud*.tif") if day in str(path).replace("-", "")
    ]
    assert len(found) == 1, (scene, found)
    return found[0]


def clear_truth(season, tile, moment):
    day = moment[:10].replace("-", "")
    found = [
        path for path in (season / "truth" / tile).rglob("clear*.tif") if day in str(path).replace("-", "")
    ]
    assert len(found) == 1, (moment, found)
    return found[0]


def test_products_are_georeferenced_cogs(products):
    for product in ("mosaic.tif", "landcover.tif", "confidence.tif"):
        with rasterio.open(products[0] / "33UVR" / product) as dataset:
            assert dataset.crs.to_epsg() == 32633 and dataset.shape == (1830, 1830)
            assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG" and dataset.overviews(1)


def test_scenes_of_level_1c_in_safe_folders_are_chosen_and_fetched(tmp_path, capsys):
    dates = {"start": SETTINGS.start, "end": SETTINGS.end}
    simulate(tmp_path / "safe", ["33UVR"], 4, 60, 9003, "safe", level="L1C", workers=1, **dates)
    common = [
        "--catalog",
        str(tmp_path / "safe"),
        "--tile",
        "33UVR",
        "--resolution",
        "60",
        "--max-cloud",
        "95",
    ]
    common += ["--start", "2023-06-01", "--end", "2023-08-31"]
    assert main(["scene-list", *common, "--level", "L1C", "--out", str(tmp_path / "out")]) == 0
    scenes = json.loads((tmp_path / "out" / "33UVR" / "scene_list.json").read_text())["scenes"]
    truth = json.loads((tmp_path / "safe" / "truth" / "33UVR" / "truth.json").read_text())["scenes"]
    assert {scene["id"]: scene["hazy"] for scene in scenes} == {one["id"]: one["hazy"] for one in truth}
    build = begin(
        Tile.parse("33UVR"),
        CampaignSettings(date(2023, 6, 1), date(2023, 8, 31), max_cloud=95, resolution=60, level="L1C"),
        tmp_path / "out" / "33UVR",
        str(tmp_path / "safe"),
        resume=True,
    )
    assert len(chain.fetch(build)) >= 2
    capsys.readouterr()
    assert main(["scene-list", *common, "--level", "L2A", "--out", str(tmp_path / "other")]) == 1
    assert "4 products were no candidates" in capsys.readouterr().err


def lists_of(command, catalog, out, *flags):
    """What a command chooses, by tile: ids by rank, and what the proof says."""
    asked = [
        command,
        "--catalog",
        catalog,
        "--start",
        "2023-06-01",
        "--end",
        "2023-08-31",
        "--max-cloud",
        "90",
    ]
    tiles = [word for name in TILES for word in ("--tile", name)]
    assert main([*asked, *tiles, "--resolution", "60", "--out", str(out), *flags]) == 0
    stored = {name: json.loads((out / name / "scene_list.json").read_text()) for name in TILES}
    chosen = {
        name: sorted((one["rank"], one["id"]) for one in listed["scenes"] if one["chosen"])
        for name, listed in stored.items()
    }
    return chosen, {listed["proof"]["method"] for listed in stored.values()}


@pytest.mark.parametrize(("flags", "method"), [(["--agree-datatakes"], "region"), ([], "count")])
def test_stage_1_alone_makes_the_lists_of_a_run(season, tmp_path, monkeypatch, capsys, flags, method):
    alone = lists_of("scene-list", season[1], tmp_path / "alone", *flags)
    printed = capsys.readouterr().out
    monkeypatch.setattr(chain, "build_tile", lambda build, catalog, tell: {})
    monkeypatch.setattr(chain, "revise", lambda *_: {"scenes": [], "coverage": 1.0, "warnings": []})
    assert lists_of("run", season[1], tmp_path / "run", *flags) == alone
    assert alone[1] == {method}
    assert printed == "".join(
        f"{name}: {', '.join(one for _, one in chosen)}\n" for name, chosen in alone[0].items()
    )


def test_stage_1_alone_leaves_out_tiles_without_scenes(season, tmp_path, capsys, caplog):
    asked = ["scene-list", "--catalog", season[1], "--tile", TILES[0], "--tile", "33UXR"]
    dates = ["--start", "2023-06-01", "--end", "2023-08-31", "--max-cloud", "90", "--resolution", "60"]
    assert main([*asked, *dates, "--out", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith(TILES[0]) and "33UXR is left out" in caplog.text
