import json

import numpy as np
import pytest
import rasterio
import shapely

from pipeline.__main__ import main
from pipeline.errors import SourceError
from pipeline.grid import Tile
from pipeline.raster import Raster, opened, write_raster
from pipeline.simulate.season import simulate
from pipeline.training.datasets import IGNORE
from pipeline.training.recipe.worldcover import WorldCover
from tests.pipeline.training.recipe.maps import CODE, grid, words_for, write_geojson, write_worldcover


def read(path):
    with opened(path) as dataset:
        return dataset.read(1)


def test_labels_agree_with_the_truth_and_cover_most_of_it(drawn, maps, tmp_path):
    scene, _ = drawn
    assert main(words_for(maps, tmp_path)) == 0
    labels = read(tmp_path / "labels.tif")
    known = labels != IGNORE
    assert known.mean() > 0.9
    assert (labels[known] == scene.classes[known]).mean() > 0.999
    for code in (2, 3, 4, 5, 6):
        assert (labels == code).sum() > 0.6 * (scene.classes == code).sum()


def test_reflectance_and_labels_lie_on_the_scenes_grid(drawn, maps, tmp_path):
    scene, geobox = drawn
    main(words_for(maps, tmp_path))
    with opened(tmp_path / "reflectance.tif") as bands, opened(tmp_path / "labels.tif") as labels:
        assert bands.transform == labels.transform == geobox.affine
        assert bands.crs == labels.crs == rasterio.CRS.from_epsg(geobox.crs.epsg)
        assert labels.nodata == IGNORE
        reflectance = bands.read() * bands.scales[0] + bands.offsets[0]
    assert np.allclose(reflectance, np.clip(scene.reflectance, 0, None), atol=6e-5)


def test_the_json_tells_sources_licences_place_and_what_became_of_the_pixels(maps, tmp_path, capsys):
    main(words_for(maps, tmp_path, place="Here", split="validation"))
    told = json.loads((tmp_path / "labels.json").read_text())
    assert (told["place"], told["split"], told["split_stated"]) == ("Here", "validation", True)
    assert told["sources"]["worldcover"]["year"] == 2021
    assert {"ODbL", "CC BY"} <= {
        word for text in told["licences"] for word in ("ODbL", "CC BY") if word in text
    }
    assert sum(told["labelled"].values()) + sum(told["left_out"].values()) == pytest.approx(1)
    assert "place Here, split validation" in capsys.readouterr().err


def test_a_raster_counts_to_the_tile_under_its_centre(drawn, maps, tmp_path):
    main(words_for(maps, tmp_path))
    told = json.loads((tmp_path / "labels.json").read_text())
    assert len(told["place"]) == 5


def test_other_years_are_refused_until_they_are_allowed(maps, tmp_path, capsys):
    assert main(words_for(maps, tmp_path, date="2023-07-01")) == 2
    assert "of 2021 and the scene scene of 2023" in capsys.readouterr().err
    assert main(words_for(maps, tmp_path, date="2023-07-01", other_years=2)) == 0
    assert "warning: The map is of 2021" in capsys.readouterr().err


def test_ground_that_maps_of_two_years_tell_apart_is_left_out(drawn, maps, tmp_path):
    scene, geobox = drawn
    codes = CODE[scene.classes]
    codes[:100, :100] = 60
    earlier = write_worldcover(tmp_path, geobox, codes, year=2020)
    words = words_for(maps, tmp_path)
    assert main([*words, "--worldcover", str(earlier)]) == 0
    labels = read(tmp_path / "labels.tif")
    before = scene.classes[:98, :98]
    assert (labels[:98, :98][before != 6] == IGNORE).all()
    assert (labels[110:, 110:] != IGNORE).mean() > 0.8


def test_cloud_of_the_given_mask_is_left_out(drawn, maps, tmp_path):
    _, geobox = drawn
    cloud = np.zeros((1, *geobox.shape.yx), np.uint8)
    cloud[0, 100:120, 100:120] = 1
    write_raster(tmp_path / "cloud.tif", Raster(cloud, geobox))
    assert main(words_for(maps, tmp_path, cloud=tmp_path / "cloud.tif")) == 0
    assert (read(tmp_path / "labels.tif")[92:128, 100:120] == IGNORE).all()


def test_without_a_mask_the_shipped_network_makes_one(maps, tmp_path):
    assert main(words_for(maps, tmp_path, cloud=None)) == 0
    told = json.loads((tmp_path / "labels.json").read_text())
    assert told["sources"]["cloud"].startswith("network cloud ")
    assert told["left_out"]["cloud and shadow"] < 0.2


@pytest.mark.parametrize(
    ("changed", "status", "words"),
    [
        ({"date": None}, 2, "Say with --date"),
        ({"date": "yesterday"}, 2, "yesterday"),
        ({"purity": 0.2}, 2, "purity"),
        ({"border": -1}, 2, "border"),
        ({"resolution": 20}, 2, "--resolution"),
        ({"resolution": 7}, 2, "7 m does not divide"),
        ({"resolution": 0}, 2, "0 m does not divide"),
        ({"worldcover": "gone.tif"}, 2, "tells no year"),
        ({"worldcover": "ESA_WorldCover_10m_2021_v200_gone.tif"}, 1, "gone.tif"),
        ({"osm": "gone.osm"}, 1, "gone.osm"),
        ({"scene": "gone.tif"}, 1, "gone.tif"),
    ],
)
def test_what_cannot_be_used_is_told(maps, tmp_path, capsys, changed, status, words):
    assert main(words_for(maps, tmp_path, **changed)) == status
    told = capsys.readouterr().err
    assert words in told
    assert not (tmp_path / "labels.tif").exists()


def test_an_osm_file_of_elsewhere_is_told(maps, tmp_path, capsys):
    far = write_geojson(tmp_path / "far.geojson", [({"landuse": "retail"}, shapely.box(-60, -30, -59, -29))])
    assert main(words_for(maps, tmp_path, osm=far)) == 1
    assert "on the scene's ground" in capsys.readouterr().err


def test_a_map_of_other_codes_is_no_worldcover(maps, tmp_path, capsys):
    geobox = grid()
    other = write_worldcover(tmp_path, geobox, np.full((64, 64), 7, np.uint8))
    with WorldCover([other]) as cover, pytest.raises(SourceError, match="holds the code 7"):
        cover.read(geobox, 2021)


@pytest.mark.parametrize("form", ["safe", "stac"])
def test_a_safe_product_and_a_stac_item_can_be_labelled(tmp_path, form):
    simulate(tmp_path / "scenes", ["33TWL"], 1, resolution=600, seed=8001, format=form, workers=1)
    scene = next((tmp_path / "scenes").rglob("*.SAFE" if form == "safe" else "S2*.json"))
    geobox = Tile.parse("33TWL").geobox(600)
    cover = write_worldcover(tmp_path, geobox, np.full(geobox.shape.yx, 30, np.uint8), year=2023)
    town = write_geojson(
        tmp_path / "town.geojson", [({"landuse": "retail"}, shapely.box(15.2, 45.5, 15.3, 45.6))]
    )
    write_raster(tmp_path / "clear.tif", Raster(np.zeros((1, *geobox.shape.yx), np.uint8), geobox))
    words = ["labels", "--scene", scene, "--worldcover", cover, "--osm", town, "--out", tmp_path / "out"]
    words += ["--cloud", tmp_path / "clear.tif"]
    assert main([str(word) for word in words]) == 0
    told = json.loads((tmp_path / "out" / "labels.json").read_text())
    assert told["place"] == "33TWL"
    assert told["labelled"]["grass"] > 0.2
    assert told["scene"]["level"] == "L2A"
