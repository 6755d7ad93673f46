import threading

import pytest

from pipeline.parallel import AHEAD, in_order, threads


@pytest.mark.parametrize("count", [1, 2, 5])
def test_results_come_in_the_order_of_the_items(count):
    assert list(in_order(lambda item: item * item, range(40), count)) == [(k, k * k) for k in range(40)]


def test_two_items_are_worked_on_at_the_same_time():
    both = threading.Barrier(2, timeout=20)
    assert len([item for item, _ in in_order(lambda item: both.wait(), range(2), 2)]) == 2


def test_no_more_items_are_taken_than_are_soon_needed():
    taken = []

    def items():
        for k in range(100):
            taken.append(k)
            yield k

    results = in_order(lambda item: item, items(), 2)
    next(results)
    assert len(taken) <= 2 * AHEAD
    results.close()


@pytest.mark.parametrize("count", [1, 3])
def test_what_the_work_raises_is_raised_at_its_turn(count):
    results = in_order(lambda item: 1 // item, [2, 1, 0, 4], count)
    assert [next(results), next(results)] == [(2, 0), (1, 1)]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_threads_are_those_of_the_numeric_libraries(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert threads() == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "")
    assert threads() >= 1
