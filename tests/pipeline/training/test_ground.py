"""Real ground with doubt left out, and simulated ground under bare ground."""

import datetime as dt

import numpy as np
import pytest

from pipeline.errors import UsageError
from pipeline.grid import Tile
from pipeline.training.datasets import CLAIMED, IGNORE
from pipeline.training.datasets.alpine import HELD_OUT_NORTH, RealScene
from pipeline.training.datasets.alpine_ground import AlpineGround, ground_labels, sure_ground
from pipeline.training.datasets.bare import BARREN, COLOURS, laid_bare
from pipeline.training.datasets.drawing import draw, square, world_of
from pipeline.training.datasets.simulated import OPEN_RESOLUTIONS, SimulatedCrops, cache_folder, write_seed

MEADOW = (0.04, 0.08, 0.04, 0.40)
SOIL = (0.17, 0.13, 0.09, 0.25)
ROOFS = (0.16, 0.15, 0.14, 0.20)
LAKE = (0.02, 0.03, 0.03, 0.01)
FIELD, TOWN, WATER = (
    (slice(5, 12), slice(5, 12)),
    (slice(20, 40), slice(20, 40)),
    (slice(0, 6), slice(30, 40)),
)


@pytest.fixture
def scene():
    """A meadow with a bare field, a town and a lake, all but the lake's pixels a little different."""
    rng = np.random.default_rng(0)
    reflectance = np.broadcast_to(np.array(MEADOW)[:, None, None], (4, 48, 48)).copy()
    scl = np.full((48, 48), 4, np.uint8)
    for window, colour, code in ((FIELD, SOIL, 5), (TOWN, ROOFS, 5), (WATER, LAKE, 6)):
        reflectance[:, *window] = np.array(colour)[:, None, None]
        scl[window] = code
    reflectance[:, *TOWN] *= rng.uniform(0.5, 2, (20, 20))
    return reflectance.astype(np.float32), scl


def test_bare_fields_are_told_from_towns(scene):
    labels = ground_labels("buildings", sure_ground(*scene))
    assert (labels[6:11, 6:11] == 0).all()
    assert (labels[24:36, 24:36] == CLAIMED).all()
    assert (labels[1:5, 31:39] == 0).all()
    assert (labels[44:, :10] == 0).all()


def test_plants_are_of_some_kind_and_soil_and_towns_are_none(scene):
    labels = ground_labels("vegetation", sure_ground(*scene))
    assert (labels[44:, :10] == CLAIMED).all()
    for inside in (
        (slice(6, 11), slice(6, 11)),
        (slice(24, 36), slice(24, 36)),
        (slice(1, 5), slice(31, 39)),
    ):
        assert (labels[inside] == 0).all()


def test_ground_at_the_edge_of_a_town_and_faded_plants_are_left_out(scene):
    reflectance, scl = scene
    reflectance[3, 44:, 40:] = 0.06
    labels = ground_labels("buildings", sure_ground(reflectance, scl))
    assert (labels[20:40, 40] == IGNORE).all()
    assert (labels[44:, 40:] == IGNORE).all()


def test_a_field_inside_a_town_is_in_doubt(scene):
    reflectance, scl = scene
    reflectance[:, 28:32, 28:32] = np.array(SOIL)[:, None, None]
    assert not sure_ground(reflectance, scl).soil[28:32, 28:32].any()


def test_pixels_without_data_have_no_label(scene):
    reflectance, scl = scene
    reflectance[0, :, 10:25] = np.nan
    labels = ground_labels("vegetation", sure_ground(reflectance, scl))
    assert (labels[:, 10:25] == IGNORE).all()


def test_ground_tells_nothing_of_clouds(scene):
    with pytest.raises(UsageError, match="cloud"):
        ground_labels("cloud", sure_ground(*scene))


@pytest.fixture
def alpine(scene):
    """The scene as both tiles; of 33TWM the upper half is kept for tests, and there is water only there."""
    reflectance, scl = scene
    top = HELD_OUT_NORTH + 24 * 120
    return [
        RealScene("S2B_33TWM_20230813", reflectance, scl, top, 120.0),
        RealScene("S2B_33TWL_20230813", reflectance * np.float32(1.01), scl, HELD_OUT_NORTH, 120.0),
    ]


def test_crops_of_real_ground_never_show_the_part_kept_for_tests(alpine):
    crops = AlpineGround(alpine[:1], "buildings", 16)
    assert [part.labels.shape for part in crops.parts] == [(24, 48)]


def test_half_of_the_crops_of_real_ground_hold_what_is_rare(alpine):
    crops = AlpineGround(alpine[1:], "buildings", 16)
    kinds = [np.unique(crops.sample(np.random.default_rng(seed)).labels) for seed in range(60)]
    assert sum(CLAIMED in found for found in kinds) > 15
    assert all(crops.sample(np.random.default_rng(seed)).labels.shape == (16, 16) for seed in range(6))


def ground_of(seed, resolution=60):
    world = world_of(seed)
    return world, square(Tile.parse(world.reference_tile), resolution, 64, 0.5, 0.5)


def test_bare_ground_is_told_and_the_rest_stays_as_it_was():
    world, geobox = ground_of(8003)
    weather = {"cloud_cover": 0.0, "hazy": False}
    plain = draw(world, geobox, dt.date(2023, 7, 1), **weather)
    seen = set()
    for day in range(1, 9):
        bare = draw(world, geobox, dt.date(2023, 7, day), **weather, ground="bare")
        laid = bare.classes == BARREN
        kept = (bare.classes != 0) & ~laid
        assert np.array_equal(bare.classes[kept], plain.classes[kept])
        seen.add(bool((laid | (bare.classes == 0)).all()))
    assert seen == {True, False}


def test_bare_ground_has_the_colours_of_bare_ground():
    world, geobox = ground_of(8003)
    scene = draw(world, geobox, dt.date(2023, 7, 1), cloud_cover=0, hazy=False)

    class Clear:
        clear, classes = np.zeros_like(scene.reflectance), np.ones_like(scene.classes)

    low, high = COLOURS.min(axis=0), COLOURS.max(axis=0)
    for seed in range(6):
        clear, classes = laid_bare(Clear, world.places(geobox), np.random.default_rng(seed))
        found = clear[:, classes == BARREN]
        assert (found.mean(axis=1) > 0.6 * low).all()
        assert (found.mean(axis=1) < 1.6 * high).all()
        assert (clear[:, classes == 1] < 0.1 * high.max() * 1.6).all()


def test_open_crops_hold_bare_ground_as_other(tmp_path, monkeypatch):
    monkeypatch.setattr("pipeline.training.datasets.simulated.CROPS_PER_SEED", 8)
    folder = cache_folder(tmp_path, "open", 32)
    folder.mkdir()
    write_seed(2, folder, "open", 32)
    with np.load(folder / "2.npz") as arrays:
        bare = (arrays["classes"] == BARREN).mean(axis=(1, 2))
    assert (bare > 0.9).any()
    for name in ("water", "vegetation", "buildings"):
        labels = np.stack(SimulatedCrops(tmp_path, [2], name, 32, "open").labels)
        assert (labels[bare > 0.9] != 0).mean() < 0.2
    assert max(OPEN_RESOLUTIONS) == 120
