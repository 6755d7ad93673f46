"""The weights that ship keep what docs/models.md says of them, on ground that none was trained on."""

from pathlib import Path

import pytest

from pipeline.networks.registry import WEIGHTS
from pipeline.training.datasets.eurosat import ARCHIVE
from pipeline.training.evaluate import on_seeds
from pipeline.training.judge import judge_of
from pipeline.training.patches import on_patches
from pipeline.training.points import on_points

POINTS = Path("tests/data/landcover-points-2")
UNSEEN = range(8020, 8024)


@pytest.mark.parametrize(("resolution", "least"), [(60, 0.82), (10, 0.88)])
def test_landcover_of_single_simulated_dates(resolution, least):
    assert on_seeds("landcover", UNSEEN, resolution, WEIGHTS)["mean_iou"] > least


@pytest.mark.parametrize("resolution", [60, 10])
def test_simulated_clouds_and_their_shadows(resolution):
    found = on_seeds("cloud", UNSEEN, resolution, WEIGHTS)["f1"]
    assert found["cloud"] > 0.95
    assert found["shadow"] > 0.8


def test_eurosat_patches_of_the_clusters_kept_for_tests(shared_data):
    found = on_patches(shared_data / ARCHIVE.parent, WEIGHTS)
    assert not found["trained_on"]
    assert found["overall_accuracy"] >= 0.9
    assert min(found["recall"].values()) >= 0.8


def test_real_points_told_by_eye(shared_data):
    found = on_points(judge_of("landcover", WEIGHTS), POINTS, shared_data)
    assert found["overall_accuracy"] > 0.85
    assert found["f1"]["grass"] > 0.7
    assert found["f1"]["tree"] > 0.7
