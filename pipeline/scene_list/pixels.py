"""Pixels as words of candidates: what a partial list leaves to be seen, and by whom it still can be."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

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

    def seen_by(self, candidates: np.ndarray) -> np.ndarray:
        """float32 (pixels, candidates), 1 where the candidate shows the pixel."""
        octets = np.ascontiguousarray(self.words).view(np.uint8)
        return np.unpackbits(octets, axis=1, bitorder="little")[:, candidates].astype(np.float32)

    def after(self, chosen: Sequence[int]) -> "Pixels":
        """What is needed once some candidates are taken."""
        taken = np.zeros(self.words.shape[1], np.uint64)
        for one in chosen:
            taken[one // WORD] |= ONE << np.uint64(one % WORD)
        need = self.need - _bits_in(self.words & taken)
        left = np.flatnonzero(need > 0)
        return Pixels(self.words[left] & ~taken, need[left], self.weights[left])

    def at(self, places: np.ndarray) -> "Pixels":
        """Some of the pixels."""
        return Pixels(self.words[places], self.need[places], self.weights[places])


def _bits_in(words: np.ndarray) -> np.ndarray:
    """How many bits are set in each row, float32."""
    counts = np.bitwise_count(words)
    return counts[:, 0].astype(np.float32) if counts.shape[1] == 1 else counts.sum(axis=1, dtype=np.float32)
