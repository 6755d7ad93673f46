"""Which blocks one request brings, and which bytes of its answer are theirs."""

from collections.abc import Iterator, Sequence

from pipeline.catalog.tiff import Span

GAP = 2**14
MOST_RANGE = 2**24


def runs(spans: Sequence[Span]) -> Iterator[list[Span]]:
    """Blocks in groups that one request can bring: nearly side by side, and not too many bytes."""
    group: list[Span] = []
    for span in spans:
        if group and (span[0] - group[-1][1] > GAP or span[1] - group[0][0] > MOST_RANGE):
            yield group
            group = []
        group.append(span)
    if group:
        yield group


def pieces(run: Sequence[Span], place: int, chunk: bytes) -> Iterator[tuple[int, int, bytes]]:
    """What of a chunk belongs to blocks; the bytes between blocks belong to none.

    Args:
        run: of `runs`.
        place: of the chunk's first byte in the file.
        chunk: of an answer.

    Yields:
        block, place in the file, bytes.
    """
    for first, last, block in run:
        begin, end = max(first, place), min(last, place + len(chunk))
        if begin < end:
            yield block, begin, chunk[begin - place : end - place]
