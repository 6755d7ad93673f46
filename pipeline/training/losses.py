"""The losses: weighted cross entropy and Dice of the U-Nets, both blind to ignored pixels, and that of haze.

Their sums are over the batches of all processes that train together (`team.pooled`).
"""

import torch
from torch import Tensor
from torch.nn import functional

from pipeline.training.datasets import CLAIMED, IGNORE
from pipeline.training.team import pooled


def segmentation_loss(scores: Tensor, labels: Tensor, class_weights: Tensor) -> Tensor:
    """Return cross entropy plus Dice loss of a batch.

    Args:
        scores: (batch, classes, rows, cols), before softmax.
        labels: int64 (batch, rows, cols), `IGNORE` where nothing is known, `CLAIMED` where it is any class
            but the first.
        class_weights: (classes,), for the cross entropy; claimed pixels weigh as the classes but the first
            do on average.
    """
    claimed = labels == CLAIMED
    labels = labels.masked_fill(claimed, IGNORE)
    entropy = functional.cross_entropy(
        scores, labels, weight=class_weights, ignore_index=IGNORE, reduction="sum"
    )
    known = labels != IGNORE
    weight = class_weights[labels[known]].sum()
    if claimed.any():
        each = class_weights[1:].mean()
        entropy = entropy + each * claimed_entropy(scores, claimed)
        weight = weight + each * claimed.sum()
    return pooled(entropy) / pooled(weight).clamp(min=1) + dice_loss(scores, labels)


def claimed_entropy(scores: Tensor, claimed: Tensor) -> Tensor:
    """Return the sum of -log of the probability of any class but the first, over the claimed pixels.

    Args:
        scores: (batch, classes, rows, cols), before softmax.
        claimed: bool (batch, rows, cols).
    """
    whole = torch.logsumexp(scores, dim=1)
    return (whole - torch.logsumexp(scores[:, 1:], dim=1))[claimed].sum()


def dice_loss(scores: Tensor, labels: Tensor) -> Tensor:
    """Return 1 - Dice, the mean over the classes, each pooled over the batch's known pixels."""
    known = (labels != IGNORE)[:, None]
    target = functional.one_hot(torch.where(labels == IGNORE, 0, labels), scores.shape[1])
    truth = target.permute(0, 3, 1, 2) * known
    guess = torch.softmax(scores, dim=1) * known
    overlap = pooled((guess * truth).sum(dim=(0, 2, 3)))
    total = pooled(guess.sum(dim=(0, 2, 3)) + truth.sum(dim=(0, 2, 3)))
    return 1 - ((2 * overlap + 1) / (total + 1)).mean()


def haze_loss(scores: Tensor, labels: Tensor) -> Tensor:
    """Return the binary cross entropy of whole previews.

    Args:
        scores: (batch,), positive means hazy.
        labels: int64 (batch, rows, cols); a preview's label stands in each known pixel.
    """
    entropy = functional.binary_cross_entropy_with_logits(scores, preview_labels(labels), reduction="sum")
    return pooled(entropy) / pooled(scores.new_tensor(len(scores)))


def preview_labels(labels: Tensor) -> Tensor:
    """Return 1.0 for hazy previews and 0.0 for others (batch,), from the labels of their pixels."""
    flat = labels.flatten(1)
    return torch.where(flat == IGNORE, 0, flat).amax(dim=1).float()
