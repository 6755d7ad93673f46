"""Counting on rows of words in which each bit is a pixel, compiled."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

# Words that are looked at between two looks at whether it is enough.
BLOCK = 8

Words = NDArray[np.uint64]
Integers = NDArray[np.int64]

NO_BITS = np.uint64(0)
PAIRS, FOURS, EIGHTS = (np.uint64(int(digits * 2, 16)) for digits in ("55555555", "33333333", "0f0f0f0f"))
ADD_UP = np.uint64(0x0101010101010101)
ONE, TWO, FOUR, LAST = np.uint64(1), np.uint64(2), np.uint64(4), np.uint64(56)


@njit(nogil=True, cache=True)
def count(word: np.uint64) -> np.int64:
    """Bits that are set; compilers know this sum and use the processor's own."""
    word = word - ((word >> ONE) & PAIRS)
    word = (word & FOURS) + ((word >> TWO) & FOURS)
    return np.int64((((word + (word >> FOUR)) & EIGHTS) * ADD_UP) >> LAST)


@njit(nogil=True, cache=True)
def take(needs: Words, shown: Words, after: Words, begin: int, end: int) -> None:
    """What is needed once a candidate is taken, of some words.

    Args:
        needs: (times, words), the pixels that are needed at least 1, 2, ... times.
        shown: (words,), what the candidate shows.
        after: (times, words), the same as `needs` afterwards.
        begin: the first word.
        end: the word after the last one.
    """
    times = needs.shape[0]
    for time in range(times - 1):
        for word in range(begin, end):
            after[time, word] = (needs[time, word] & ~shown[word]) | needs[time + 1, word]
    for word in range(begin, end):
        after[times - 1, word] = needs[times - 1, word] & ~shown[word]


@njit(nogil=True, cache=True)
def weigh(needs: Words, weights: Integers, begin: int, end: int) -> int:
    """Pixels that some words (times, words) stand for, each as often as it is needed."""
    total = 0
    for time in range(needs.shape[0]):
        for word in range(begin, end):
            total += count(needs[time, word]) * weights[word]
    return total


@njit(nogil=True, cache=True)
def shared(one: Words, other: Words, weights: Integers, begin: int, end: int) -> int:
    """Pixels that two rows of words have in common, of some words."""
    total = 0
    for word in range(begin, end):
        total += count(one[word] & other[word]) * weights[word]
    return total


@njit(nogil=True, cache=True)
def most_together(gains: Integers, several: int) -> int:
    """Sum of the `several` largest."""
    largest = np.zeros(several, np.int64)
    for gain in gains:
        if gain > largest[-1]:
            place = several - 1
            while place > 0 and largest[place - 1] < gain:
                largest[place] = largest[place - 1]
                place -= 1
            largest[place] = gain
    return largest.sum()


@njit(nogil=True, cache=True)
def places_of(inside: NDArray[np.bool_]) -> Integers:
    """Where it is True."""
    places, several = np.empty(len(inside), np.int64), 0
    for place in range(len(inside)):
        if inside[place]:
            places[several] = place
            several += 1
    return places[:several]


@njit(nogil=True, cache=True)
def leave_out(shown: Words, needs: Words, spare: Words, weights: Integers) -> int:
    """Go on without a candidate; gives how many pixels that loses, which are needed no longer.

    Args:
        shown: (words,), what the candidate shows.
        needs: (times, words), the pixels that are needed at least 1, 2, ... times; changed.
        spare: (digits, tracked words), the binary digits of how many more candidates show a pixel than it
            needs; changed.
        weights: (words,), how many pixels a bit stands for.
    """
    lost = 0
    times, (digits, words) = needs.shape[0], spare.shape
    for word in range(words):
        bits = shown[word] & needs[0, word]
        some = NO_BITS
        for digit in range(digits):
            some |= spare[digit, word]
        gone = bits & ~some
        lost += count(gone) * weights[word]
        for time in range(times - 1):
            needs[time, word] = (needs[time, word] & ~gone) | (needs[time + 1, word] & gone)
        needs[times - 1, word] &= ~gone
        _one_less(spare, word, bits & some)
    return lost


@njit(nogil=True, cache=True)
def spare_of(seen: Words, needs: Words, digits: int, words: int) -> Words:
    """How many more candidates show a pixel than it needs, as binary digits (digits, words).

    Args:
        seen: (candidates, words), what each shows.
        needs: (times, words), no pixel more often than candidates show it.
        digits: as many as the number of candidates has.
        words: of which it is asked.
    """
    spare = np.zeros((digits, words), np.uint64)
    for candidate in range(seen.shape[0]):
        for word in range(words):
            carry = seen[candidate, word]
            for digit in range(digits):
                before = spare[digit, word]
                spare[digit, word] = before ^ carry
                carry &= before
    for time in range(needs.shape[0]):
        for word in range(words):
            _one_less(spare, word, needs[time, word])
    return spare


@njit(nogil=True, cache=True)
def _one_less(spare: Words, word: int, pixels: np.uint64) -> None:
    """Take one from the binary digits (digits, words) of those pixels of a word."""
    borrow = pixels
    for digit in range(spare.shape[0]):
        before = spare[digit, word]
        spare[digit, word] = before ^ borrow
        borrow &= ~before


@njit(nogil=True, cache=True)
def rarest(seen: Words, needs: Words, spare: Words, weights: Integers, order: Integers, words: int) -> int:
    """The candidate that shows most of what few others show: a pixel counts half as much for each to spare.

    Args:
        seen: (candidates, words), what each shows.
        needs: as of `leave_out`.
        spare: as of `leave_out`.
        weights: (words,), how many pixels a bit stands for.
        order: the candidates to choose from.
        words: that are looked at.
    """
    levels, digits = 8, len(spare)
    least = _least(needs[0], spare, words)
    worth = np.zeros(len(order), np.int64)
    level_of = np.empty(words, np.uint64)
    for level in range(levels):
        for word in range(words):
            equal = needs[0, word]
            for digit in range(digits):
                equal &= spare[digit, word] if (least + level) >> digit & 1 else ~spare[digit, word]
            level_of[word] = equal
        for place in range(len(order)):
            worth[place] = 2 * worth[place] + shared(seen[order[place]], level_of, weights, 0, words)
    return order[np.argmax(worth)]


@njit(nogil=True, cache=True)
def _least(alive: Words, spare: Words, words: int) -> int:
    """The least number to spare of any pixel that is needed yet."""
    low, least = alive[:words].copy(), 0
    for digit in range(len(spare) - 1, -1, -1):
        some = NO_BITS
        for word in range(words):
            some |= low[word] & ~spare[digit, word]
        if some == NO_BITS:
            least += 1 << digit
        else:
            for word in range(words):
                low[word] &= ~spare[digit, word]
    return least
