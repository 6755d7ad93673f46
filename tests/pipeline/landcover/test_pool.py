import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import landcover
from pipeline.errors import UsageError
from pipeline.landcover.pool import FITTED, DatePool, Fusion, fitted, kinds_of, read_fusion
from pipeline.networks import TOGETHER, Store

SHAPE = (4, 5)
PLAIN = Fusion(doubtful=0.3)
GRASS, TREE = (0, 204, 51, 0, 0, 0), (0, 26, 229, 0, 0, 0)
NOTHING, CLEAR, DOUBTFUL, SHADED, CLOUDED = range(5)


def pool(*dates, fusion=PLAIN):
    """Pool dates that are alike everywhere: stored shares, kind of view, and haze and days where given."""
    found = DatePool(SHAPE, fusion)
    for shares, kind, *rest in dates:
        stored = np.array(shares, np.uint8)[:, None, None] * np.ones((1, *SHAPE), np.uint8)
        found.add(stored, np.full(SHAPE, kind, np.uint8), *rest)
    values, seen = found.result()
    np.testing.assert_allclose(values.sum(axis=0), 1, rtol=1e-5)
    return values[:, 0, 0], seen.all()


def test_dates_that_agree_keep_their_confidence_without_growth():
    values, seen = pool((GRASS, CLEAR), (GRASS, CLEAR), (GRASS, CLEAR))
    assert seen
    assert values[1] == pytest.approx(0.8, abs=0.01)


def test_with_full_growth_clear_dates_are_independent_of_each_other():
    values, _ = pool((GRASS, CLEAR), (TREE, CLEAR), fusion=dataclasses.replace(PLAIN, growth=1.0))
    shares = np.maximum(np.array([GRASS, TREE]), 0.5).prod(axis=0)
    np.testing.assert_allclose(values, shares / shares.sum(), atol=1e-4)


@pytest.mark.parametrize("kind", [DOUBTFUL, SHADED, CLOUDED])
def test_what_a_view_counts_is_the_weight_of_its_kind(kind):
    fusion = Fusion(doubtful=0.4, shadow=0.3, cloud=0.2)
    weight = (0, 1, 0.4, 0.3, 0.2)[kind]
    values, _ = pool((GRASS, CLEAR), (TREE, kind), fusion=fusion)
    shares = np.maximum(np.array([GRASS, TREE]) / 255, 0.5 / 255)
    expected = np.exp((np.log(shares) * [[1], [weight]]).sum(axis=0) / (1 + weight))
    np.testing.assert_allclose(values, expected / expected.sum(), atol=1e-4)


def test_ground_that_all_dates_show_clouded_or_shaded_is_not_seen():
    fusion = Fusion(doubtful=0.3, shadow=0.3, cloud=0.3)
    assert not pool((GRASS, CLOUDED), (GRASS, SHADED), (GRASS, NOTHING), fusion=fusion)[1]
    assert pool((GRASS, CLOUDED), (GRASS, DOUBTFUL), fusion=fusion)[1]


def test_a_hazy_date_counts_less_and_its_score_says_how_much():
    fusion = dataclasses.replace(PLAIN, haze=0.2)
    shares = [pool((GRASS, CLEAR), (TREE, CLEAR, haze), fusion=fusion)[0][1] for haze in (0, 0.5, 1)]
    assert shares[0] < shares[1] < shares[2]
    fifth = dataclasses.replace(PLAIN, doubtful=0.2)
    assert shares[2] == pytest.approx(pool((GRASS, CLEAR), (TREE, DOUBTFUL), fusion=fifth)[0][1], abs=1e-5)


def test_a_date_far_from_the_target_is_believed_less():
    fusion = dataclasses.replace(PLAIN, change=0.5)
    near, far = (pool((GRASS, CLEAR), (TREE, CLEAR, 0.0, days), fusion=fusion)[0][1] for days in (0, 300))
    assert near < far
    alone = pool((TREE, CLEAR, 0.0, 365.25), fusion=fusion)[0]
    assert alone[2] == pytest.approx(229 / 255 * np.exp(-0.5) + (1 - np.exp(-0.5)) / 6, abs=0.005)


weight = st.floats(0.05, 2)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**30), weight, weight, weight, st.floats(0, 0.3), weight, st.floats(0, 1))
def test_the_pool_is_the_model(seed, doubtful, cloud, haze, doubt, change, growth):
    fusion = Fusion(doubtful, 0.1, cloud, haze, doubt, change, 1.2, growth)
    rng = np.random.default_rng(seed)
    stored = rng.integers(0, 256, (3, 6, *SHAPE)).astype(np.uint8)
    stored[rng.random((3, 1, *SHAPE)).repeat(6, 1) < 0.2] = 0
    kinds = rng.integers(0, 5, (3, *SHAPE)).astype(np.uint8)
    scores, days = rng.random(3), rng.integers(0, 400, 3)
    found = DatePool(SHAPE, fusion)
    for item in zip(stored, kinds, scores, days, strict=True):
        found.add(*item)
    values, seen = found.result()

    a = np.array([0, 1, doubtful, 0.1, cloud])[kinds] * stored.any(axis=1)
    e = a * (1 - scores + scores * haze)[:, None, None]
    u = 1 - (1 - doubt) * np.exp(-change * days / 365.25)[:, None, None, None]
    q = (1 - u) * np.maximum(stored, 0.5) / 255 + u / 6
    total = e.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = 1.2 * total**growth * (e[:, None] * np.log(q)).sum(axis=0) / total
    expected = np.exp(logs - logs.max(axis=0))
    np.testing.assert_allclose(
        values[:, total > 0], (expected / expected.sum(axis=0))[:, total > 0], atol=1e-4
    )
    assert np.array_equal(
        seen, ((kinds == CLEAR) | (kinds == DOUBTFUL)).any(axis=0, where=stored.any(axis=1))
    )


def test_the_order_of_dates_does_not_matter():
    first, _ = pool((GRASS, CLEAR), (TREE, DOUBTFUL))
    second, _ = pool((TREE, DOUBTFUL), (GRASS, CLEAR))
    np.testing.assert_allclose(first, second, rtol=1e-5)


def test_kinds_of_views_follow_the_mask_and_its_margin():
    cloud = np.zeros((1, 9), np.uint8)
    cloud[0, [3, 7, 8]] = 1, 2, 255
    assert kinds_of(cloud, 1).tolist() == [
        [CLEAR, CLEAR, DOUBTFUL, CLOUDED, DOUBTFUL, CLEAR, DOUBTFUL, SHADED, 0]
    ]


def test_the_weights_that_ship_tell_the_command_that_fitted_them():
    told = json.loads(FITTED.read_text())
    assert told["command"].startswith("python -m pipeline fit-fusion --seeds 8000-")
    assert fitted() == Fusion(**told["weights"])
    assert told["after"]["cross_entropy"] <= told["before"]["cross_entropy"]


def test_every_fitted_fusion_was_fitted_to_the_networks_that_ship():
    found = list(Path(landcover.__file__).parents[1].rglob("fusion.json"))
    assert FITTED in found
    for path in found:
        fitted_to = json.loads(path.read_text())["networks"]
        assert set(fitted_to) == {"cloud", *TOGETHER}
        assert fitted_to == {name: Store().shipped(name).card.version for name in fitted_to}, path


@pytest.mark.parametrize(
    "text", ["", "{}", '{"weights": {"doubtful": 1}}', '{"weights": {"doubtful": "much"}}']
)
def test_broken_weights_are_refused(tmp_path, text):
    path = tmp_path / "fusion.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"fusion\.json cannot be read"):
        read_fusion(path)
