"""How well finished tiles meet after balancing, on ground that was left out of the fit."""

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.balance import Balance, corner, pairs_of
from pipeline.errors import UsageError
from pipeline.grid import Tile
from pipeline.ground import Cells
from pipeline.raster import BANDS
from pipeline.shared_ground import shared_ground

FITTED, LEFT_OUT = 0, 1


@dataclass(frozen=True)
class Step:
    """How two neighbours differ on the ground left out of the fit.

    Attributes:
        tiles: names of the two.
        blocks: number of cells that were compared.
        before, after: float64 (4), median ratio of the first to the second by band, as they are and balanced.
    """

    tiles: tuple[str, str]
    blocks: int
    before: NDArray[np.float64]
    after: NDArray[np.float64]

    def to_json(self) -> dict[str, Any]:
        """Ratios by name of the band."""
        return {
            "tiles": list(self.tiles),
            "blocks": self.blocks,
            "before": dict(zip(BANDS, np.round(self.before, 4).tolist(), strict=True)),
            "after": dict(zip(BANDS, np.round(self.after, 4).tolist(), strict=True)),
        }


def steps(cells: Mapping[str, Cells]) -> list[Step]:
    """The steps between neighbours, balanced by one half of their cells and compared on the other.

    The halves are those of a checkerboard of cells of 480 m (8 x 8 pixels of 60 m).

    Args:
        cells: cell means of the composites by tile name.
    """
    balance = Balance({name: half(image, FITTED) for name, image in cells.items()})
    found = {name: balance.of(Tile.parse(name)) for name in cells}
    compared = []
    for one, other in pairs_of([Tile.parse(name) for name in sorted(cells)], cells):
        shared = shared_ground(half(cells[one], LEFT_OUT), half(cells[other], LEFT_OUT))
        if not shared.means.shape[2]:
            continue
        places = shared.places - np.array([corner(one), corner(other)])[:, :, None]
        first, second = (found[name].at(shared.means[i], *places[i]) for i, name in enumerate((one, other)))
        before = np.median(shared.means[0] / shared.means[1], axis=1)
        compared.append(Step((one, other), shared.means.shape[2], before, np.median(first / second, axis=1)))
    return compared


def half(cells: Cells, parity: int) -> Cells:
    """The cells of one colour of the checkerboard; the others count as hidden."""
    rows = cells.row + np.arange(cells.count.shape[0])[:, None]
    columns = cells.column + np.arange(cells.count.shape[1])[None, :]
    return replace(cells, count=np.where((rows + columns) % 2 == parity, cells.count, 0))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `check-balance`."""
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of finished tiles")


def run(asked: argparse.Namespace) -> None:
    """Print the steps between the tiles of a folder, one JSON object a line.

    Raises:
        UsageError: no two neighbours in the folder have a composite.
    """
    builds = {path.parent.name: path for path in sorted(asked.out.glob("*/balance.npz"))}
    found = steps({name: Cells.load(path) for name, path in builds.items()})
    if not found:
        raise UsageError(f"{asked.out} holds no composites of two neighbours with common clear land.", "out")
    for step in found:
        print(json.dumps(step.to_json()))
