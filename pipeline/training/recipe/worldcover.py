"""ESA WorldCover: a land cover map of 10 m for one year, in files of 3 x 3 degrees."""

import re
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

import numpy as np
import rasterio
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio.errors import RasterioError
from rasterio.warp import Resampling, reproject

from pipeline.errors import SourceError, UsageError
from pipeline.raster import opened

NAME = re.compile(r"ESA_WorldCover_10m_(\d{4})_v\d{3}", re.IGNORECASE)
EMPTY = 0
BUILT = 50

TABLE: dict[int, tuple[int, ...]] = {
    10: (3,),  # tree cover
    20: (2, 3),  # shrubland
    30: (2,),  # grassland
    40: (2,),  # cropland
    50: (4, 5),  # built-up
    60: (6,),  # bare or sparse vegetation
    70: (),  # snow and ice
    80: (1,),  # permanent water
    90: (1, 2),  # herbaceous wetland
    95: (3,),  # mangroves
    100: (2, 6),  # moss and lichen
}
"""Code of the map -> the landcover classes that it may be; none where it is none of the six."""


def year_of(path: Path) -> int | None:
    """Return the year that a file's published name tells, or None."""
    match = NAME.search(path.name)
    return int(match[1]) if match else None


class WorldCover:
    """The maps of one or several years, read onto any grid. Used as a context.

    Args:
        paths: the files, as published; those of one year are laid side by side.
        year: of files whose names do not tell it.

    Attributes:
        years: that there are maps of, in order.

    Raises:
        UsageError: the year of a file is not known.
    """

    def __init__(self, paths: Sequence[Path], year: int | None = None) -> None:
        self._paths: dict[int, list[Path]] = defaultdict(list)
        for path in paths:
            known = year_of(path) or year
            if known is None:
                raise UsageError(
                    f"The name of {path} tells no year: say with --worldcover-year which the map is of.",
                    "worldcover_year",
                )
            self._paths[known].append(path)
        self.years = sorted(self._paths)
        self._stack = ExitStack()
        self._open: dict[int, list[rasterio.DatasetReader]] = {}

    def __enter__(self) -> "WorldCover":
        """Open the files.

        Raises:
            SourceError: one is missing or no raster of one band of 8 bits.
        """
        try:
            for year, paths in self._paths.items():
                self._open[year] = [self._opened(path) for path in paths]
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close the files."""
        self._stack.close()

    def read(self, geobox: GeoBox, year: int) -> NDArray[np.uint8]:
        """Return the codes of a year's map at the centres of a grid's pixels, 0 where there is no map.

        Raises:
            SourceError: the file cannot be read, or holds codes that are none of WorldCover's.
        """
        found = np.zeros(geobox.shape.yx, np.uint8)
        for dataset in self._open[year]:
            part = np.zeros_like(found)
            try:
                reproject(
                    rasterio.band(dataset, 1),
                    part,
                    dst_transform=geobox.affine,
                    dst_crs=str(geobox.crs),
                    src_nodata=EMPTY,
                    dst_nodata=EMPTY,
                    resampling=Resampling.nearest,
                )
            except RasterioError as error:
                raise SourceError(f"{dataset.name} cannot be read: {error}.") from error
            odd = sorted(set(np.unique(part).tolist()) - {EMPTY, *TABLE})
            if odd:
                raise SourceError(f"{dataset.name} is no WorldCover map: it holds the code {odd[0]}.")
            found = np.where(found == EMPTY, part, found)
        return found

    def _opened(self, path: Path) -> rasterio.DatasetReader:
        dataset = self._stack.enter_context(opened(path))
        if dataset.count != 1 or dataset.dtypes[0] != "uint8" or dataset.crs is None:
            raise SourceError(
                f"{path} is no WorldCover map: one band of 8 bits with a coordinate system was expected."
            )
        return dataset
