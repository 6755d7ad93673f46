"""Which part of each level of a U-Net a window of its output depends on."""

from collections.abc import Sequence
from dataclasses import dataclass

Part = tuple[slice, slice]


@dataclass(frozen=True)
class Level:
    """What one step of the decoder works on, each relative to what it is cut from.

    Attributes:
        reduced: of the reduced features of half the size, what is raised.
        raised: of those at the level's size, what is merged.
        skip: of the encoder's features, what is merged.
        merged: of the merged features, what the next level needs.
    """

    reduced: Part
    raised: Part
    skip: Part
    merged: Part


@dataclass(frozen=True)
class _Line:
    """The same along one axis; `given` is what half the size must give."""

    reduced: slice
    raised: slice
    skip: slice
    merged: slice
    given: slice


def levels(shape: Sequence[int], wanted: Part, count: int) -> tuple[Part, list[Level]]:
    """What the centre must give, and the steps of the decoder from the lowest level to the full size.

    Args:
        shape: rows and columns of the input, multiples of 2 ** count.
        wanted: rows and columns of the output.
        count: levels of the decoder.
    """
    found: list[Level] = []
    for level in range(count):
        rows, cols = (
            _line(size >> level, part.start, part.stop) for size, part in zip(shape, wanted, strict=True)
        )
        found.append(
            Level(
                (rows.reduced, cols.reduced),
                (rows.raised, cols.raised),
                (rows.skip, cols.skip),
                (rows.merged, cols.merged),
            )
        )
        wanted = rows.given, cols.given
    return wanted, found[::-1]


def _line(size: int, first: int, end: int) -> _Line:
    """One axis of a level of `size` whose output is wanted from `first` to `end`.

    Each convolution looks one pixel further; cut at the array's own edge, it sees that edge.
    """
    low, high = max(first - 1, 0), min(end + 1, size)
    half_low, half_high = low // 2, -(-high // 2)
    given = slice(max(half_low - 1, 0), min(half_high + 1, size // 2))
    return _Line(
        slice(half_low - given.start, half_high - given.start),
        slice(low - 2 * half_low, high - 2 * half_low),
        slice(low, high),
        slice(first - low, end - low),
        given,
    )


def reach(convolutions: Sequence[int], centre: int) -> int:
    """How far from a pixel a U-Net looks, for windows that lie on its stride.

    Args:
        convolutions: 3 x 3 ones of each level of the encoder, full size first.
        centre: those of the centre; each level of the decoder has one at half the size and one at its own.
    """
    far = 0
    for _ in convolutions:
        far = -(-(far + 1) // 2) + 1
    far += centre
    for count in reversed(convolutions):
        far = 2 * far + count
    return far
