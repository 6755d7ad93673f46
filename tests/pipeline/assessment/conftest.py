"""Tiles of another size than those of the grid."""

import pytest

from pipeline import grid


@pytest.fixture
def make_tiles_small(monkeypatch):
    """Give every tile, until the test ends, this many metres a side from its upper-left corner."""

    def forget():
        grid._parse.cache_clear()
        grid._neighbours.cache_clear()

    def shrink(size):
        monkeypatch.setattr(grid, "SIZE", size)
        forget()

    yield shrink
    monkeypatch.undo()
    forget()
