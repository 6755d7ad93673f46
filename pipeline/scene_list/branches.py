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

    def after(self, place: int) -> "After":
        """The same as matrices."""
        need = self.need - self.seen[:, place]
        opened = np.flatnonzero(self.inside)
        return After(self, need, np.flatnonzero((need > 0) & (self.weights > 0)), opened[opened != place])

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


@dataclass(frozen=True)
class After:
    """What is needed yet once a candidate is taken in, of which matrices are made as they are asked for.

    Attributes:
        branches: whose child it is.
        need: float32 (pixels,), of all pixels of the parent.
        at: int (k,), the pixels that are needed yet.
        places: int (n,), the candidates that are open then, among those of the parent.
    """

    branches: Branches
    need: np.ndarray
    at: np.ndarray
    places: np.ndarray

    @property
    def total(self) -> float:
        """What is needed yet, in pixels."""
        return float(self.branches.weights[self.at] @ self.need[self.at])

    @property
    def open(self) -> np.ndarray:
        """Indices of the candidates that are open then."""
        return self.branches.node.open[self.places]

    def ground(self, most: int | None = None) -> Ground:
        """All pixels, or the `most` that have fewest candidates to spare."""
        at, spare = self.at, self.branches.spare[self.at]
        if most is not None and len(at) > most:
            hardest = np.argpartition(spare, most)[:most]
            at, spare = at[hardest], spare[hardest]
        seen = self.branches.seen.take(at, axis=0).take(self.places, axis=1)
        return Ground(seen, self.need[at], self.branches.weights[at], spare)
