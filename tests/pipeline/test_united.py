"""Areas put together and mended: the right ground, and an end in time however the corners lie."""

import time

import pytest
import shapely
from shapely import GeometryCollection, LineString, MultiPolygon, Point, Polygon, box

from pipeline import bounded, united
from pipeline.bounded import Bounds, Busy
from pipeline.errors import UsageError


def scribble(corners):
    """An outline that crosses itself nearly everywhere."""
    return Polygon([(15 + (n * 7919 % 9973) / 1e4, 45 + (n * 6101 % 9967) / 1e4) for n in range(corners)])


def lattice(strips):
    """Strips across strips: few corners, which cross as often as their number squared."""
    steps = [n / strips for n in range(strips)]
    width = 0.5 / strips
    return [box(at, 0, at + width, 1) for at in steps] + [box(0, at, 1, at + width) for at in steps]


@pytest.mark.parametrize("few", [0, united.FEW])
def test_parts_that_overlap_become_one_here_or_in_a_process(monkeypatch, few):
    monkeypatch.setattr(united, "FEW", few)
    found = united.united([box(0, 0, 2, 2), MultiPolygon([box(1, 1, 3, 3), box(5, 5, 6, 6)])])
    assert found.is_valid and found.area == 8 and len(found.geoms) == 2


def test_parts_that_do_not_overlap_stay_as_they_are():
    parts = [box(n, 0, n + 0.5, 1) for n in range(5_000)]
    begun = time.monotonic()
    assert united.united(parts).equals_exact(MultiPolygon(parts))
    assert time.monotonic() - begun < 5


def test_nothing_is_nothing():
    assert united.united([]).is_empty and united.united([Polygon()]).is_empty


@pytest.mark.parametrize("few", [0, united.FEW])
def test_an_outline_that_crosses_itself_is_mended(monkeypatch, few):
    monkeypatch.setattr(united, "FEW", few)
    bow = Polygon([(0, 0), (1, 1), (1, 0), (0, 1), (0, 0)])
    assert united.mended(bow).area == 0.5
    assert united.mended(box(0, 0, 1, 1)).equals(box(0, 0, 1, 1))
    assert united.mended(LineString([(0, 0), (0, 0)])).equals(Point(0, 0))
    spike = Polygon([(0, 0), (1, 0), (1, 1), (1, 2), (1, 1), (0, 1)])
    assert united.mended(GeometryCollection([spike])).area == 1


@pytest.mark.parametrize("few", [0, united.FEW])
def test_a_line_is_widened_here_or_in_a_process(monkeypatch, few):
    monkeypatch.setattr(united, "FEW", few)
    line = LineString([(0, 0), (10, 0)])
    assert united.widened(line, 2.0).equals(line.buffer(2.0))


def test_a_scribble_and_a_lattice_end_in_time(monkeypatch):
    monkeypatch.setattr(united, "BOUNDS", Bounds(seconds=2))
    begun = time.monotonic()
    for work in (
        lambda: united.mended(scribble(20_000), "geometry"),
        lambda: united.united(lattice(2_000)),
        lambda: united.widened(scribble(20_000).exterior, 0.001, "geometry"),
    ):
        with pytest.raises(UsageError, match="took too much time or memory"):
            work()
    assert time.monotonic() - begun < 20


def test_what_few_corners_take_here_is_little():
    few = lattice(united.FEW // 10)
    assert sum(shapely.get_num_coordinates(few)) <= united.FEW
    begun = time.monotonic()
    united.united(few)
    united.mended(scribble(united.FEW - 1))
    assert time.monotonic() - begun < 10


def test_only_some_are_at_work_at_once(monkeypatch):
    monkeypatch.setattr(bounded, "WAIT_SECONDS", 0.05)
    for _ in range(2):
        assert bounded.AT_ONCE.acquire(timeout=1)
    try:
        with pytest.raises(Busy, match="try again") as caught:
            united.united(lattice(40))
    finally:
        for _ in range(2):
            bounded.AT_ONCE.release()
    assert caught.value.http_status == 429
    assert united.united(lattice(40)).is_valid


def test_memory_and_files_of_the_process_are_limited():
    def run(code, **bounds):
        answer = bounded.run("tests.bounded_child", code, b"", Bounds(**{"seconds": 5} | bounds))
        return answer

    assert run("found = 1 + 1") == 2
    assert run("found = len(bytearray(500 * 2**20))", memory=300 * 2**20) is None
    assert (
        run("import tempfile; f = tempfile.TemporaryFile(); f.write(b'0' * 4096); f.flush(); found = 1")
        is None
    )
    assert run("import os; found = sorted(set(os.environ) & {'SECRET_KEY', 'DATABASE_URL'})") == []
