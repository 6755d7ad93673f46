"""Any R, G, B, NIR image as reflectance: a GeoTIFF of ours or of others, or a SAFE product."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Protocol

import numpy as np
import rasterio
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from pipeline.catalog import Scene, SceneReader, scene_reader
from pipeline.catalog.safe import read_safe
from pipeline.errors import SourceError, UsageError
from pipeline.grid import Tile
from pipeline.lookup import hide_partly_empty, look_up
from pipeline.raster import BANDS, QUANTIFICATION, decode, geobox_of, opened
from pipeline.tone import curve_of_tags

OTHER_NAMES = {
    "B04": "red",
    "B03": "green",
    "B02": "blue",
    "B08": "nir",
    "R": "red",
    "G": "green",
    "B": "blue",
}
Stretch = tuple[float, float]


class Image(Protocol):
    """An open image: its grid, and reflectance by windows."""

    @property
    def geobox(self) -> GeoBox:
        """The grid of the whole image."""
        ...

    def read(self, window: Window) -> NDArray[np.float32]:
        """Reflectance of a window, (4, h, w) in the order R, G, B, NIR, NaN where there is no data."""
        ...


@contextmanager
def open_image(path: Path, stretch: Stretch | None = None) -> Iterator[Image]:
    """Open an image for reading as reflectance.

    Scale and offset come from the band tags; untagged uint16 is reflectance x 10000; uint8 is brought back by
    the tone table in the file, or by a linear stretch. Bands are found by their descriptions, else they are
    R, G, B, NIR in this order.

    Args:
        path: a GeoTIFF or other raster, or the folder of a SAFE product.
        stretch: the reflectances of the levels 1 and 255 of a uint8 image.

    Raises:
        SourceError: the image cannot be read or is no product.
        UsageError: a band is missing, or 8 bits come without a way back to reflectance.
    """
    if Path(path).is_dir():
        with open_scene(read_safe(Path(path)).scene) as image:
            yield image
        return
    with opened(path) as dataset:
        if dataset.crs is None:
            raise SourceError(f"{path} has no coordinate system.")
        yield _Picture(dataset, stretch)


def parse_stretch(text: str) -> Stretch:
    """LO,HI as two reflectances.

    Raises:
        UsageError: it is not two numbers, the first below the second.
    """
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(
            f"A stretch is LO,HI in reflectance, such as 0,0.275, not {text!r}.", "stretch"
        ) from error
    if not low < high:
        raise UsageError(f"The stretch {text!r} must rise from LO to HI.", "stretch")
    return low, high


@dataclass(frozen=True)
class _SceneImage:
    geobox: GeoBox
    reader: SceneReader

    def read(self, window: Window) -> NDArray[np.float32]:
        return decode(self.reader.read(window))


@contextmanager
def open_scene(scene: Scene, resolution: float | None = None) -> Iterator[Image]:
    """Open a scene on its tile's grid.

    Args:
        scene: what to read.
        resolution: metres; that of its red band where None.

    Raises:
        SourceError: the scene cannot be read.
    """
    if resolution is None:
        first = scene.parts[0] if scene.parts else scene
        with opened(first.assets["red"].href) as red:
            resolution = float(red.transform.a)
    geobox = Tile.parse(scene.tile).geobox(resolution)
    with scene_reader(scene, geobox) as reader:
        yield _SceneImage(geobox, reader)


class _Picture:
    def __init__(self, dataset: rasterio.DatasetReader, stretch: Stretch | None) -> None:
        self.dataset, self.stretch, self.turn = dataset, stretch, Lock()
        self.geobox = geobox_of(dataset)
        self.indexes = _band_indexes(dataset)
        self.tone = curve_of_tags(dataset.tags())
        if dataset.dtypes[0] == "uint8" and self.tone is None and stretch is None:
            raise UsageError(
                f"{dataset.name} has 8 bits and no tone table: say with --stretch LO,HI which reflectances "
                "the levels 1 and 255 are.",
                "stretch",
            )

    def read(self, window: Window) -> NDArray[np.float32]:
        with self.turn:
            counts = self.dataset.read(self.indexes, window=window)
        if counts.dtype == np.uint16:
            reflectance = look_up(self._tables, counts)
            hide_partly_empty(reflectance)
            return reflectance
        reflectance = self._reflectance(counts)
        reflectance[:, self._empty(counts)] = np.nan
        return reflectance

    @cached_property
    def _tables(self) -> NDArray[np.float32]:
        """The reflectance of each number of 16 bits, float32 (4, 65536), NaN where it means no data."""
        counts = np.broadcast_to(np.arange(65_536, dtype=np.uint16)[:, None], (len(BANDS), 65_536, 1))
        tables = self._reflectance(counts)
        tables[:, self._empty(counts)] = np.nan
        return tables[:, :, 0]

    def _empty(self, counts: NDArray) -> NDArray[np.bool_]:
        nodata = self.dataset.nodata if self.dataset.nodata is not None else 0
        return np.asarray((counts == nodata).any(axis=0) | ~np.isfinite(counts).all(axis=0))

    def _reflectance(self, counts: NDArray) -> NDArray[np.float32]:
        if counts.dtype == np.uint8:
            if self.stretch is not None:
                low, high = self.stretch
                return (low + (counts.astype(np.float32) - 1) / 254 * (high - low)).astype(np.float32)
            assert self.tone is not None
            return self.tone.invert(counts)
        scales, offsets = self._radiometry()
        return (counts * scales + offsets).astype(np.float32)

    def _radiometry(self) -> tuple[NDArray, NDArray]:
        chosen = [index - 1 for index in self.indexes]
        scales = np.array(self.dataset.scales)[chosen, None, None]
        offsets = np.array(self.dataset.offsets)[chosen, None, None]
        untagged = (scales == 1).all() and (offsets == 0).all()
        if untagged and np.issubdtype(self.dataset.dtypes[0], np.integer):
            scales = scales / QUANTIFICATION
        return scales, offsets


def _band_indexes(dataset: rasterio.DatasetReader) -> list[int]:
    names = [(name or "").strip() for name in dataset.descriptions]
    known = [OTHER_NAMES.get(name.upper(), name.lower()) for name in names]
    if set(BANDS) <= set(known):
        return [known.index(band) + 1 for band in BANDS]
    if dataset.count < len(BANDS):
        raise UsageError(
            f"{dataset.name} has {dataset.count} bands; red, green, blue and near infrared are needed."
        )
    return [1, 2, 3, 4]
