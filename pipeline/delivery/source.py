"""The tiles that a delivery is made of, and the legend that their provenance shares."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.grid import Tile

RANKS = 256


@dataclass(frozen=True)
class TileSource:
    """A revision of a tile and what is known of it.

    Attributes:
        name: of the tile.
        revision: its number.
        folder: with mosaic.tif, landcover.tif and confidence.tif.
        build: folder with provenance.tif and, where holes show older dates, fill_provenance.tif.
        scenes: id and day of each scene that the provenance names, by rank.
        review: approved, unreviewed or rejected.
        report: figures of build and revision.
    """

    name: str
    revision: int
    folder: Path
    build: Path
    scenes: Mapping[int, tuple[str, date]]
    review: str = "unreviewed"
    report: Mapping[str, Any] = field(default_factory=dict)

    @property
    def tile(self) -> Tile:
        """The tile with its geometry."""
        return Tile.parse(self.name)


@dataclass(frozen=True)
class SceneNumbers:
    """One number for each scene of a delivery, from 1: the values of its provenance.

    Attributes:
        rows: (number, tile, scene, day), in the order of the numbers.
    """

    rows: tuple[tuple[int, str, str, date], ...]

    @classmethod
    def of(cls, sources: Sequence[TileSource]) -> "SceneNumbers":
        """Number the scenes of the tiles, in order of tile and rank."""
        listed = [
            (source.name, *source.scenes[rank])
            for source in sorted(sources, key=lambda one: one.name)
            for rank in sorted(source.scenes)
        ]
        return cls(tuple((number, *row) for number, row in enumerate(listed, 1)))

    def table(self, source: TileSource) -> NDArray[np.uint16]:
        """The numbers of a tile's ranks: uint16 (256,), 0 = no data."""
        found = np.zeros(RANKS, np.uint16)
        by_scene = {(tile, scene): number for number, tile, scene, _ in self.rows}
        for rank, (scene, _) in source.scenes.items():
            found[rank] = by_scene[source.name, scene]
        return found

    @property
    def days(self) -> list[date]:
        """The days of all scenes, the first first."""
        return sorted({day for *_, day in self.rows})
