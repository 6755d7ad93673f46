"""Clear masks to a small weighted instance: equal pixels merged, the hardest first, packed into words."""

from dataclasses import dataclass

import numpy as np

from pipeline.scene_list.objective import Problem
from pipeline.scene_list.pixels import Pixels

# Words that are compared first: few candidates show all that another shows there, the hardest pixels.
FIRST = 16


@dataclass(frozen=True)
class Patterns:
    """The pixels of a tile, merged by which candidates show them clear.

    Attributes:
        rows: bool (patterns, candidates), each different, none empty; seen by the fewest candidates first.
        weights: int64 (patterns,), pixels of each pattern.
    """

    rows: np.ndarray
    weights: np.ndarray

    def total(self, wanted: int) -> int:
        """What can be covered: the sum over pixels of min(wanted, clear candidates)."""
        return int((np.minimum(self.rows.sum(axis=1), wanted) * self.weights).sum())


@dataclass(frozen=True)
class Words:
    """Patterns as bits: a candidate is a row of words, and a bit counts `2 ** plane` pixels.

    Attributes:
        bits: uint64 (candidates, words).
        sums: float32 (words,); pixels that a bit of the word stands for.
        wanted: clear dates wanted for each pixel.
    """

    bits: np.ndarray
    sums: np.ndarray
    wanted: int

    def weigh(self, bits: np.ndarray) -> np.ndarray:
        """Pixels that bit rows stand for; exact, as all sums stay far below 2 ** 24."""
        return np.bitwise_count(bits).astype(np.float32) @ self.sums


@dataclass(frozen=True)
class Instance:
    """What the search works on.

    Attributes:
        usable: sorted indices of the candidates that a best list can have, forced ones included.
        words: all pixels by candidate, to count what a list covers.
        pixels: all candidates by pixel, to tell what few others show.
        patterns: how many different pixels there are.
    """

    usable: np.ndarray
    words: Words
    pixels: Pixels
    patterns: Patterns

    @classmethod
    def of(cls, problem: Problem) -> "Instance":
        """The instance of a problem."""
        patterns = merge(problem.shown)
        words = pack(patterns, problem.wanted)
        usable = undominated(words, problem.days, problem.matches, problem.forced)
        pixels = Pixels.of(patterns.rows, patterns.weights, problem.wanted)
        return cls(np.union1d(usable, problem.forced).astype(int), words, pixels, patterns)

    def covered(self, chosen: tuple[int, ...]) -> int:
        """Pixels that a list covers, each counted up to the clear dates wanted."""
        return int(self.words.weigh(at_least(self.words.bits[list(chosen)], self.words.wanted)).sum())

    def covered_with(self, chosen: tuple[int, ...]) -> np.ndarray:
        """The same with one more scene, for each candidate, int64 (candidates,); one chosen adds nothing."""
        layers = at_least(self.words.bits[list(chosen)], self.words.wanted)
        fresh = self.words.weigh(self.words.bits & ~layers[-1])
        fresh[list(chosen)] = 0
        return (fresh + self.words.weigh(layers).sum()).astype(np.int64)


def merge(clear: np.ndarray) -> Patterns:
    """Merge the pixels that the same candidates show clear; drop those that none does.

    Args:
        clear: bool (candidates, pixels).
    """
    count = clear.shape[0]
    packed = np.packbits(clear, axis=0, bitorder="little")
    padding = -packed.shape[0] % 8
    packed = np.pad(packed, ((0, padding), (0, 0)))
    columns = np.ascontiguousarray(packed.T).view(np.uint64)
    if columns.shape[1] == 1:
        keys, weights = np.unique(columns[:, 0], return_counts=True)
        keys = keys[:, None]
    else:
        keys, weights = np.unique(columns, axis=0, return_counts=True)
    octets = np.ascontiguousarray(keys).view(np.uint8)
    rows = np.unpackbits(octets, axis=1, bitorder="little")[:, :count].astype(bool)
    seen = rows.sum(axis=1)
    order = np.argsort(seen, kind="stable")
    order = order[seen[order] > 0]
    return Patterns(rows[order], weights[order].astype(np.int64))


def pack(patterns: Patterns, wanted: int) -> Words:
    """Pack patterns into words; a pattern of many pixels is in one plane for each bit of their number."""
    blocks, factors = [], []
    for plane in range(int(patterns.weights.max()).bit_length()):
        members = patterns.weights >> plane & 1 == 1
        if members.any():
            block = _pack_block(patterns.rows[members])
            blocks.append(block)
            factors += [2.0**plane] * block.shape[1]
    return Words(np.concatenate(blocks, axis=1), np.array(factors, np.float32), wanted)


def at_least(bits: np.ndarray, wanted: int) -> np.ndarray:
    """Where at least 1, 2, ... `wanted` of some bit rows are set, uint64 (wanted, words)."""
    layers = np.zeros((wanted, bits.shape[1]), np.uint64)
    for row in bits:
        for times in range(wanted - 1, 0, -1):
            layers[times] |= layers[times - 1] & row
        layers[0] |= row
    return layers


def _pack_block(rows: np.ndarray) -> np.ndarray:
    octets = np.packbits(np.ascontiguousarray(rows.T), axis=1)
    return np.ascontiguousarray(np.pad(octets, ((0, 0), (0, -octets.shape[1] % 8)))).view(np.uint64)


def undominated(words: Words, days: np.ndarray, matches: np.ndarray, forced: tuple[int, ...]) -> np.ndarray:
    """The candidates that a best list can use, as sorted indices.

    A candidate goes when at least as many others as clear dates are wanted each show all it shows, share a
    datatake with every neighbour that it does, and are nearer to the target date or as near with a smaller
    id: any list with it can then be bettered by a swap, or does without it.

    Args:
        words: the candidates' bits, candidates in the order of their ids.
        days: int (candidates,), distance to the target date.
        matches: bool (candidates, neighbours), whether it shares a datatake with the neighbour.
        forced: indices that stay in any case.
    """
    order = np.arange(len(days))
    keep = []
    for one in order:
        if one not in forced:
            better = (days < days[one]) | ((days == days[one]) & (order < one))
            better &= ~(matches[one] & ~matches).any(axis=1)
            others = np.flatnonzero(better)
            for part in (slice(0, FIRST), slice(FIRST, None)):
                hidden = (words.bits[one, part] & ~words.bits[others, part]).any(axis=1)
                others = others[~hidden]
            if len(others) >= words.wanted:
                continue
        keep.append(one)
    return np.array(keep, dtype=int)
