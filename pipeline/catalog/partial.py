"""A remote scene brought only where it is wanted, in the blocks of its COGs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from pipeline.catalog.blocks import BlockFile
from pipeline.catalog.cache import Cache
from pipeline.catalog.checksums import can_check
from pipeline.catalog.download import Brought, bring, joined, target_of
from pipeline.catalog.gdal import reading
from pipeline.catalog.hrefs import is_remote
from pipeline.catalog.http import Http
from pipeline.catalog.sampling import APRON
from pipeline.catalog.scene import Scene
from pipeline.catalog.sources import Source
from pipeline.catalog.tiff import Level, NotByBlocks
from pipeline.errors import SourceError

SAMPLE = 0.02
TIFF = (".tif", ".tiff")


@dataclass(frozen=True)
class Wanted:
    """Where a scene is wanted: cells of ground.

    Attributes:
        cells: bool (h, w).
        geobox: their grid, in the CRS of the scene's tile.
    """

    cells: NDArray[np.bool_]
    geobox: GeoBox

    @property
    def size(self) -> float:
        """Side of a cell, metres."""
        return float(self.geobox.affine.a)

    def span(self, bounds: tuple[float, float, float, float]) -> tuple[slice, slice]:
        """Rows and columns of the cells that left, bottom, right, top touch."""
        left, bottom, right, top = bounds
        corner = self.geobox.affine
        rows = (corner.f - top) / self.size, (corner.f - bottom) / self.size
        cols = (left - corner.c) / self.size, (right - corner.c) / self.size
        first, second = (slice(max(int(a // 1), 0), max(ceil(b), 0)) for a, b in (rows, cols))
        return first, second

    def with_cells(self, spans: Sequence[tuple[slice, slice]]) -> "Wanted":
        """These cells and others besides."""
        cells = self.cells.copy()
        for span in spans:
            cells[span] = True
        return replace(self, cells=cells)


def by_blocks(scene: Scene) -> bool:
    """Whether a scene may be read by blocks: all its bands are TIFFs at http(s) addresses, one file each."""
    return all(
        is_remote(asset.href) and PurePosixPath(urlsplit(asset.href).path).suffix.lower() in TIFF
        for part in scene.parts or (scene,)
        for asset in part.assets.values()
    )


def by_checksum(scene: Scene) -> bool:
    """Whether each remote file of a scene can be held against a checksum that its item states."""
    parts = scene.parts or (scene,)
    assets = (asset for part in parts for asset in part.assets.values() if is_remote(asset.href))
    return all(can_check(asset.checksum) for asset in assets)


def bring_part(
    scene: Scene,
    wanted: Wanted,
    target: GeoBox,
    folder: Path,
    http: Http | None = None,
    cache: Cache | None = None,
) -> Brought:
    """Bring a scene where it is wanted, and a sparse sample of `SAMPLE` of its blocks besides.

    The local files have the size and grid of the remote ones and are empty where nothing was brought. A scene
    whose files are no COGs, or whose server gives no ranges, comes whole.

    Args:
        scene: with http(s) addresses (see `by_blocks`).
        wanted: the ground that it is wanted for, with all margins.
        target: the grid that it will be read onto; it decides which level of the files is read.
        folder: where to; what an interrupted call with the same arguments left there is continued.
        http: the session to use.
        cache: for a scene that has to come whole.

    Raises:
        as `download`.
    """
    session = http or Http()
    try:
        return bring_blocks(scene, wanted, target, folder, session)
    except NotByBlocks:
        return bring(scene, folder, session, cache)


def bring_blocks(scene: Scene, wanted: Wanted, target: GeoBox, folder: Path, http: Http) -> Brought:
    """As `bring_part`, but never whole.

    Raises:
        NotByBlocks: the files are no COGs, or their server gives no ranges; nothing is left of them.
        as `download`.
    """
    parts = scene.parts or (scene,)
    files = [_files(part, Path(folder), http) for part in parts]
    try:
        return joined(scene, [_part(part, of, wanted, target) for part, of in zip(parts, files, strict=True)])
    except NotByBlocks:
        for file in (file for of in files for file in of.values()):
            file.abandon()
        raise


def _files(scene: Scene, folder: Path, http: Http) -> dict[str, BlockFile]:
    return {
        band: BlockFile(asset.href, target_of(folder / scene.id, band, asset), http)
        for band, asset in scene.assets.items()
    }


def _part(scene: Scene, files: Mapping[str, BlockFile], wanted: Wanted, target: GeoBox) -> Brought:
    for file in files.values():
        file.open()
    grids = _grids(scene, files, target)
    wanted = wanted.with_cells(_sample(*grids["red"], wanted))
    blocks = {band: np.flatnonzero(touched(*grids[band][1:], wanted)) for band in files}
    fetched = sum(file.bring(grids[band][0], blocks[band].tolist()) for band, file in files.items())
    assets = {band: replace(scene.assets[band], href=str(file.target)) for band, file in files.items()}
    came = sum(len(chosen) for chosen in blocks.values())
    share = came / sum(int(np.prod(grids[band][1].blocks)) for band in files)
    return Brought(replace(scene, assets=assets), fetched, sum(file.length for file in files.values()), share)


Grid = tuple[int, Level, Affine, float]


def _grids(scene: Scene, files: Mapping[str, BlockFile], target: GeoBox) -> dict[str, Grid]:
    """By band: number and index of the level that is read, its grid, and the metres read around a pixel."""
    places = {band: file.target if file.target.exists() else file.path for band, file in files.items()}
    assets = {band: replace(scene.assets[band], href=str(place)) for band, place in places.items()}
    found = {}
    with reading(scene, "bands"):
        source = Source(replace(scene, assets=assets), target)
        try:
            around = APRON * source.lattice.affine.a
            for band, (dataset, affine) in source.levels.items():
                if (dataset.nodata or 0) != scene.assets[band].nodata:
                    raise NotByBlocks(
                        f"The {band} band of scene {scene.id} marks no data as {dataset.nodata}."
                    )
                found[band] = (*_level_of(files[band], dataset.shape), affine, around)
        finally:
            source.close()
    return found


def _level_of(file: BlockFile, shape: tuple[int, int]) -> tuple[int, Level]:
    for number, level in enumerate(file.index.levels):
        if level.shape == shape:
            return number, level
    raise SourceError(f"{file.address} has no level of {shape[0]} x {shape[1]} pixels.")


def touched(level: Level, affine: Affine, around: float, wanted: Wanted) -> NDArray[np.bool_]:
    """Bool (blocks): those of which a wanted cell needs a pixel.

    Args:
        level: of a file.
        affine: its pixels to metres.
        around: metres that are read around a pixel.
        wanted: the cells.
    """
    rows, cols = level.blocks
    spans = (wanted.span(_bounds(level, affine, block, around)) for block in range(rows * cols))
    return np.array([wanted.cells[span].any() for span in spans], bool)


def _sample(
    number: int, level: Level, affine: Affine, around: float, wanted: Wanted
) -> list[tuple[slice, slice]]:
    """The cells inside blocks that are brought besides, each as far as can be from all that come anyway."""
    rows, cols = level.blocks
    places = np.stack(np.divmod(np.arange(rows * cols), cols), axis=1).astype(float)
    taken = touched(level, affine, around, wanted)
    chosen: list[int] = []
    for _ in range(min(ceil(SAMPLE * taken.size), int((~taken).sum()))):
        centre = places.mean(axis=0)[np.newaxis]
        apart = _distances(places, places[taken]) if taken.any() else -_distances(places, centre)
        chosen.append(int(np.argmax(np.where(taken, -np.inf, apart))))
        taken[chosen[-1]] = True
    inside = min(around + wanted.size, 0.4 * min(level.block) * affine.a)
    return [wanted.span(_bounds(level, affine, block, -inside)) for block in chosen]


def _distances(places: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """From each place to the nearest of others, in blocks."""
    return np.sqrt(((places[:, None] - others[None]) ** 2).sum(axis=2)).min(axis=1)


def _bounds(level: Level, affine: Affine, block: int, around: float) -> tuple[float, float, float, float]:
    (top, bottom), (left, right) = level.pixels(block)
    x, y = affine @ (left, top)
    u, v = affine @ (right, bottom)
    return x - around, v - around, u + around, y + around
