"""The tasks that `balance` measures: corrections of many tiles, whose cells are made up as they are read."""

import tempfile
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Transformer

from pipeline.balance import Balance, by_rows, corner, pairs_of
from pipeline.grid import Tile, tiles_of
from pipeline.ground import CELL, Cells, southing
from pipeline.shared_ground import shared_ground
from pipeline.smooth import SmoothCorrection

# Without a sea between them, so that tiles have more neighbours than on land as it is.
BLOCK_OF_LAND = (-17.9, -35.0, 160.0, 71.0)
SIDE = 228
NODES = 9
FILES = 32
KEPT = 600
HIDDEN = 0.15
LEVELS = np.array([0.09, 0.08, 0.06, 0.3])
GAIN_SPREAD, OFFSET_SPREAD = 0.03, 0.0015
LEAST_SHARED = 200


class Stock(Mapping[str, Cells]):
    """Cells of many tiles, read when asked for, of which the last `KEPT` stay.

    Reading is that of a whole balance.npz; what it holds is then replaced by the tile's own ground, which is
    the same function of longitude and latitude for all, with a gain, an offset and clouds of the tile's own.

    Attributes:
        made: seconds that went into making up ground, which are not those of the balance.
        reads: number of files that were read.
    """

    def __init__(self, names: list[str], folder: Path) -> None:
        self.names = set(names)
        self.files = [folder / f"{number}.npz" for number in range(FILES)]
        self.kept: OrderedDict[str, Cells] = OrderedDict()
        self.made, self.reads = 0.0, 0
        for number, path in enumerate(self.files):
            ground(names[number % len(names)]).save(path)

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __getitem__(self, name: str) -> Cells:
        if name not in self.kept:
            Cells.load(self.files[self.reads % FILES])
            self.reads += 1
            began = time.perf_counter()
            self.kept[name] = ground(name)
            self.made += time.perf_counter() - began
            if len(self.kept) > KEPT:
                self.kept.popitem(last=False)
        self.kept.move_to_end(name)
        return self.kept[name]


def ground(name: str) -> Cells:
    """Cell means of one tile, partly hidden."""
    tile = Tile.parse(name)
    rng = np.random.default_rng(list(name.encode()))
    top, left = corner(name)
    row, column = int(np.ceil(top / CELL)), int(np.ceil(left / CELL))
    longitude, latitude = _places(tile, row, column)
    wave = 0.5 * np.sin(longitude * 31.0) + 0.5 * np.cos(latitude * 43.0) + _texture(longitude, latitude)
    gain = rng.normal(1, GAIN_SPREAD, (4, 1, 1))
    offset = rng.normal(0, OFFSET_SPREAD, (4, 1, 1))
    shape = np.array([0.35, 0.3, 0.35, 0.2])[:, None, None]
    mean = LEVELS[:, None, None] * (1 + shape * wave) * gain + offset
    mean += rng.normal(0, 0.0005, (4, SIDE, SIDE))
    clouds = np.kron(rng.random((SIDE // 12, SIDE // 12)) < HIDDEN, np.ones((12, 12), bool))
    count = np.where(clouds, 0, 64).astype(np.int32)
    return Cells(
        tile.epsg, CELL, column, row, mean.astype(np.float32), count, np.ones(count.shape, np.float32), 64
    )


def _places(tile: Tile, row: int, column: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Longitude and latitude of the cells, linear between a few nodes."""
    nodes = np.linspace(0, SIDE - 1, NODES)
    x, south = np.meshgrid((column + 0.5 + nodes) * CELL, (row + 0.5 + nodes) * CELL)
    places = _to_degrees(tile.epsg).transform(x, southing(tile.epsg, south))
    share = np.maximum(0, 1 - np.abs(np.arange(SIDE)[:, None] - nodes) * (NODES - 1) / (SIDE - 1))
    longitude, latitude = (share @ field @ share.T for field in places)
    return longitude, latitude


@lru_cache(maxsize=256)
def _to_degrees(epsg: int) -> Transformer:
    return Transformer.from_crs(epsg, 4326, always_xy=True)


def _texture(longitude: NDArray[np.float64], latitude: NDArray[np.float64]) -> NDArray[np.float64]:
    return 0.4 * np.sin(longitude * 173.0 + latitude * 91.0) * np.cos(latitude * 211.0 - longitude * 67.0)


def many(tiles: int) -> dict[str, Any]:
    """The rounded corrections of many tiles of one land, in one process, their cells read from files."""
    chosen = by_rows(tiles_of(shapely.box(*BLOCK_OF_LAND)))[:tiles]
    with tempfile.TemporaryDirectory() as folder:
        stock = Stock([tile.name for tile in chosen], Path(folder))
        balance, began, spent = Balance(stock), time.perf_counter(), time.process_time()
        changed = sum(balance.of(tile).changes for tile in chosen)
        wall, cpu = time.perf_counter() - began, time.process_time() - spent
    return {
        "seconds": wall - stock.made,
        "processor_seconds": cpu - stock.made * cpu / wall,
        "tiles": len(chosen),
        "changed": changed,
        "reads": stock.reads,
    }


def square(middle: str, steps: int) -> dict[str, Any]:
    """How the tiles within some steps of one meet after balancing, and how far they are from all at once."""
    tiles = [Tile.parse(middle), *Tile.parse(middle).ring(steps)]
    cells = {tile.name: ground(tile.name) for tile in tiles}
    balance, began = Balance(cells), time.perf_counter()
    found = {tile.name: balance.of(tile) for tile in tiles}
    seconds = time.perf_counter() - began
    balance.rings = 2 * steps + 1
    whole = balance.solution(tiles[0])
    off = [_off(found[name], gain, offset) for name, (gain, offset) in whole.items()]
    identity = SmoothCorrection.identity()
    pairs = [
        (_step(cells, found, pair), _step(cells, dict.fromkeys(pair, identity), pair))
        for pair in pairs_of(tiles, cells)
    ]
    kept = [(after, before) for after, before in pairs if after is not None and before is not None]
    return {
        "seconds": seconds,
        "tiles": len(tiles),
        "pairs": len(kept),
        "before": max(before for _, before in kept),
        "after": max(after for after, _ in kept),
        "from_whole": max(off),
    }


def _off(found: SmoothCorrection, gain: NDArray[np.float64], offset: NDArray[np.float64]) -> float:
    """How far a correction is from another one, as a share of what that makes of mean ground."""
    middle = LEVELS[:, None, None]
    whole = gain * middle + offset
    return float(np.abs((found.gain * middle + found.offset) / whole - 1).max())


def _step(
    cells: Mapping[str, Cells], found: Mapping[str, SmoothCorrection], pair: tuple[str, str]
) -> float | None:
    """How far the median ratio of two tiles on their common ground is from 1, in the worst band."""
    shared = shared_ground(cells[pair[0]], cells[pair[1]])
    if shared.means.shape[2] < LEAST_SHARED:
        return None
    one, other = (
        found[name].at(shared.means[i], *(shared.places[i] - np.array(corner(name))[:, None]))
        for i, name in enumerate(pair)
    )
    return float(np.abs(np.median(one / other, axis=1) - 1).max())
