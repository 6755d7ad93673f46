import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pipeline.training.datasets import CLAIMED, IGNORE
from pipeline.training.losses import dice_loss, segmentation_loss
from pipeline.training.metrics import auc, confusion, figures, kappa

LABELS = torch.tensor([[[0, 1], [2, IGNORE]]])


def scores_for(labels, strength):
    known = torch.where(labels == IGNORE, 0, labels)
    return strength * torch.nn.functional.one_hot(known, 3).permute(0, 3, 1, 2).float()


def test_loss_is_near_zero_for_the_right_answer_and_large_for_the_wrong_one():
    right = segmentation_loss(scores_for(LABELS, 30.0), LABELS, torch.ones(3))
    wrong = segmentation_loss(scores_for((LABELS + 1) % 3, 30.0), LABELS, torch.ones(3))
    assert right < 0.01
    assert wrong > 5


def test_loss_does_not_look_at_ignored_pixels():
    scores = torch.randn(1, 3, 2, 2)
    other = scores.clone()
    other[..., 1, 1] = 50 * torch.randn(3)
    assert torch.equal(
        segmentation_loss(scores, LABELS, torch.ones(3)), segmentation_loss(other, LABELS, torch.ones(3))
    )


def test_loss_of_a_batch_without_labels_is_finite():
    nothing = torch.full((1, 4, 4), IGNORE)
    assert torch.isfinite(segmentation_loss(torch.randn(1, 3, 4, 4), nothing, torch.ones(3)))


@pytest.mark.parametrize("chosen", [1, 2])
def test_claimed_pixels_may_be_any_class_but_the_first(chosen):
    claimed = torch.full((1, 2, 2), CLAIMED)
    guess = scores_for(torch.full((1, 2, 2), chosen), 30.0)
    dice = segmentation_loss(guess, torch.full((1, 2, 2), IGNORE), torch.ones(3))
    assert segmentation_loss(guess, claimed, torch.ones(3)) - dice < 0.01
    none = scores_for(torch.zeros(1, 2, 2, dtype=torch.int64), 30.0)
    assert segmentation_loss(none, claimed, torch.ones(3)) - dice > 5


def test_claimed_pixels_weigh_as_known_ones():
    scores = torch.randn(1, 2, 2, 2, generator=torch.Generator().manual_seed(1))
    labels, weights = torch.tensor([[[0, 1], [1, 1]]]), torch.tensor([1.0, 3.0])
    claimed = torch.where(labels == 1, CLAIMED, labels)
    known = segmentation_loss(scores, labels, weights) - dice_loss(scores, labels)
    told = segmentation_loss(scores, claimed, weights)
    told -= dice_loss(scores, torch.where(labels == 1, IGNORE, labels))
    assert float(told) == pytest.approx(float(known), rel=1e-5)


def test_figures_of_a_confusion_by_hand():
    labels = np.array([0, 0, 0, 1, 1, IGNORE])
    found = figures(confusion(labels, np.array([0, 0, 1, 1, 0, 1]), 2), ("clear", "cloud"))
    assert found["pixels"] == 5
    assert found["overall_accuracy"] == pytest.approx(3 / 5)
    cloud = {"precision": 0.5, "recall": 0.5, "f1": 0.5, "iou": pytest.approx(1 / 3, abs=1e-4)}
    assert found["classes"]["cloud"] == cloud
    assert found["f1"] == {"clear": pytest.approx(2 / 3, abs=1e-4), "cloud": 0.5}
    assert found["iou"]["clear"] == 0.5


def test_class_that_never_occurs_is_left_out_of_the_mean():
    found = figures(np.diag([4, 0, 4]), ("a", "b", "c"))
    assert found["classes"]["b"]["iou"] is None
    assert found["mean_iou"] == 1


@given(arrays.arrays(np.uint8, 20, elements=st.sampled_from([0, 1, 2, IGNORE])))
@settings(deadline=None)
def test_confusion_counts_each_known_pixel_once(labels):
    assert confusion(labels, np.zeros(20, np.uint8), 3).sum() == (labels != IGNORE).sum()


def test_auc_is_the_chance_that_a_positive_is_above_a_negative():
    positive, negative = np.array([0.9, 0.5, 0.5]), np.array([0.1, 0.5])
    pairs = [(p > n) + 0.5 * (p == n) for p in positive for n in negative]
    assert auc(positive, negative) == pytest.approx(np.mean(pairs))
    assert auc(positive, np.array([])) is None


def test_kappa_by_hand():
    # Agreed 3 of 4; by chance 0.75 * 0.5 + 0.25 * 0.5.
    assert kappa(["a", "a", "a", "b"], ["a", "a", "b", "b"]) == pytest.approx((0.75 - 0.5) / 0.5)
    assert kappa(["a", "b"], ["b", "a"]) == pytest.approx(-1)
    assert kappa([], []) is None
