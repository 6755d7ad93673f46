import numpy as np
import pytest

from pipeline.mosaic.change import STRIP, Change, fitted

KINDS = np.array([[0.05, 0.08, 0.04, 0.45], [0.03, 0.05, 0.03, 0.22], [0.15, 0.12, 0.09, 0.25]])
AFTER = np.array([[0.19, 0.17, 0.10, 0.37], [0.03, 0.05, 0.03, 0.22], [0.06, 0.09, 0.04, 0.42]])


def ground(seed, count):
    """Kinds of cells, and their reflectance (4, n) on two dates with some noise."""
    rng = np.random.default_rng(seed)
    kinds = rng.integers(3, size=count)
    noise = rng.normal(0, 0.002, (2, 4, count))
    return (
        kinds,
        (KINDS[kinds].T + noise[0]).astype(np.float32),
        (AFTER[kinds].T + noise[1]).astype(np.float32),
    )


def learned(earlier, later):
    """The change learned where the two dates share all cells (4, n)."""
    shared = np.ones((1, later.shape[1]), bool)
    return Change.learned(earlier[:, None], later[:, None], shared)


def test_ground_is_led_to_what_its_like_became():
    _, later, earlier = ground(1, 20_000)
    change = learned(earlier, later)
    kinds, unseen, _ = ground(2, 500)
    assert np.abs(unseen + change.of(unseen) - AFTER[kinds].T).mean() < 0.004


def test_what_changed_by_itself_alone_has_no_say():
    _, later, earlier = ground(1, 20_000)
    missed = np.random.default_rng(3).random(20_000) < 0.1
    earlier[:, missed] = 0.5
    kinds, unseen, _ = ground(2, 500)
    led = unseen + learned(earlier, later).of(unseen)
    assert np.abs(led - AFTER[kinds].T).mean() < 0.005


def test_what_looks_like_nothing_known_stays_as_it_is():
    _, later, earlier = ground(1, 20_000)
    snow = np.full((4, 3), 0.9, np.float32)
    assert np.abs(learned(earlier, later).of(snow)).max() < 1e-3


def test_equal_dates_ask_for_no_change():
    _, later, _ = ground(1, 20_000)
    assert not learned(later, later).of(later).any()


def test_too_little_shared_ground_tells_nothing():
    _, later, earlier = ground(1, 200)
    assert learned(earlier, later) is None


def test_only_shared_cells_tell():
    _, later, earlier = ground(1, 20_000)
    shared = np.ones((1, 20_000), bool)
    shared[:, 10_000:] = False
    earlier[:, 10_000:] = np.nan
    assert np.isfinite(Change.learned(earlier[:, None], later[:, None], shared).of(later)).all()


def test_the_answer_for_a_cell_does_not_depend_on_the_others():
    _, later, earlier = ground(1, 20_000)
    change = learned(earlier, later)
    assert np.array_equal(change.of(later)[:, 100:200], change.of(later[:, 100:200]))


def test_led_by_strips_is_led_as_a_whole():
    _, later, earlier = ground(1, 3 * STRIP * 40)
    change, shape = learned(earlier, later), (3 * STRIP - 5, 40)
    values = later[:, : shape[0] * shape[1]].reshape(4, *shape)
    known = np.random.default_rng(4).random(shape) < 0.7
    known[: STRIP + 3] = False
    added = np.zeros_like(values)
    added[:, known] = change.of(values[:, known])
    lines = np.full((8, *shape), np.nan, np.float32)
    found = change.follow(values, known, lines)
    assert np.array_equal(lines, fitted(values, added, known))
    led = np.where(known, values * lines[:4] + lines[4:], np.float32(np.nan))
    assert np.array_equal(found, led, equal_nan=True)
    assert np.array_equal(np.isfinite(found).all(axis=0), known)


@pytest.fixture
def border():
    """Two fields that changed differently: values and steps (4, 40, 40), and where they are known."""
    values = np.repeat(KINDS[[0, 2]].T, 20, axis=1)[:, None, :].repeat(40, axis=1).astype(np.float32)
    after = np.repeat(AFTER[[0, 2]].T, 20, axis=1)[:, None, :].repeat(40, axis=1).astype(np.float32)
    return values, after - values, np.ones((40, 40), bool)


def test_a_line_follows_a_border_inside_a_cell(border):
    values, steps, known = border
    made = fitted(values, steps, known)
    half = values[:, :, 20]
    led = half * made[:4, :, 19] + made[4:, :, 19]
    assert np.allclose(led, (values + steps)[:, :, 20], atol=0.01)


def test_a_line_is_the_change_itself_on_even_ground(border):
    values, steps, known = border
    made = fitted(values, steps, known)
    assert np.allclose((values * made[:4] + made[4:])[:, :, :18], (values + steps)[:, :, :18], atol=1e-4)


def test_nothing_changes_where_nothing_is_known(border):
    values, steps, known = border
    known[:, 10:] = False
    values[:, :, 12:] = np.nan
    made = fitted(values, steps, known)
    assert np.all(made[:4, :, 11:] == 1) and not made[4:, :, 11:].any()
    assert np.isfinite(made).all()
