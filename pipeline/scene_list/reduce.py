"""Clear masks to a small weighted instance: equal pixels merged, the hardest first, packed into words."""

from dataclasses import dataclass

import numpy as np

from pipeline.scene_list.objective import Problem

WORD = 64
HARD_PATTERNS = 4096


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
        sums: float32 (words, cuts); pixels a bit of the word stands for, 0 where the word's patterns are not
            among the hardest that the cut counts. The last cut counts all.
        available: uint64 (wanted, words), the pixels that at least 1, 2, ... candidates show.
    """

    bits: np.ndarray
    sums: np.ndarray
    available: np.ndarray


@dataclass(frozen=True)
class Instance:
    """What the search works on.

    Attributes:
        usable: sorted indices of the candidates that a best list can have, forced ones included.
        hard: the pixels that the fewest candidates show.
        all: all pixels.
        patterns: how many different pixels there are.
    """

    usable: np.ndarray
    hard: Words
    all: Words
    patterns: Patterns

    @classmethod
    def of(cls, problem: Problem) -> "Instance":
        """The instance of a problem."""
        patterns = merge(problem.clear)
        budget = problem.coverable - problem.needed
        hardest = Patterns(patterns.rows[:HARD_PATTERNS], patterns.weights[:HARD_PATTERNS])
        everything = pack(patterns, problem.wanted, budget)
        usable = undominated(everything, problem.days, problem.matches, problem.forced, problem.wanted)
        hard = everything if len(patterns.weights) <= HARD_PATTERNS else pack(hardest, problem.wanted, budget)
        return cls(np.union1d(usable, problem.forced).astype(int), hard, everything, patterns)

    def covered(self, chosen: tuple[int, ...]) -> int:
        """Pixels that a list covers, each counted up to the clear dates wanted."""
        layers = at_least(self.all.bits[list(chosen)], len(self.all.available))
        return int((np.bitwise_count(layers) @ self.all.sums[:, -1]).sum())

    def covered_with(self, chosen: tuple[int, ...]) -> np.ndarray:
        """The same with one more scene, for each candidate, int64 (candidates,); one chosen adds nothing."""
        layers = at_least(self.all.bits[list(chosen)], len(self.all.available))
        fresh = np.bitwise_count(self.all.bits & ~layers[-1]) @ self.all.sums[:, -1]
        fresh[list(chosen)] = 0
        return (fresh + (np.bitwise_count(layers) @ self.all.sums[:, -1]).sum()).astype(np.int64)


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


def pack(patterns: Patterns, wanted: int, budget: int) -> Words:
    """Pack patterns into words, grouped by hardness.

    Pixels that few candidates see decide whether a list can be feasible, so the words keep running sums over
    the hardest pixels: twice the budget of uncovered pixels, four times, and so on.

    Args:
        patterns: hardest first, as `merge` gives them.
        wanted: clear dates wanted for each pixel.
        budget: how much of the total may stay uncovered.
    """
    worth = np.minimum(patterns.rows.sum(axis=1), wanted) * patterns.weights
    base = 1.5 * max(budget, 16)
    bucket = np.floor(np.log2(np.maximum(np.cumsum(worth) / base, 1))).astype(int)
    blocks, factors, buckets = [], [], []
    for level in range(bucket[-1] + 1):
        for plane in range(int(patterns.weights.max()).bit_length()):
            members = (bucket == level) & (patterns.weights >> plane & 1 == 1)
            if not members.any():
                continue
            block = _pack_block(patterns.rows[members])
            blocks.append(block)
            factors += [2.0**plane] * block.shape[1]
            buckets += [level] * block.shape[1]
    cuts = np.arange(bucket[-1] + 1)
    sums = np.where(np.array(buckets)[:, None] <= cuts, np.array(factors)[:, None], 0).astype(np.float32)
    bits = np.concatenate(blocks, axis=1)
    return Words(bits, sums, at_least(bits, wanted))


def at_least(bits: np.ndarray, wanted: int) -> np.ndarray:
    """Where at least 1, 2, ... `wanted` of some bit rows are set, uint64 (wanted, words)."""
    layers = np.zeros((wanted, bits.shape[1]), np.uint64)
    for row in bits:
        for times in range(wanted - 1, 0, -1):
            layers[times] |= layers[times - 1] & row
        layers[0] |= row
    return layers


def _pack_block(rows: np.ndarray) -> np.ndarray:
    rows = np.pad(rows, ((0, -len(rows) % WORD), (0, 0)))
    return np.ascontiguousarray(np.packbits(rows, axis=0).T).view(np.uint64)


def undominated(
    words: Words, days: np.ndarray, matches: np.ndarray, forced: tuple[int, ...], wanted: int
) -> np.ndarray:
    """The candidates that a best list can use, as sorted indices.

    A candidate goes when at least `wanted` others each show all it shows, share a datatake with every
    neighbour that it does, and are nearer to the target date or as near with a smaller id: any list with it
    can then be bettered by a swap, or does without it.

    Args:
        words: the candidates' bits, candidates in the order of their ids.
        days: int (candidates,), distance to the target date.
        matches: bool (candidates, neighbours), whether it shares a datatake with the neighbour.
        forced: indices that stay in any case.
        wanted: clear dates wanted for each pixel.
    """
    order = np.arange(len(days))
    keep = []
    for one in order:
        if one not in forced:
            better = (days < days[one]) | ((days == days[one]) & (order < one))
            better &= ~(matches[one] & ~matches).any(axis=1)
            others = np.flatnonzero(better)
            shows_all = ~(words.bits[one] & ~words.bits[others]).any(axis=1)
            if shows_all.sum() >= wanted:
                continue
        keep.append(one)
    return np.array(keep, dtype=int)
