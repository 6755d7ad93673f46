"""Lists grown by one candidate after the other, compiled: all pixels are bits.

A place is that of a candidate among those that a search may choose.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.scene_list.counting import Integers, leave_out, most_together, places_of, rarest, take
from pipeline.scene_list.ending import UNFINISHED, Ending, Ground, begin_ending, endings, hard_words

CLOSING = 3
UNLIMITED = 2**62
# More days than any scene is away from its target.
FAR = 2**40
PAUSED, DONE = 0, -1
DEPTH, BEGUN, NODES, WORK = range(4)


class State(NamedTuple):
    """Where a search is, so that it can go on; the first axis is the number of scenes taken.

    Attributes:
        at: int64 (4,): the depth, whether the last scenes are begun, nodes and work so far.
        needs: uint64 (depths, times, words), the pixels that are needed at least 1, 2, ... times yet.
        spare: uint64 (depths, digits, tracked words), the binary digits of how many more candidates show a
            pixel than it needs.
        inside: bool (depths, candidates), those that may join.
        lost: int64 (depths,), pixels that can no longer be covered.
        chosen: int64 (depths,), the place taken at each depth.
    """

    at: Integers
    needs: NDArray[np.uint64]
    spare: NDArray[np.uint64]
    inside: NDArray[np.bool_]
    lost: Integers
    chosen: Integers


class Limits(NamedTuple):
    """What a list may cost.

    Attributes:
        left: scenes to choose.
        budget: pixels that may stay uncovered.
        matched: bool (neighbours,), those with which the scenes that are in anyway share a datatake.
        strangers: of the best list known; -1 where none is.
        days: the same, less those of the scenes that are in anyway.
        first: whether one list is enough.
        quota: candidates times words, and pairs, to be looked at between two looks at the clock.
    """

    left: int
    budget: int
    matched: NDArray[np.bool_]
    strangers: int
    days: int
    first: bool
    quota: int


@njit(nogil=True, cache=True)
def grow(ground: Ground, state: State, ending: Ending, limits: Limits) -> int:
    """Go on until ways to end the list are found: their number, of `state.chosen[:depth]` and `ending.ways`.

    `PAUSED` tells that it is time to look at the clock, `DONE` that there are no more.
    """
    at, quota = state.at, state.at[WORK] + limits.quota
    while at[DEPTH] >= 0:
        depth = at[DEPTH]
        left = limits.left - depth
        if left > CLOSING:
            if not _take_next(ground, state, ending, limits):
                _step_back(ground, state)
        else:
            spare, needs = limits.budget - state.lost[depth], state.needs[depth]
            if not at[BEGUN]:
                begin_ending(ground, ending, needs, state.inside[depth], left, spare)
                at[BEGUN] = 1
                at[NODES] += 1
            most = _most_days(ground, state, limits)
            found = endings(ground, ending, needs, left, spare, most, limits.first, quota - at[WORK])
            at[WORK] += ending.at[4]
            if found == UNFINISHED:
                return PAUSED
            if found:
                return found
            _step_back(ground, state)
        if at[WORK] > quota:
            return PAUSED
    return DONE


@njit(nogil=True, cache=True)
def _take_next(ground: Ground, state: State, ending: Ending, limits: Limits) -> bool:
    """Take in the candidate that shows most of what few others show; False where the rest cannot do."""
    depth = state.at[DEPTH]
    left = limits.left - depth
    if not _drop_late(ground, state, limits):
        return False
    opened = places_of(state.inside[depth])
    spare, needs = limits.budget - state.lost[depth], state.needs[depth]
    if len(opened) < left or spare < 0:
        return False
    hard = hard_words(ground, needs, opened, ending.gains[0, : len(opened)], left, spare)
    if hard < 0:
        return False
    hard = min(hard, state.spare.shape[2])
    state.at[NODES] += 1
    state.at[WORK] += 8 * len(opened) * hard
    place = rarest(ground.seen, needs, state.spare[depth], ground.weights, opened, hard)
    state.chosen[depth] = place
    take(needs, ground.seen[place], state.needs[depth + 1], 0, needs.shape[1])
    state.inside[depth + 1] = state.inside[depth]
    state.inside[depth + 1, place] = False
    state.lost[depth + 1] = state.lost[depth]
    if left - 1 > CLOSING:
        state.spare[depth + 1] = state.spare[depth]
    state.at[DEPTH] += 1
    state.at[BEGUN] = 0
    return True


@njit(nogil=True, cache=True)
def _step_back(ground: Ground, state: State) -> None:
    """Go back by a scene, and on without it."""
    state.at[DEPTH] -= 1
    if state.at[DEPTH] >= 0:
        _without(ground, state, state.chosen[state.at[DEPTH]])


@njit(nogil=True, cache=True)
def _without(ground: Ground, state: State, place: int) -> None:
    depth = state.at[DEPTH]
    state.inside[depth, place] = False
    shown, needs, spare = ground.seen[place], state.needs[depth], state.spare[depth]
    state.lost[depth] += leave_out(shown, needs, spare, ground.weights)


@njit(nogil=True, cache=True)
def _drop_late(ground: Ground, state: State, limits: Limits) -> bool:
    """Leave out the candidates that no list better than the best one has; False where no list is."""
    most = _most_days(ground, state, limits)
    if most == UNLIMITED:
        return True
    if most < 0:
        return False
    depth = state.at[DEPTH]
    opened, others = places_of(state.inside[depth]), limits.left - depth - 1
    nearness = np.empty(len(opened), np.int64)
    for place in range(len(opened)):
        nearness[place] = FAR - ground.days[opened[place]]
    least = others * FAR - most_together(nearness, others)
    for place in range(len(opened)):
        if least + ground.days[opened[place]] > most:
            _without(ground, state, opened[place])
    return True


@njit(nogil=True, cache=True)
def _most_days(ground: Ground, state: State, limits: Limits) -> int:
    """The most days that the scenes left may have in a list as good as the best one; -1 where none can be."""
    if limits.strangers < 0:
        return UNLIMITED
    most, depth = limits.days, state.at[DEPTH]
    for taken in range(depth):
        most -= ground.days[state.chosen[taken]]
    strangers = _least_strangers(ground, state, limits) if len(limits.matched) else 0
    if strangers < limits.strangers:
        return UNLIMITED
    return max(most, -1) if strangers == limits.strangers else -1


@njit(nogil=True, cache=True)
def _least_strangers(ground: Ground, state: State, limits: Limits) -> int:
    """A lower bound of the neighbours without a common datatake, of every list below the node."""
    depth, reached, matched = state.at[DEPTH], 0, 0
    fresh = np.zeros(len(ground.days), np.int64)
    for neighbour in range(len(limits.matched)):
        known = limits.matched[neighbour]
        for taken in range(depth):
            known |= ground.matches[state.chosen[taken], neighbour]
        able = known
        for place in range(len(fresh)):
            if not known and state.inside[depth, place] and ground.matches[place, neighbour]:
                fresh[place] += 1
                able = True
        matched += known
        reached += able
    return len(limits.matched) - min(reached, matched + most_together(fresh, limits.left - depth))
