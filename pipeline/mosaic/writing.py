"""The pixels of the composite on their way to its files (paper, 2.3)."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio.enums import Resampling
from rasterio.io import DatasetWriter

from pipeline.evidence import CLEAR, DOUBTFUL, HAZY, HOLE, MOST_SCENES
from pipeline.mosaic.fusion import Fusion
from pipeline.mosaic.pixels import count
from pipeline.parallel import in_order
from pipeline.raster import raster_writer, reflectance_writer, windows


@dataclass
class Tally:
    """What is counted while the windows go by."""

    levels: NDArray[np.int64] = field(default_factory=lambda: np.zeros(4, np.int64))
    ranks: NDArray[np.int64] = field(default_factory=lambda: np.zeros(MOST_SCENES + 1, np.int64))

    def add(self, provenance: NDArray[np.uint8]) -> None:
        """Count one window."""
        count(provenance, self.ranks, self.levels)

    def report(self) -> dict[str, float]:
        """Shares of the tile by sureness."""
        shares = self.levels / max(int(self.levels.sum()), 1)
        return {
            "coverage": float(1 - shares[HOLE]),
            "clear": float(shares[CLEAR]),
            "doubtful": float(shares[DOUBTFUL]),
            "hazy": float(shares[HAZY]),
            "holes": float(shares[HOLE]),
        }

    def share(self, rank: int) -> float:
        """The share of the tile that a scene shows."""
        return float(self.ranks[rank] / max(int(self.ranks.sum()), 1))


def write(fusion: Fusion, geobox: GeoBox, folder: Path) -> Tally:
    """Write composite.tif and provenance.tif window by window; they appear only when whole."""
    tally = Tally()
    with ThreadPoolExecutor(1) as beside, ExitStack() as open_:
        provenance = open_.enter_context(provenance_writer(folder / "provenance.tif", geobox))
        with reflectance_writer(folder / "composite.tif", geobox) as composite:
            for window, (stored, origin) in in_order(fusion.window, windows(geobox.shape.yx)):
                composite.write(stored, window=window)
                provenance.write(origin, window=window)
                tally.add(origin)
            # Packing what is written takes one core, and flushing the composite waits for the disk.
            packed = beside.submit(open_.pop_all().close)
        packed.result()
    return tally


def provenance_writer(path: Path, geobox: GeoBox) -> AbstractContextManager[DatasetWriter]:
    """As `raster_writer`, for which scene shows and how sure it is; overviews by the nearest pixel."""
    return raster_writer(
        path, geobox, 2, "uint8", descriptions=("rank", "sureness"), cog=True, overviews=Resampling.nearest
    )
