"""A partial list, and the ways to go on with it one candidate after the other."""

from dataclasses import dataclass, replace

import numpy as np

from pipeline.scene_list.closing import Ground
from pipeline.scene_list.pixels import ONE, WORD, Pixels


@dataclass(frozen=True)
class Node:
    """A partial list and what may still join it.

    Attributes:
        chosen: indices chosen so far.
        open: indices that may join, sorted.
        pixels: what is needed yet, of the open candidates; all of it, or only the hardest.
        whole: whether it is all.
        lost: pixels that no list below the node can cover.
    """

    chosen: tuple[int, ...]
    open: np.ndarray
    pixels: Pixels
    whole: bool
    lost: float

    def took(self, candidate: int) -> "Node":
        """With a candidate taken in."""
        rest = self.open[self.open != candidate]
        return replace(self, chosen=(*self.chosen, candidate), open=rest, pixels=self.pixels.after(candidate))

    def only(self, candidates: np.ndarray) -> "Node":
        """With some of its open candidates alone."""
        return replace(self, open=candidates, pixels=self.pixels.among(candidates))


class Branches:
    """The children of a node: each takes one candidate in and leaves those before it out.

    Attributes:
        node: the parent.
        inside: bool (open,), candidates not left out yet.
        lost: pixels that can no longer be covered.
    """

    def __init__(self, node: Node, left: int, budget: int) -> None:
        self.node = node
        self.left = left
        self.budget = budget
        self.lost = node.lost
        self.inside = np.ones(len(node.open), bool)
        ground = node.pixels.ground(node.open)
        self.seen, self.spare = ground.seen, ground.spare
        self.need, self.weights = ground.need.copy(), ground.weights.copy()
        self.words = node.pixels.words.copy()

    def next(self) -> int | None:
        """Place of the candidate that shows most of what few others show; None where the rest cannot do."""
        if self.inside.sum() < self.left or self.lost > self.budget:
            return None
        rare = self.weights * np.exp2(-self.spare)
        worth, gains = np.array([rare, self.weights]) @ self.seen
        most = np.sort(gains[self.inside])[-self.left :].sum()
        if most < self.weights @ self.need - (self.budget - self.lost):
            return None
        worth[~self.inside] = -1
        return int(np.argmax(worth))

    def child(self, place: int) -> Node:
        """The node with a candidate taken in."""
        current = Pixels(self.words, self.need, self.weights).at(self.weights > 0)
        rest = Node(self.node.chosen, self.node.open[self.inside], current, self.node.whole, self.lost)
        return rest.took(int(self.node.open[place]))

    def ground_after(self, place: int) -> tuple[Ground, np.ndarray]:
        """The same as matrices, with the candidates that are open then."""
        need = self.need - self.seen[:, place]
        at = np.flatnonzero((need > 0) & (self.weights > 0))
        opened = np.flatnonzero(self.inside)
        opened = opened[opened != place]
        ground = Ground(self.seen[np.ix_(at, opened)], need[at], self.weights[at], self.spare[at])
        return ground, self.node.open[opened]

    def leave_out(self, place: int) -> None:
        """Go on without a candidate."""
        candidate = self.node.open[place]
        self.inside[place] = False
        self.words[:, candidate // WORD] &= ~(ONE << np.uint64(candidate % WORD))
        shown = self.seen[:, place] > 0
        gone = shown & (self.spare == 0) & (self.weights > 0)
        self.lost += float(self.weights[gone].sum())
        self.need[gone] -= 1
        self.spare[shown & ~gone] -= 1
        self.weights[self.need == 0] = 0
