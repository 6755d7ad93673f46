"""Work spread over the cores that a worker may use, its results in the order of what was asked."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

AHEAD = 2


def threads() -> int:
    """As many as the numeric libraries were given (`OMP_NUM_THREADS`), else as there are cores."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return int(asked) if asked.isdigit() and int(asked) > 0 else os.cpu_count() or 1


def in_order(
    work: Callable[[T], R], items: Iterable[T], count: int | None = None, ahead: int = AHEAD
) -> Iterator[tuple[T, R]]:
    """Work on items in threads and give each with its result, in order; few results are held at a time.

    With one thread all is done inline. What `work` raises is raised when its item's turn has come.

    Args:
        work: safe in several threads at once.
        items: taken as they are needed.
        count: threads; see `threads` where None.
        ahead: items under way or held for each thread.
    """
    count = threads() if count is None else count
    if count <= 1:
        for item in items:
            yield item, work(item)
        return
    with ThreadPoolExecutor(count) as pool:
        under_way: deque[tuple[T, Future[R]]] = deque()
        for item in items:
            under_way.append((item, pool.submit(work, item)))
            if len(under_way) >= count * ahead:
                first, done = under_way.popleft()
                yield first, done.result()
        while under_way:
            first, done = under_way.popleft()
            yield first, done.result()


def few_ahead(work: Callable[[T], R], items: Iterable[T], ahead: int) -> Iterator[tuple[T, R]]:
    """As `in_order`, but besides the one that is given at most `ahead` are worked on or held."""
    return in_order(work, items, min(threads(), ahead + 1), ahead=1)


def one_ahead(work: Callable[[T], R], items: Iterable[T]) -> Iterator[tuple[T, R]]:
    """As `in_order`, but besides the one that is given only the next is worked on, whatever the threads."""
    return few_ahead(work, items, 1)
