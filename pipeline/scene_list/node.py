"""A partial list of scenes, what its open candidates would add, and what that bounds."""

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Node:
    """A partial list and what may still join it.

    Attributes:
        chosen: indices chosen so far.
        open: indices that may join.
        live: uint64 (open, words), the pixels that still need the open candidate.
        need: uint64 (wanted, words), pixels that need at least 1, 2, ... more scenes.
        sums: float32 (words, cuts), pixels a bit of the word stands for.
        whole: whether the words hold all pixels, not only the hardest.
        matched: bool (neighbours,), neighbours with a common datatake.
    """

    chosen: tuple[int, ...]
    open: np.ndarray
    live: np.ndarray
    need: np.ndarray
    sums: np.ndarray
    whole: bool
    matched: np.ndarray


@dataclass(frozen=True)
class Weighed:
    """A node's open candidates in pixels.

    Attributes:
        gains: float32 (open, cuts), what each would cover besides.
        losses: float32 (open,), what no list below the node could cover without it.
        missing: float32 (cuts,), what must yet be covered in each cut.
        lost: what no list below the node can cover.
    """

    gains: np.ndarray
    losses: np.ndarray
    missing: np.ndarray
    lost: float


def weigh(bits: np.ndarray, sums: np.ndarray) -> np.ndarray:
    """Pixels that bit rows stand for, in each cut; exact, as all sums stay far below 2 ** 24."""
    return np.bitwise_count(bits).astype(np.float32) @ sums


def less(need: np.ndarray, shown: np.ndarray) -> np.ndarray:
    """What pixels need after a scene shows some of them once more."""
    deeper = np.concatenate([need[1:], np.zeros_like(need[:1])])
    return (need & ~shown) | (deeper & shown)


def compact(node: Node) -> Node:
    """The node without the words in which nothing is needed any more."""
    live = node.live & node.need[0]
    kept = node.need[0] != 0
    if np.count_nonzero(kept) > 0.8 * len(kept):
        return replace(node, live=live)
    return replace(node, live=live[:, kept], need=node.need[:, kept], sums=node.sums[kept])


def narrowed(node: Node, places: np.ndarray) -> Node:
    """The node with some of its open candidates alone."""
    return replace(node, open=node.open[places], live=node.live[places])


def least_days(days: np.ndarray, seen: Weighed, left: int) -> int:
    """A lower bound of the days of `left` scenes that cover what is missing.

    Where a price is paid for each pixel gained, the cheapest scenes cost no more than those of any list that
    covers enough (Lagrangian relaxation); the best of a few prices and of each cut counts.
    """
    missing = np.maximum(seen.missing, 0)
    fair = (days.sum() / len(days) + 1) * left / np.maximum(missing, 1)
    prices = np.array([[0.0], [0.6], [1.2], [2.4]]) * fair
    costs = days - prices[:, :, None] * seen.gains.T
    if left < len(days):
        costs = np.partition(costs, left - 1, axis=2)[:, :, :left]
    return int(np.ceil((costs.sum(axis=2) + prices * missing).max() - 0.01))


def top(values: np.ndarray, count: int) -> np.ndarray:
    """Sum of the `count` greatest of each column."""
    if count <= 0:
        return np.zeros(values.shape[1], values.dtype)
    if count >= len(values):
        return values.sum(axis=0)
    return -np.partition(-values, count - 1, axis=0)[:count].sum(axis=0)
