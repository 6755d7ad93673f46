import numpy as np
import pytest

from pipeline.balance import by_rows
from pipeline.grid import Tile
from pipeline.levelling import HOLD, System
from pipeline.overlaps import UNKNOWNS, Conditions


def conditions(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A matrix (4, 2 UNKNOWNS, 2 UNKNOWNS) without negative directions, and a right side."""
    rows = random.standard_normal((4, 30, 2 * UNKNOWNS))
    return rows.transpose(0, 2, 1) @ rows, random.standard_normal((4, 2 * UNKNOWNS))


@pytest.mark.parametrize(
    ("tiles", "pairs"), [(1, []), (2, [(0, 1)]), (2, [(1, 0)]), (5, [(0, 1), (3, 1), (2, 4), (4, 0), (2, 3)])]
)
def test_the_band_gives_the_solution_of_the_whole_matrix(tiles, pairs):
    random = np.random.default_rng(tiles)
    system = System(tiles, max((abs(one - other) for one, other in pairs), default=0))
    whole = np.zeros((4, tiles * UNKNOWNS, tiles * UNKNOWNS))
    side = np.zeros((4, tiles * UNKNOWNS))
    for tile in range(tiles):
        part = slice(UNKNOWNS * tile, UNKNOWNS * (tile + 1))
        whole[:, part, part] += HOLD
    for one, other in pairs:
        matrix, right = conditions(random)
        at = np.concatenate([np.arange(UNKNOWNS * tile, UNKNOWNS * (tile + 1)) for tile in (one, other)])
        whole[np.ix_(range(4), at, at)] += matrix
        side[:, at] += right
        system.add(one, other, Conditions.of(matrix, right))
    expected = np.linalg.solve(whole, side[..., None])[..., 0]
    np.testing.assert_allclose(system.solved(), expected.reshape(4, tiles, UNKNOWNS), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("name", ["33NVA", "33UXR", "01VCC", "60WWS", "33XVG"])
def test_tiles_of_a_pair_are_near_each_other_in_the_order_by_rows(name):
    middle = Tile.parse(name)
    order = by_rows([middle, *middle.ring(2)], middle.zone)
    place = {tile: position for position, tile in enumerate(order)}
    apart = [
        abs(place[tile] - place[other]) for tile in order for other in tile.neighbours() if other in place
    ]
    assert len(order) >= 20 and max(apart) <= 0.6 * len(order)
