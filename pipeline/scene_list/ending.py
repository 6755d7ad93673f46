"""The last three scenes of a list, compiled: which pairs and triples leave little enough uncovered."""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.scene_list.counting import (
    BLOCK,
    Integers,
    Words,
    count,
    most_together,
    places_of,
    shared,
    take,
    weigh,
)

# Pixels that bounds look at: so many times what may stay uncovered, and some more.
HEAD_TIMES, HEAD_MORE = 6, 256
UNFINISHED = -1


class Ground(NamedTuple):
    """What the candidates show, the pixels first that have few candidates to spare.

    Attributes:
        seen: uint64 (candidates, words), a bit for each pixel shown.
        weights: int64 (words,), how many equal pixels a bit stands for.
        days: int64 (candidates,).
        matches: bool (candidates, neighbours), whether the candidate shares a datatake with the neighbour.
    """

    seen: Words
    weights: Integers
    days: Integers
    matches: NDArray[np.bool_]


class Ending(NamedTuple):
    """Work space for the last scenes, and how far they are.

    Attributes:
        at: int64 (5,): the next of the candidates, how many candidates are open, the words that are hard,
            the least days of an open candidate, the work of the last look.
        order: int64 (candidates,), the open candidates, those first that cover most.
        gains: int64 (2, candidates), what each would cover of the hard pixels.
        after: uint64 (times, words), what is needed after the first of three.
        once: uint64 (words,), what is needed only once then.
        ways: int64 (ways, 3), places that end the list, -1 where fewer than three do.
    """

    at: Integers
    order: Integers
    gains: Integers
    after: Words
    once: Words
    ways: Integers


@njit(nogil=True, cache=True)
def hard_words(ground: Ground, needs: Words, order: Integers, gains: Integers, left: int, spare: int) -> int:
    """How many words bounds are to look at, or -1 where no `left` scenes do, as far as sums of gains tell.

    Args:
        ground: what the candidates show.
        needs: (times, words), the pixels that are needed at least 1, 2, ... times yet.
        order: the open candidates.
        gains: as many; receives what each would cover of those words.
        left: scenes left to choose.
        spare: pixels that may stay uncovered.
    """
    gains[:] = 0
    words, end, total = needs.shape[1], 0, 0
    while end < words and total < HEAD_TIMES * spare + HEAD_MORE:
        begin, end = end, min(end + BLOCK, words)
        total += weigh(needs, ground.weights, begin, end)
        for place in range(len(order)):
            gains[place] += shared(ground.seen[order[place]], needs[0], ground.weights, begin, end)
        if total > spare and most_together(gains, left) < total - spare:
            return -1
    return end


@njit(nogil=True, cache=True)
def begin_ending(
    ground: Ground, ending: Ending, needs: Words, inside: NDArray[np.bool_], left: int, spare: int
) -> None:
    """Make ready for `endings`; arguments as of `hard_words`, and which candidates are open."""
    opened = places_of(inside)
    several = len(opened)
    ending.at[0], ending.at[1] = several, several
    if several < left or left == 0:
        return
    gains = ending.gains[0, :several]
    ending.at[2] = hard_words(ground, needs, opened, gains, left, spare)
    if ending.at[2] < 0:
        return
    ending.at[0] = 0
    ending.at[3] = ground.days[opened[0]]
    for last in range(several):
        ending.at[3] = min(ending.at[3], ground.days[opened[last]])
        gain, place = gains[last], last
        while place > 0 and gains[place - 1] < gain:
            gains[place], ending.order[place] = gains[place - 1], ending.order[place - 1]
            place -= 1
        gains[place], ending.order[place] = gain, opened[last]


@njit(nogil=True, cache=True)
def endings(
    ground: Ground,
    ending: Ending,
    needs: Words,
    left: int,
    spare: int,
    most_days: int,
    first: bool,
    quota: int,
) -> int:
    """The next ways to end a list, `ending.ways[:result]`; 0 where there are no more.

    `UNFINISHED` tells that there may be more, but that the quota is used up.

    Args:
        ground: what the candidates show.
        ending: made ready by `begin_ending`.
        needs: (times, words), the pixels that are needed at least 1, 2, ... times yet.
        left: scenes left to choose, 1 to 3.
        spare: pixels that may stay uncovered.
        most_days: the most days that they may have together.
        first: whether one way is enough.
        quota: candidates times words, and pairs, to be looked at before it is time to look at the clock.
    """
    at, order, gains = ending.at, ending.order, ending.gains[0]
    several, hard, least = at[1], at[2], at[3]
    at[4] = several * (several + max(hard, 1)) if left < 3 else 0
    if at[0] >= several:
        return 0
    if left == 1:
        at[0] = several
        return _singles(ground, ending, needs, spare, most_days, first)
    if left == 2:
        at[0] = several
        ending.after[:] = needs
        return _pairs(ground, ending, needs, -1, 0, spare, most_days, first)
    total = weigh(needs, ground.weights, 0, hard)
    while at[0] < several - 2:
        if at[4] > quota:
            return UNFINISHED
        place = at[0]
        at[0] += 1
        if gains[place] + gains[place + 1] + gains[place + 2] < total - spare:
            break
        days = most_days - ground.days[order[place]]
        if days < 2 * least:
            continue
        at[4] += (several - place) * (several - place + hard)
        take(needs, ground.seen[order[place]], ending.after, 0, hard)
        found = _pairs(ground, ending, needs, order[place], place + 1, spare, days, first)
        if found:
            return found
    at[0] = several
    return 0


@njit(nogil=True, cache=True)
def _singles(ground: Ground, ending: Ending, needs: Words, spare: int, most_days: int, first: bool) -> int:
    found, words = 0, needs.shape[1]
    total = weigh(needs, ground.weights, 0, words)
    for place in range(ending.at[1]):
        one = ending.order[place]
        uncovered = total - shared(ground.seen[one], needs[0], ground.weights, 0, words)
        if uncovered <= spare and ground.days[one] <= most_days:
            ending.ways[found] = (one, -1, -1)
            found += 1
            if first:
                break
    return found


@njit(nogil=True, cache=True)
def _pairs(
    ground: Ground, ending: Ending, needs: Words, one: int, begin: int, spare: int, most: int, first: bool
) -> int:
    """Pairs of the candidates from `begin` on that end a list, after `one` or, where that is -1, alone."""
    hard, after, once, seen = ending.at[2], ending.after, ending.once, ground.seen
    order, gains = ending.order, ending.gains[1]
    for word in range(hard):
        once[word] = after[0, word] & ~after[1, word] if len(after) > 1 else after[0, word]
    total = weigh(after, ground.weights, 0, hard)
    likely, several = _likely(ground, ending, begin, total - spare)
    found, whole = 0, one < 0
    for place in range(several):
        second = likely[place]
        for other in range(place + 1, several):
            third = likely[other]
            uncovered = total - gains[second] - gains[third]
            if uncovered > spare or ground.days[order[second]] + ground.days[order[third]] > most:
                continue
            two, three = seen[order[second]], seen[order[third]]
            uncovered = _uncovered_hard(two, three, once, ground.weights, hard, uncovered, spare)
            if uncovered > spare:
                continue
            if not whole:
                take(needs, seen[one], after, hard, needs.shape[1])
                whole = True
            if _uncovered_rest(two, three, after, ground.weights, hard, uncovered, spare) <= spare:
                ending.ways[found] = (order[second], order[third], one)
                found += 1
                if first:
                    return found
    return found


@njit(nogil=True, cache=True)
def _likely(ground: Ground, ending: Ending, begin: int, wanted: int) -> tuple[Integers, int]:
    """The places in the order, and how many, that cover `wanted` together with the best of the others."""
    hard, several, gains, most = ending.at[2], ending.at[1], ending.gains[1], 0
    for place in range(begin, several):
        gains[place] = shared(ground.seen[ending.order[place]], ending.after[0], ground.weights, 0, hard)
        most = max(most, gains[place])
    likely, count_of = np.empty(several - begin, np.int64), 0
    for place in range(begin, several):
        if gains[place] + most >= wanted:
            likely[count_of] = place
            count_of += 1
    return likely, count_of


@njit(nogil=True, cache=True)
def _uncovered_hard(
    two: Words, three: Words, once: Words, weights: Integers, hard: int, uncovered: int, spare: int
) -> int:
    """What a pair leaves of the hard words: what both show is covered once alone, where once is enough."""
    word = 0
    while word < hard and uncovered <= spare:
        end = min(word + BLOCK, hard)
        for place in range(word, end):
            uncovered += count(two[place] & three[place] & once[place]) * weights[place]
        word = end
    return uncovered


@njit(nogil=True, cache=True)
def _uncovered_rest(
    two: Words, three: Words, after: Words, weights: Integers, word: int, uncovered: int, spare: int
) -> int:
    """What a pair leaves of all words, as far as it takes to tell that it is too much."""
    times, words = after.shape
    while word < words and uncovered <= spare:
        end = min(word + BLOCK, words)
        for place in range(word, end):
            uncovered += count(after[0, place] & ~(two[place] | three[place])) * weights[place]
        if times > 1:
            for place in range(word, end):
                uncovered += count(after[1, place] & ~(two[place] & three[place])) * weights[place]
        for time in range(2, times):
            for place in range(word, end):
                uncovered += count(after[time, place]) * weights[place]
        word = end
    return uncovered
