"""The four bands of one product, open, and read in their own pixels or in means of k x k of them."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from math import ceil, floor
from threading import Lock

import numpy as np
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.enums import Resampling
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from pipeline.catalog.gdal import open_source
from pipeline.catalog.sampling import APRON, TRIM, near_swath_edge
from pipeline.catalog.scene import Scene
from pipeline.errors import SourceError
from pipeline.lookup import look_up
from pipeline.raster import BANDS, EMPTY, encode

CLOSE = 1e-6


@dataclass(frozen=True)
class Lattice:
    """The pixels in which a source is read, relative to a target grid of the same CRS.

    Attributes:
        step: source pixels in one pixel of the lattice, per axis.
        affine: lattice pixel to metres.
        shape: rows, cols.
        factor: size of a target pixel in lattice pixels.
        shift: (rows, cols): where the target's origin lies, in lattice pixels.
        aligned: whether each target pixel is a lattice pixel.
    """

    step: int
    affine: Affine
    shape: tuple[int, int]
    factor: float
    shift: tuple[float, float]
    aligned: bool

    @property
    def trim(self) -> int:
        """Lattice pixels to drop along the swath edge: 3 source pixels; of means, the mixed one besides."""
        return TRIM if self.step == 1 else ceil(TRIM / self.step) + 1


def lattice(affine: Affine, shape: tuple[int, int], target: GeoBox) -> Lattice:
    """How a north-up raster is best read for a target grid: as it is, or in means of k x k where it is finer.

    Means lie on the target's pixels where the grids agree to the source pixel, else on the source's own
    corner.
    """
    size, wanted = affine.a, target.affine.a
    ratio = wanted / size
    step = max(1, floor(ratio + CLOSE))
    right, down = (target.affine.c - affine.c) / size, (affine.f - target.affine.f) / size
    aligned = all(abs(value - round(value)) < CLOSE for value in (ratio, right, down)) and ratio > 0.5
    corner = (round(down) % step, round(right) % step) if aligned else (0, 0)
    start = [part - step if part else 0 for part in corner]
    rows, cols = (ceil((count - first) / step) for count, first in zip(shape, start, strict=True))
    grid = Affine(size * step, 0, affine.c + start[1] * size, 0, -size * step, affine.f - start[0] * size)
    shift = ((grid.f - target.affine.f) / grid.a, (target.affine.c - grid.c) / grid.a)
    return Lattice(step, grid, (rows, cols), wanted / grid.a, shift, aligned)


@dataclass(frozen=True)
class BandReader:
    """One open band, at which threads take turns.

    Attributes:
        dataset: that it is read from.
        index: of the band in it.
        turn: held by the thread that reads.
    """

    dataset: rasterio.DatasetReader | WarpedVRT
    index: int
    turn: Lock = field(default_factory=Lock)

    def read(self, window: Window) -> np.ndarray:
        """The numbers of a window (h, w)."""
        with self.turn:
            return self.dataset.read(self.index, window=window)


class Source:
    """The open bands of one product; several threads may read at once.

    Args:
        scene: the product (a scene without parts, or one part).
        target: the grid that it will be read onto.

    Attributes:
        lattice: the pixels in which it is read.
        levels: by band, what is read of its file (itself or an overview), and the grid of that.

    Raises:
        SourceError: a band is missing, of another type or grid than expected, or does not lie on the target.
    """

    def __init__(self, scene: Scene, target: GeoBox) -> None:
        self.scene = scene
        self.stack = ExitStack()
        try:
            self.datasets = {band: self._open(band) for band in BANDS}
            first = self.datasets["red"]
            self._check_same_grid()
            self._check_place(first, target)
            self.lattice = lattice(first.transform, first.shape, target)
            self.levels = {band: self._level(band) for band in BANDS}
            self.readers = [self._reader(band) for band in BANDS]
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the files."""
        self.stack.close()

    def block(self, rows: tuple[int, int], cols: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """Reflectance of lattice pixels, swath edge trimmed; what lies outside the source is empty.

        Args:
            rows: first and one past the last lattice row.
            cols: the same for columns.

        Returns:
            float32 (4, h, w), of no meaning in empty pixels, and bool (h, w), True where one is not empty.
        """
        counts, valid = self._counts(rows, cols)
        return self._reflectance(counts), valid

    def stored(self, rows: tuple[int, int], cols: tuple[int, int]) -> np.ndarray:
        """As `block`, but stored reflectance, uint16 (4, h, w), 0 = empty."""
        counts, valid = self._counts(rows, cols)
        if counts.dtype != np.uint16:
            return encode(self._reflectance(counts), valid)
        found = look_up(self._tables, counts)
        return found if valid.all() else np.where(valid, found, np.uint16(EMPTY))

    @cached_property
    def _tables(self) -> np.ndarray:
        """Stored reflectance of each number that a pixel can have, uint16 (4, 65536)."""
        counts = np.broadcast_to(np.arange(65_536, dtype=np.uint16)[:, np.newaxis], (len(BANDS), 65_536, 1))
        return encode(self._reflectance(counts), np.ones((65_536, 1), bool))[:, :, 0]

    def _counts(self, rows: tuple[int, int], cols: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """Numbers as in the files (means are float32), and where they are not empty; 0 outside the source."""
        shape = rows[1] - rows[0], cols[1] - cols[0]
        inside = [_clip(span, 0, count) for span, count in zip((rows, cols), self.lattice.shape, strict=True)]
        if inside == [rows, cols]:
            return self._inner(rows, cols)
        counts = np.zeros((len(BANDS), *shape), np.uint16 if self.lattice.step == 1 else np.float32)
        valid = np.zeros(shape, bool)
        if all(last > first for first, last in inside):
            place = tuple(
                slice(a - span[0], b - span[0]) for (a, b), span in zip(inside, (rows, cols), strict=True)
            )
            counts[(slice(None), *place)], valid[place] = self._inner(*inside)
        return counts, valid

    def _inner(self, rows: tuple[int, int], cols: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """As `_counts`, for pixels all inside the source; reads an apron, so that windows do not matter."""
        wide = [
            _clip((span[0] - APRON, span[1] + APRON), 0, count)
            for span, count in zip((rows, cols), self.lattice.shape, strict=True)
        ]
        window = Window(wide[1][0], wide[0][0], wide[1][1] - wide[1][0], wide[0][1] - wide[0][0])
        counts = np.stack([reader.read(window) for reader in self.readers])
        nodata = np.array([self.scene.assets[band].nodata for band in BANDS])[:, np.newaxis, np.newaxis]
        valid = (counts != nodata).all(axis=0)
        missing = [
            (APRON - (span[0] - out[0]), APRON - (out[1] - span[1]))
            for span, out in zip((rows, cols), wide, strict=True)
        ]
        near = near_swath_edge(np.pad(~valid, missing, mode="edge"), self.lattice.trim)
        core = tuple(
            slice(span[0] - out[0], span[1] - out[0]) for span, out in zip((rows, cols), wide, strict=True)
        )
        kept = valid[core] & ~near[APRON : near.shape[0] - APRON, APRON : near.shape[1] - APRON]
        return counts[(slice(None), *core)], kept

    def _reflectance(self, counts: np.ndarray) -> np.ndarray:
        assets = [self.scene.assets[band] for band in BANDS]
        scales = np.array([asset.scale for asset in assets])[:, np.newaxis, np.newaxis]
        offsets = np.array([asset.offset for asset in assets])[:, np.newaxis, np.newaxis]
        return (counts * scales + offsets).astype(np.float32)

    def _open(self, band: str) -> rasterio.DatasetReader:
        asset = self.scene.assets.get(band)
        if asset is None:
            raise SourceError(f"Scene {self.scene.id} has no {band} band.")
        dataset = self.stack.enter_context(open_source(self.scene, f"{band} band", asset.href))
        if asset.band_index not in dataset.indexes:
            self._refuse(band, f"has {dataset.count} bands, not {asset.band_index}")
        if dataset.dtypes[asset.band_index - 1] != "uint16":
            self._refuse(band, f"has pixels of type {dataset.dtypes[asset.band_index - 1]}, not uint16")
        if dataset.crs is None:
            self._refuse(band, "has no projection")
        t = dataset.transform
        if t.b or t.d or not t.a > 0 or abs(t.a + t.e) > CLOSE:
            self._refuse(band, "has no north-up grid of square pixels")
        return dataset

    def _reader(self, band: str) -> "BandReader":
        dataset, asset = self.datasets[band], self.scene.assets[band]
        if self.lattice.step == 1:
            return BandReader(dataset, asset.band_index)
        finer, affine = self.levels[band]
        means = WarpedVRT(
            finer,
            src_transform=affine,
            crs=dataset.crs,
            transform=self.lattice.affine,
            width=self.lattice.shape[1],
            height=self.lattice.shape[0],
            src_nodata=asset.nodata,
            nodata=asset.nodata,
            dtype="float32",
            resampling=Resampling.average,
        )
        return BandReader(self.stack.enter_context(means), asset.band_index)

    def _level(self, band: str) -> tuple[rasterio.DatasetReader, Affine]:
        """The coarsest overview of a band not coarser than the lattice, or the band itself, and its grid.

        The overviews of JPEG 2000 are its wavelet levels: pixel j of level 1:f is centred on pixel f * j of
        the band, which GDAL does not tell. Other formats stretch an overview over the whole picture.
        """
        dataset, asset = self.datasets[band], self.scene.assets[band]
        factors = [factor for factor in dataset.overviews(asset.band_index) if factor <= self.lattice.step]
        if not factors:
            return dataset, dataset.transform
        level = open_source(self.scene, f"{band} band", asset.href, OVERVIEW_LEVEL=len(factors) - 1)
        overview = self.stack.enter_context(level)
        if dataset.driver == "JP2OpenJPEG":
            return overview, _wavelet_level(dataset.transform, max(factors))
        return overview, overview.transform

    def _check_same_grid(self) -> None:
        first = self.datasets["red"]
        for band, dataset in self.datasets.items():
            same = dataset.shape == first.shape and dataset.transform.almost_equals(first.transform, CLOSE)
            if not same or dataset.crs != first.crs:
                self._refuse(band, "lies on another grid than the red band")

    def _check_place(self, dataset: rasterio.DatasetReader, target: GeoBox) -> None:
        wanted = rasterio.CRS.from_user_input(str(target.crs))
        if dataset.crs != wanted and dataset.crs.to_epsg() != wanted.to_epsg():
            self._refuse(
                "red", f"is in {dataset.crs.to_string()[:60]}, its tile {self.scene.tile} in {wanted}"
            )
        box, place = target.boundingbox, dataset.bounds
        apart = (
            place.right <= box.left
            or place.left >= box.right
            or place.top <= box.bottom
            or place.bottom >= box.top
        )
        if apart:
            corner = f"({place.left:.0f}, {place.top:.0f})"
            self._refuse(
                "red", f"with its upper-left corner at {corner} lies outside the tile {self.scene.tile}"
            )

    def _refuse(self, band: str, problem: str) -> None:
        raise SourceError(f"The {band} band of scene {self.scene.id} {problem}.")


def _wavelet_level(affine: Affine, factor: int) -> Affine:
    back = (factor - 1) / 2
    return Affine(
        affine.a * factor, 0, affine.c - back * affine.a, 0, affine.e * factor, affine.f - back * affine.e
    )


def _clip(span: tuple[int, int], first: int, last: int) -> tuple[int, int]:
    return max(span[0], first), min(span[1], last)
