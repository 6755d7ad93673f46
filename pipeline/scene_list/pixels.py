"""Pixels as words of candidates: what a partial list leaves to be seen, and by whom it still can be."""

from dataclasses import dataclass, replace

import numpy as np

from pipeline.scene_list.closing import Ground

WORD = 64
ONE = np.uint64(1)


@dataclass(frozen=True)
class Pixels:
    """Different pixels that are needed yet, each with the candidates that may still show it.

    Attributes:
        words: uint64 (pixels, words), a bit for each candidate that shows the pixel.
        need: float32 (pixels,), how many more scenes must show it, at least 1.
        weights: float32 (pixels,), how many equal ones it stands for.
    """

    words: np.ndarray
    need: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(cls, rows: np.ndarray, weights: np.ndarray, wanted: int) -> "Pixels":
        """Pixels from bool (pixels, candidates), each needing `wanted` scenes or as many as there are."""
        octets = np.packbits(rows, axis=1, bitorder="little")
        octets = np.pad(octets, ((0, 0), (0, -octets.shape[1] % 8)))
        need = np.minimum(rows.sum(axis=1), wanted).astype(np.float32)
        return cls(np.ascontiguousarray(octets).view(np.uint64), need, weights.astype(np.float32))

    @property
    def total(self) -> float:
        """What is needed yet, in pixels."""
        return float(self.weights @ self.need)

    def viewers(self) -> np.ndarray:
        """How many candidates may show each pixel, float32 (pixels,)."""
        counts = np.bitwise_count(self.words)
        return (
            counts[:, 0].astype(np.float32) if counts.shape[1] == 1 else counts.sum(axis=1, dtype=np.float32)
        )

    def seen_by(self, candidates: np.ndarray) -> np.ndarray:
        """float32 (pixels, candidates), 1 where the candidate shows the pixel."""
        octets = np.ascontiguousarray(self.words).view(np.uint8)
        return np.unpackbits(octets, axis=1, bitorder="little")[:, candidates].astype(np.float32)

    def after(self, candidate: int) -> "Pixels":
        """What is needed once a candidate is taken."""
        word, bit = candidate // WORD, ONE << np.uint64(candidate % WORD)
        shown = (self.words[:, word] & bit) != 0
        need = self.need - shown
        left = self.at(need > 0)
        words = left.words.copy()
        words[:, word] &= ~bit
        return replace(left, words=words, need=need[need > 0])

    def among(self, candidates: np.ndarray) -> "Pixels":
        """The same where only these candidates may show anything."""
        chosen = np.zeros(self.words.shape[1], np.uint64)
        np.bitwise_or.at(chosen, candidates // WORD, ONE << (candidates % WORD).astype(np.uint64))
        return replace(self, words=self.words & chosen)

    def at(self, places: np.ndarray) -> "Pixels":
        """Some of the pixels."""
        return Pixels(self.words[places], self.need[places], self.weights[places])

    def hardest(self, count: int) -> "Pixels":
        """The `count` pixels that have fewest candidates to spare."""
        if len(self.need) <= count:
            return self
        return self.at(np.argpartition(self.viewers() - self.need, count)[:count])

    def ground(self, candidates: np.ndarray) -> Ground:
        """The same as matrices, for the candidates that are open."""
        return Ground(self.seen_by(candidates), self.need, self.weights, self.viewers() - self.need)

    def possible(self) -> tuple["Pixels", float]:
        """The pixels that can still be covered as far as they can, and how much is lost for good."""
        short = np.maximum(self.need - self.viewers(), 0)
        if not short.any():
            return self, 0.0
        need = self.need - short
        return replace(self.at(need > 0), need=need[need > 0]), float(self.weights @ short)
