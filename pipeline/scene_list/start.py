"""Where a search starts: the pixels as bits by candidate, those first that have few candidates to spare."""

from dataclasses import dataclass

import numpy as np

from pipeline.scene_list.counting import spare_of, take
from pipeline.scene_list.ending import Ending, Ground
from pipeline.scene_list.growing import State
from pipeline.scene_list.objective import Problem
from pipeline.scene_list.reduce import Instance, at_least

# Words whose pixels are watched for having too few candidates left.
TRACKED = 256


@dataclass(frozen=True)
class Start:
    """What a search starts with.

    Attributes:
        opened: indices of the candidates that may be chosen, sorted; places count in it.
        ground: what they show.
        needs: uint64 (times, words), the pixels that are needed at least 1, 2, ... times beside the forced.
        spare: uint64 (digits, tracked words), as of `State`.
        lost: pixels that no list can cover.
    """

    opened: np.ndarray
    ground: Ground
    needs: np.ndarray
    spare: np.ndarray
    lost: int

    @classmethod
    def of(cls, problem: Problem, instance: Instance) -> "Start":
        """The start of a problem's search, the forced scenes taken."""
        words, opened = instance.words, np.setdiff1d(instance.usable, problem.forced)
        needs, seen = at_least(words.bits, words.wanted), words.bits[opened]
        for one in problem.forced:
            before, needs = needs, np.empty_like(needs)
            take(before, words.bits[one], needs, 0, needs.shape[1])
        able = at_least(seen, words.wanted)
        lost = int(words.weigh(needs & ~able).sum())
        needs &= able
        order = _hardest(seen, needs)
        needs, seen = np.ascontiguousarray(needs[:, order]), np.ascontiguousarray(seen[:, order])
        weights, days = words.sums[order].astype(np.int64), problem.days[opened].astype(np.int64)
        ground = Ground(seen, weights, days, np.ascontiguousarray(problem.matches[opened]))
        spare = spare_of(seen, needs, len(opened).bit_length(), min(TRACKED, len(order)))
        return cls(opened, ground, needs, spare, lost)

    def state(self, left: int) -> State:
        """A search for `left` scenes that has not begun."""
        candidates = len(self.opened)
        state = State(
            np.zeros(4, np.int64),
            np.zeros((left + 1, *self.needs.shape), np.uint64),
            np.zeros((left + 1, *self.spare.shape), np.uint64),
            np.ones((left + 1, candidates), bool),
            np.zeros(left + 1, np.int64),
            np.zeros(left + 1, np.int64),
        )
        state.needs[0], state.spare[0], state.lost[0] = self.needs, self.spare, self.lost
        return state

    def ending(self) -> Ending:
        """Work space for the last scenes."""
        candidates = len(self.opened)
        return Ending(
            np.zeros(5, np.int64),
            np.zeros(candidates, np.int64),
            np.zeros((2, candidates), np.int64),
            np.zeros_like(self.needs),
            np.zeros_like(self.needs[0]),
            np.zeros((candidates * max(candidates - 1, 2) // 2, 3), np.int64),
        )


def _hardest(seen: np.ndarray, needs: np.ndarray) -> np.ndarray:
    """The words in which something is needed, those first whose pixels have fewest candidates to spare."""
    pixels = np.bitwise_count(needs[0])
    showing = sum((np.bitwise_count(one & needs[0]) for one in seen), np.zeros(len(pixels), int))
    used = np.flatnonzero(pixels)
    to_spare = (showing[used] - np.bitwise_count(needs[:, used]).sum(axis=0, dtype=int)) / pixels[used]
    return used[np.argsort(to_spare, kind="stable")]
