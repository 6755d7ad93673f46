"""The loss of the U-Nets: weighted cross entropy and Dice, both blind to ignored pixels."""

import torch
from torch import Tensor
from torch.nn import functional

from pipeline.training.datasets import IGNORE


def segmentation_loss(scores: Tensor, labels: Tensor, class_weights: Tensor) -> Tensor:
    """Return cross entropy plus Dice loss of a batch.

    Args:
        scores: (batch, classes, rows, cols), before softmax.
        labels: int64 (batch, rows, cols), `IGNORE` where nothing is known.
        class_weights: (classes,), for the cross entropy.
    """
    entropy = functional.cross_entropy(
        scores, labels, weight=class_weights, ignore_index=IGNORE, reduction="sum"
    )
    known = labels != IGNORE
    entropy = entropy / class_weights[labels[known]].sum().clamp(min=1)
    return entropy + dice_loss(scores, labels)


def dice_loss(scores: Tensor, labels: Tensor) -> Tensor:
    """Return 1 - Dice, the mean over the classes, each pooled over the batch's known pixels."""
    known = (labels != IGNORE)[:, None]
    target = functional.one_hot(torch.where(labels == IGNORE, 0, labels), scores.shape[1])
    truth = target.permute(0, 3, 1, 2) * known
    guess = torch.softmax(scores, dim=1) * known
    overlap = (guess * truth).sum(dim=(0, 2, 3))
    total = guess.sum(dim=(0, 2, 3)) + truth.sum(dim=(0, 2, 3))
    return 1 - ((2 * overlap + 1) / (total + 1)).mean()
