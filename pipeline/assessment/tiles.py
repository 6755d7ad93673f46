"""How tiles of a finished run meet: seams between them, and versions of one ground in two zones."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio import DatasetReader
from rasterio.enums import Resampling
from rasterio.windows import Window

from pipeline.assessment.assess import OTHERS, levels_on_land, opened_build
from pipeline.assessment.edges import EdgeFigures
from pipeline.assessment.maps import first_wins, ground_pixel, mercator_grid, read_on, winner
from pipeline.balance import Balance
from pipeline.blending import parts_of
from pipeline.contributor import Contributor, Part, Prepare, contributors
from pipeline.errors import UsageError
from pipeline.grid import Tile
from pipeline.ground import Cells
from pipeline.mosaic.blend import corrected
from pipeline.ramps import Ramps
from pipeline.raster import BANDS, encode, opened, padded, raster_writer, window_geobox, windows
from pipeline.tone import Tone, load_tone

BLOCK = 128
LEAST_BLOCK = 64
SURE = 0.9
ZOOMS = range(6, 13)


@dataclass
class Differences:
    """Levels by which two versions of one ground differ, counted by pair, kind and band."""

    counts: dict[tuple[str, str, str], NDArray[np.int64]] = field(
        default_factory=lambda: defaultdict(lambda: np.zeros((len(BANDS), 256), np.int64))
    )

    def add(self, one: str, other: str, kind: str, first: NDArray, second: NDArray) -> None:
        """Count the differences of two sets of pixels (bands, n) in levels."""
        off = np.abs(first.astype(np.int64) - second.astype(np.int64))
        for band, line in enumerate(off):
            self.counts[one, other, kind][band] += np.bincount(line, minlength=256)

    def report(self) -> list[dict[str, Any]]:
        """Median and 99th percentile by band of each pair that shares ground."""
        found = []
        for (one, other, kind), counts in sorted(self.counts.items()):
            total = counts[0].sum()
            if total:
                shares = np.cumsum(counts, axis=1) / total
                median, high = (np.argmax(shares >= part, axis=1).tolist() for part in (0.5, 0.99))
                found.append(
                    {"of": one, "from": other, "ground": kind, "pixels": int(total)}
                    | {"median": median, "p99": high}
                )
        return found


@dataclass(frozen=True)
class Quilt:
    """The finished tiles of a folder.

    Attributes:
        names: of the tiles, sorted.
        folder: that of the run.
        resolution: metres.
        tone: of the campaign.
        prepare: by name, from the stored composite to corrected reflectance.
    """

    names: tuple[str, ...]
    folder: Path
    resolution: int
    tone: Tone
    prepare: Mapping[str, Prepare]

    @classmethod
    def of(cls, folder: Path) -> "Quilt":
        """Read what a run left.

        Raises:
            UsageError: the folder holds no two finished tiles.
        """
        names = tuple(sorted(path.parent.name for path in folder.glob("*/mosaic.tif")))
        if len(names) < 2:
            raise UsageError(f"{folder} holds no two tiles with a mosaic.", "out")
        settings = opened_build(folder / names[0]).settings
        balance = Balance({name: Cells.load(folder / name / "balance.npz") for name in names})
        prepare = {name: corrected(balance.of(Tile.parse(name)), settings.resolution) for name in names}
        return cls(names, folder, settings.resolution, load_tone(settings.tone), prepare)

    def paths(self, product: str) -> dict[str, Path]:
        """A product of each tile, by name."""
        return {name: self.folder / name / product for name in self.names}

    @property
    def seen(self) -> Prepare:
        """From a mosaic's levels back to reflectance."""

        def values(levels: NDArray[np.uint8], _: Window) -> NDArray[np.float64]:
            return self.tone.invert(levels).astype(np.float64)

        return Prepare(lambda levels: (levels != 0).all(axis=0), values)

    def toned(self, part: Part, where: NDArray[np.bool_]) -> NDArray[np.uint8]:
        """What a part would show alone, in levels."""
        return self.tone.apply(encode(part.values, where))


def assess_tiles(folder: Path, zooms: Sequence[int] = ZOOMS) -> dict[str, Any]:
    """Measure how the tiles of a finished run meet.

    A seam lies where the tile that has most to say changes: in overlaps, at holes, along swath edges and
    across a zone edge. It is held against what these tiles show alone, balanced but not blended (kept as
    `assessment/alone.tif` of each tile). Figures are those of `EdgeFigures`: "full" on the tiles' own pixels,
    each place of a zone once; by zoom on the map, on which a second kind of seam, "versions", lies where the
    map passes from one tile's picture to the next, held against the map with the tiles in turned order.

    Versions of one ground in two zones differ by "across" (levels, by band): on a tile's own pixels, the
    other's picture resampled onto them once, where the ground is the "other" zone's (seen through one
    resampling by either) or its "own" (brought over and back); and on the map, by zoom, both warped to it.

    Args:
        folder: of the run, with a folder for each tile.
        zooms: of the map.

    Raises:
        UsageError: the folder holds no two finished tiles.
    """
    quilt = Quilt.of(Path(folder))
    full, across = EdgeFigures(quilt.resolution), Differences()
    with ExitStack() as stack:
        composites = stack.enter_context(contributors(quilt.paths("composite.tif"), quilt.prepare, Ramps()))
        mosaics = quilt.paths("mosaic.tif")
        seen = stack.enter_context(contributors(mosaics, dict.fromkeys(mosaics, quilt.seen), Ramps()))
        for name in quilt.names:
            own = stack.enter_context(opened(mosaics[name]))
            _measure_tile(quilt, name, own, composites, seen, full, across)
    report: dict[str, Any] = {"full": full.report(), "across": across.report(), "zooms": {}}
    for zoom in zooms:
        report["zooms"][zoom] = _measure_map(quilt, zoom)
    return report


def _measure_tile(
    quilt: Quilt,
    name: str,
    own: DatasetReader,
    composites: Sequence[Contributor],
    seen: Sequence[Contributor],
    full: EdgeFigures,
    across: Differences,
) -> None:
    """Add one tile on its own pixels, and write what it shows alone and who has most to say."""
    tile, number = Tile.parse(name), quilt.names.index(name)
    grid = tile.geobox(quilt.resolution)
    kept = quilt.folder / name / OTHERS
    foreign = [source for source in seen if Tile.parse(source.name).zone != tile.zone]
    with (
        raster_writer(kept / "alone.tif", grid, 4, "uint8", nodata=0, cog=True, picture=True) as alone,
        raster_writer(
            kept / "turns.tif", grid, 1, "uint8", nodata=0, cog=True, overviews=Resampling.nearest
        ) as turns,
    ):
        for window in windows(grid.shape.yx, BLOCK):
            grown, inner = padded(window, full.apron, grid.shape.yx)
            parts = dict(parts_of(window_geobox(grid, grown), composites))
            shown = {one: quilt.toned(part, part.weight > 0) for one, part in parts.items()}
            whose = _most(parts)
            alone.write(shown[number][(slice(None), *inner)], window=window)
            turns.write(whose[inner], 1, window=window)
            if len(parts) == 1:
                continue
            picture = own.read(window=grown)
            _add_differences(quilt, tile, (picture, whose, grown, inner), foreign, across)
            first = [one for one in parts if one < number and Tile.parse(quilt.names[one]).zone == tile.zone]
            for one in first:
                whose = np.where(parts[one].inside, 0, whose).astype(np.uint8)
            _add(full, picture, {one + 1: levels for one, levels in shown.items()}, whose, inner, quilt.tone)


def _most(parts: Mapping[int, Part]) -> NDArray[np.uint8]:
    """Which part has most to say, counted from 1; 0 where none has data."""
    weights = np.stack([part.weight for part in parts.values()])
    whose = np.array([one + 1 for one in parts], np.uint8)[weights.argmax(axis=0)]
    return np.where(weights.max(axis=0) > 0, whose, np.uint8(0))


def _add_differences(
    quilt: Quilt,
    tile: Tile,
    view: tuple[NDArray[np.uint8], NDArray[np.uint8], Window, tuple[slice, slice]],
    foreign: Sequence[Contributor],
    across: Differences,
) -> None:
    """Count how a window of a tile differs from the pictures of another zone, whose ground it is apart."""
    picture, whose, grown, inner = view
    grid = window_geobox(tile.geobox(quilt.resolution), grown)
    zones = np.array([0, *(Tile.parse(name).zone for name in quilt.names)])[whose[inner]]
    for source in foreign:
        part = source.part(grid)
        if part is None:
            continue
        sure = (part.weight > SURE) & (picture != 0).all(axis=0)
        there = quilt.toned(part, sure)[(slice(None), *inner)]
        here, sure = picture[(slice(None), *inner)], sure[inner]
        for kind, ground in (("own", zones == tile.zone), ("other", zones != tile.zone)):
            across.add(tile.name, source.name, kind, here[:, sure & ground], there[:, sure & ground])


def _add(
    edges: EdgeFigures,
    picture: NDArray[np.uint8],
    grounds: Mapping[int, NDArray[np.uint8]],
    whose: NDArray[np.uint8],
    inner: tuple[slice, slice],
    tone: Tone,
) -> None:
    there = np.unique(whose)
    if len(there[there > 0]) < 2:
        return
    known = {int(one): levels_on_land(grounds[int(one)], tone) for one in there if one}
    edges.add(levels_on_land(picture, tone), known, whose, inner)


def _measure_map(quilt: Quilt, zoom: int) -> dict[str, Any]:
    """The figures of one zoom of the map."""
    whole = mercator_grid(quilt.paths("mosaic.tif"), zoom)
    pixel = ground_pixel(whole)
    turns, passes, across = EdgeFigures(pixel), EdgeFigures(pixel), Differences()
    pictures, alone = (list(quilt.paths(name).values()) for name in ("mosaic.tif", f"{OTHERS}/alone.tif"))
    labels = _labels(quilt, whole, zoom)
    version = winner(labels > 0)
    whose = np.take_along_axis(labels, np.maximum(version, 1)[None].astype(int) - 1, axis=0)[0]
    # As long on the ground as at full resolution: a step is the noisier, the shorter the line it is told for.
    block = max(round(BLOCK * quilt.resolution / pixel), LEAST_BLOCK)
    for window in windows(whole.shape.yx, block):
        grown, inner = padded(window, turns.apron, whole.shape.yx)
        place = grown.toslices()
        there = [one for one in range(len(labels)) if labels[one][place].any()]
        ranks = [int(one) for one in np.unique(whose[place]) if one]
        if len(there) < 2:
            continue
        grid = window_geobox(whole, grown)
        versions = {quilt.names[one]: read_on(pictures[one], grid, zoom) for one in there}
        shown = first_wins(versions, versions)
        if len(ranks) > 1:
            known = {one: read_on(alone[one - 1], grid, zoom) for one in ranks}
            _add(turns, shown, known, whose[place], inner, quilt.tone)
        under = dict.fromkeys([one + 1 for one in there], first_wins(versions, reversed(list(versions))))
        _add(passes, shown, under, version[place], inner, quilt.tone)
        _add_versions(versions, inner, across)
    return {"turns": turns.report(), "versions": passes.report(), "across": across.report()}


def _labels(quilt: Quilt, whole: GeoBox, zoom: int) -> NDArray[np.uint8]:
    """Who has most to say in each tile's picture (tiles, h, w); 1, 2, ..., 0 where it has no data."""
    turns = quilt.paths(f"{OTHERS}/turns.tif").values()
    return np.stack([read_on(path, whole, zoom, labels=True)[0] for path in turns])


def _add_versions(
    versions: Mapping[str, NDArray[np.uint8]], inner: tuple[slice, slice], across: Differences
) -> None:
    """Count how the pictures of tiles of two zones differ on the map."""
    names = sorted(versions)
    for position, one in enumerate(names):
        for other in names[position + 1 :]:
            if Tile.parse(one).zone != Tile.parse(other).zone:
                pair = [versions[name][(slice(None), *inner)] for name in (one, other)]
                both = (pair[0] != 0).all(axis=0) & (pair[1] != 0).all(axis=0)
                across.add(one, other, "map", pair[0][:, both], pair[1][:, both])
