import numpy as np
import pytest

from pipeline.evidence import CLEAR, DOUBTFUL, HOLE
from pipeline.mosaic.assembly import Assembly, Offsets
from pipeline.sketch import CellGrid

SHAPE = (183, 183)


@pytest.fixture
def assembly(tmp_path, tile):
    return Assembly(CellGrid.of(tile.geobox(600)), Offsets(tmp_path))


def flat(value):
    return np.full((4, *SHAPE), value, np.float32)


def seen_from(column, level=DOUBTFUL):
    """A scene that is `level` from a column on, and a hole before it."""
    found = np.full(SHAPE, level, np.uint8)
    found[:, :column] = HOLE
    return found


def test_doubtful_ground_is_shown_by_the_scene_that_is_furthest_from_its_own_cloud(assembly):
    assembly.fill(1, flat(0.1), seen_from(80), DOUBTFUL)
    assembly.fill(2, flat(0.2), seen_from(100)[:, ::-1], DOUBTFUL)
    assert np.all(assembly.rank[:, :80] == 2) and np.all(assembly.rank[:, 83:] == 1)
    assert np.all(assembly.rank[:, 80] == 2) and np.all(assembly.rank[:, 82] == 1)
    assert np.all(assembly.level == DOUBTFUL)


def test_of_two_scenes_that_are_as_doubtful_the_first_is_shown(assembly):
    for rank in (1, 2):
        assembly.fill(rank, flat(rank / 10), seen_from(80), DOUBTFUL)
    assert np.all(assembly.rank[:, 80:] == 1) and not assembly.rank[:, :80].any()


def test_doubtful_ground_never_takes_the_place_of_clear_ground(assembly):
    assembly.lay_clear(1, flat(0.1), seen_from(80, CLEAR))
    assembly.fill(2, flat(0.2), seen_from(0), DOUBTFUL)
    assert np.all(assembly.rank[:, 80:] == 1) and np.all(assembly.level[:, 80:] == CLEAR)
    assert np.all(assembly.rank[:, :80] == 2)


def test_the_ground_of_a_further_scene_is_led_to_what_it_was_on_the_first_date(assembly):
    rng = np.random.default_rng(1)
    dry = rng.random(SHAPE) < 0.5
    first = flat(0.05) + rng.normal(0, 0.001, (4, *SHAPE)).astype(np.float32)
    second = first + 0.1 * dry
    assembly.lay_clear(1, first, seen_from(40, CLEAR))
    assembly.lay_clear(2, second, np.full(SHAPE, CLEAR, np.uint8))
    shown = assembly.values[:, :, 2:30]
    assert np.all(assembly.rank[:, 2:30] == 2)
    assert np.abs(shown - first[:, :, 2:30]).max() < 0.02 and np.abs(shown - first[:, :, 2:30]).mean() < 0.002
