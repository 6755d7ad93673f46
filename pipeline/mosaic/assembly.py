"""The composite in cells: which scene each shows, and what leads one over to the next (paper, 2.3)."""

from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray
from rasterio.windows import Window
from scipy.ndimage import gaussian_filter

from pipeline.distance import distance_to_false, near_true
from pipeline.evidence import CLEAR, DOUBTFUL, HAZY, HOLE
from pipeline.mosaic.cells import BLOCK, difference, gap_sums, put
from pipeline.mosaic.change import Change
from pipeline.mosaic.fields import Axis, field
from pipeline.mosaic.seamline import yielded
from pipeline.mosaic.series import SUSPECT
from pipeline.mosaic.shade import DARK, DARK_SUSPECT
from pipeline.parallel import in_order
from pipeline.ramps import smoothstep
from pipeline.sketch import CellGrid, block_sums
from pipeline.storage import reserve

REACH = 720.0
FADE = 1_500.0
MEAN_OVER = 300.0
FAR_MEANS = (1_200.0, 4_800.0)
FAINT = 1e-3
MOST_DIFFERENCE = 0.03
MOST_AWAY = 8.0
DARK_KINDS = DARK, DARK_SUSPECT


class Offsets:
    """What leads each scene over to the scenes before it.

    That is how the ground changed between them, as a gain and an offset at each cell, and then what is added
    near the edges, on blocks of `BLOCK` x `BLOCK` cells.

    Args:
        folder: where they are kept, one file a scene, so that memory does not grow with the scenes.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, rank: int, values: NDArray[np.float32]) -> None:
        """Keep the offsets of a scene, float32 (4, h, w) in reflectance."""
        np.save(self._path(rank), values)

    def of(self, rank: int) -> NDArray[np.float32] | None:
        """The offsets of a scene; None where it has none."""
        path = self._path(rank)
        return _loaded(path) if path.exists() else None

    def room_for_change(self, rank: int, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Where to put the change of a scene, float32 (8, h, w), on disk; see `change.fitted`.

        Raises:
            StorageError: the disk is full.
        """
        path = self._change_path(rank)
        room = open_memmap(path, "w+", np.float32, (8, *shape))
        reserve(path)
        return room

    def change_of(self, rank: int) -> NDArray[np.float32] | None:
        """The change of a scene, left on disk; None where it has none."""
        path = self._change_path(rank)
        return _left_on_disk(path) if path.exists() else None

    def _path(self, rank: int) -> Path:
        return self.folder / f"offsets-{rank}.npy"

    def _change_path(self, rank: int) -> Path:
        return self.folder / f"change-{rank}.npy"


@lru_cache(maxsize=4)
def _loaded(path: Path) -> NDArray[np.float32]:
    values: NDArray[np.float32] = np.load(path, allow_pickle=False)
    return values


@lru_cache(maxsize=4)
def _left_on_disk(path: Path) -> NDArray[np.float32]:
    values: NDArray[np.float32] = np.load(path, mmap_mode="r", allow_pickle=False)
    return values


class Assembly:
    """The composite of a tile in cells, under construction; memory does not grow with the scenes.

    Args:
        grid: the cells.
        offsets: where the offsets of the scenes are kept.
    """

    def __init__(self, grid: CellGrid, offsets: Offsets) -> None:
        shape = grid.geobox.shape.yx
        self.grid, self.offsets = grid, offsets
        self.values = np.full((4, *shape), np.nan, np.float32)
        self.rank = np.zeros(shape, np.uint8)
        self.level = np.full(shape, HOLE, np.uint8)
        self.suspect = np.zeros(shape, bool)
        self.away = np.zeros(shape, np.float16)
        self.dark = np.zeros(shape, bool)

    def lay_clear(self, rank: int, values: NDArray[np.float32], level: NDArray[np.uint8]) -> None:
        """Show a scene where it is clear and no scene before it is, up to where it agrees best with them.

        Args:
            rank: of the scene.
            values: (4, h, w), reflectance in common radiometry.
            level: uint8 (h, w), its sureness.
        """
        self._lay(rank, values, level == CLEAR, CLEAR, yields=True)

    def lay_beside(self, rank: int, values: NDArray[np.float32], level: NDArray[np.uint8]) -> None:
        """Show a scene where it is clear and nothing is shown, led over to what is; as `lay_clear` else."""
        self._lay(rank, values, level == CLEAR, CLEAR, yields=False)

    def lay_hazy(self, rank: int, values: NDArray[np.float32], level: NDArray[np.uint8]) -> None:
        """Show a hazy scene where nothing else is; arguments as `lay_clear`."""
        self._lay(rank, values, np.isin(level, (CLEAR, DOUBTFUL)), HAZY, yields=False)

    def fill(
        self,
        rank: int,
        values: NDArray[np.float32],
        level: NDArray[np.uint8],
        kind: int,
        away: NDArray[np.float64] | None = None,
    ) -> None:
        """Show a scene where it is `kind` (doubtful, suspect, dark or dark and suspect) and nothing surer is.

        Of several scenes that are so, the one is shown that is furthest from what it cannot show, see
        `inside`: there it is least likely to be in a cloud's fringe, and the edge between two scenes lies
        where both are seen. `away` is what `inside` tells, where it is known already.
        """
        open_ = self.rank == 0
        if kind == DOUBTFUL:
            open_ |= self.away > 0
        elif kind == DARK:
            open_ |= self.dark
        takes = (level == kind) & open_
        if not takes.any():
            return
        away = inside(level, kind) if away is None else away
        takes &= (self.rank == 0) | (away > self.away)
        self._take(rank, values, takes, DOUBTFUL, self.offsets.change_of(rank))
        self.away[takes] = away[takes]
        self.suspect |= takes & (kind == SUSPECT)
        self.dark |= takes & (kind in DARK_KINDS)

    def _lay(
        self,
        rank: int,
        values: NDArray[np.float32],
        usable: NDArray[np.bool_],
        level: int,
        yields: bool,
    ) -> None:
        takes = usable & (self.rank == 0)
        if not takes.any():
            return
        both = usable & (self.level == CLEAR)
        if both.any():
            near, values = self._learn(rank, values, both)
            both &= near
            mine = takes
            if yields:
                mine = takes | self._yielded(values, takes, both, self._meeting(values, takes, both))
            self.offsets.save(rank, self._meeting(values, mine, both))
            takes = mine
        self._take(rank, values, takes, level)

    def _learn(
        self, rank: int, values: NDArray[np.float32], both: NDArray[np.bool_]
    ) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
        """Keep how the ground changed from a scene to what is shown, around what nothing shows yet.

        Returns:
            Bool (h, w), where that is known, everywhere if too little ground is shared to learn it; and the
            scene (4, h, w) led by it.
        """
        change = Change.learned(self.values, values, both)
        if change is None:
            return np.ones_like(both), values
        reach = (REACH + MEAN_OVER) / self.grid.size
        near = near_true(self.rank == 0, reach)
        near &= np.isfinite(values).all(axis=0)
        return near, change.follow(values, near, self.offsets.room_for_change(rank, near.shape))

    def _yielded(
        self,
        values: NDArray[np.float32],
        takes: NDArray[np.bool_],
        both: NDArray[np.bool_],
        offsets: NDArray[np.float32],
    ) -> NDArray[np.bool_]:
        cost = difference(self.values, values, offsets)
        return yielded(self.rank > 0, takes, both, cost, REACH / self.grid.size)

    def _take(
        self,
        rank: int,
        values: NDArray[np.float32],
        takes: NDArray[np.bool_],
        level: int,
        lines: NDArray[np.float32] | None = None,
    ) -> None:
        put(values, lines, self.offsets.of(rank), takes, self.values)
        self.rank[takes] = rank
        self.level[takes] = level

    def _meeting(
        self, values: NDArray[np.float32], mine: NDArray[np.bool_], both: NDArray[np.bool_]
    ) -> NDArray[np.float32]:
        """The offsets at which a scene meets the others: their mean difference, fading into its own ground.

        The means are taken over `MEAN_OVER` metres of the ground that both show; beyond it those over wider
        surroundings take their place.
        """
        block = self.grid.size * BLOCK
        sums = gap_sums(self.values, values, both, BLOCK, MOST_DIFFERENCE)
        total = np.stack([found for _, found in in_order(lambda layer: _wide_sums(layer, block), sums)])
        mean = np.divide(total[1:], total[0], out=np.zeros_like(total[1:]), where=total[0] > FAINT**4)
        theirs = block_sums((self.rank > 0) & ~mine, BLOCK) > 0
        away = distance_to_false(~theirs, FADE / block + 1) * block
        return (mean * (1 - smoothstep(away / FADE))).astype(np.float32)


def inside(level: NDArray[np.uint8], kind: int) -> NDArray[np.float64]:
    """How far inside what a scene can show its cells lie, in cells up to `MOST_AWAY`; see `Assembly.fill`."""
    return distance_to_false((level != HOLE) & ((kind in DARK_KINDS) | (level < DARK)), MOST_AWAY)


def _wide_sums(layer: NDArray[np.float32], block: float) -> NDArray[np.float64]:
    """Means over the surroundings of a layer of blocks, the wider ones faint beside the narrower ones."""
    total = np.zeros(layer.shape)
    for number, metres in enumerate((MEAN_OVER, *FAR_MEANS)):
        total += FAINT**number * gaussian_filter(layer, metres / block)
    return total


def spread(blocks: NDArray[np.float32], cells: Window) -> NDArray[np.float32]:
    """Values of blocks spread over some of their cells, linearly between the middles of the blocks.

    Args:
        blocks: (bands, h, w).
        cells: which.
    """
    rows = Axis.of_cells(cells.row_off, cells.height, BLOCK, blocks.shape[1])
    cols = Axis.of_cells(cells.col_off, cells.width, BLOCK, blocks.shape[2])
    return field(blocks, rows, cols)
