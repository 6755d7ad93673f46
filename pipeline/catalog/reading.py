"""A scene on a grid: stored reflectance, whole or window by window."""

from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType

import numpy as np
from odc.geo.geobox import GeoBox
from rasterio.windows import Window

from pipeline.catalog.download import download
from pipeline.catalog.gdal import reading
from pipeline.catalog.hrefs import is_remote
from pipeline.catalog.http import Http
from pipeline.catalog.sampling import axis, bilinear
from pipeline.catalog.scene import Scene
from pipeline.catalog.sources import Source
from pipeline.raster import BANDS, encode, filled, windows

WINDOW = 1024


class SceneReader:
    """Reads a scene onto a grid window by window; the result does not depend on the windows.

    Pixels of the source's own grid are taken as they are, finer sources as means (through their overviews),
    others by bilinear resampling in which empty pixels have no weight. Used as a context; several threads may
    read at once. Files at http(s) addresses are brought to disk before (`download`, `bring_part`).

    Args:
        scene: what to read; of its parts, the first with data wins in each pixel, in order of id.
        geobox: the grid, in the CRS of the scene's tile.
    """

    def __init__(self, scene: Scene, geobox: GeoBox) -> None:
        self.scene = scene
        self.geobox = geobox
        self.sources: list[Source] = []

    def __enter__(self) -> "SceneReader":
        """Open the files.

        Raises:
            SourceError: a band is missing, broken, foreign or outside the grid; names the scene and the band.
        """
        try:
            for part in self.scene.parts or (self.scene,):
                with reading(part, "bands"):
                    self.sources.append(Source(part, self.geobox))
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close the files."""
        self.close()

    def close(self) -> None:
        """Close the files."""
        for source in self.sources:
            source.close()
        self.sources = []

    def read(self, window: Window) -> np.ndarray:
        """Stored reflectance of a window of the grid.

        Args:
            window: offsets and size in pixels, inside the grid.

        Returns:
            uint16 (4, h, w); 0 = empty: no data, or within 3 source pixels of the empty swath edge.

        Raises:
            SourceError: the pixels cannot be read.
        """
        first, *others = self.sources
        with reading(first.scene, "bands"):
            stored = _on_grid(first, window)
        for source in others:
            hole = ~filled(stored)
            if hole.any():
                with reading(source.scene, "bands"):
                    stored = np.where(hole, _on_grid(source, window), stored)
        return stored


def scene_reader(scene: Scene, geobox: GeoBox) -> SceneReader:
    """Open a scene to be read by windows, as a context: `with ... as reader: reader.read(window)`."""
    return SceneReader(scene, geobox)


def read_scene(
    scene: Scene, geobox: GeoBox, cache: Path | None = None, http: Http | None = None
) -> np.ndarray:
    """A whole scene on a grid.

    Args:
        scene: what to read.
        geobox: the grid, in the CRS of the scene's tile.
        cache: a folder to which bands at http(s) addresses are downloaded first, and where they stay.
        http: the session to use.

    Returns:
        Stored reflectance, uint16 (4, h, w), 0 = empty; see `SceneReader.read`.

    Raises:
        SourceError, TransientSourceError: see `SceneReader` and `download`.
    """
    if cache is None and any_remote(scene):
        with TemporaryDirectory(prefix="earthquilt-scene-") as folder:
            return read_scene(scene, geobox, Path(folder), http)
    local = download(scene, cache, http) if cache else scene
    stored = np.zeros((len(BANDS), *geobox.shape), np.uint16)
    with scene_reader(local, geobox) as reader:
        for window in windows((geobox.height, geobox.width), WINDOW):
            rows, cols = window.toslices()
            stored[:, rows, cols] = reader.read(window)
    return stored


def any_remote(scene: Scene) -> bool:
    """Whether a band of a scene is to be brought before it can be read."""
    parts = scene.parts or (scene,)
    return any(is_remote(asset.href) for part in parts for asset in part.assets.values())


def _on_grid(source: Source, window: Window) -> np.ndarray:
    grid = source.lattice
    top, left, height, width = (
        int(part) for part in (window.row_off, window.col_off, window.height, window.width)
    )
    if grid.aligned:
        down, right = round(grid.shift[0]) + top, round(grid.shift[1]) + left
        return source.stored((down, down + height), (right, right + width))
    rows = axis(top, height, grid.factor, grid.shift[0])
    cols = axis(left, width, grid.factor, grid.shift[1])
    spans = [(int(side.low[0]), int(side.low[-1]) + 2) for side in (rows, cols)]
    values, valid = source.block(*spans)
    return encode(*bilinear(values, valid, rows.shifted(spans[0][0]), cols.shifted(spans[1][0])))
