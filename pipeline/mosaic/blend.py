"""Stage 3b: the mosaic of a tile, its composite balanced and blended with the neighbours' (paper, 2.3)."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio import DatasetReader
from rasterio.windows import Window

from pipeline.balance import Balance
from pipeline.blending import Blended, alone, blend_window
from pipeline.contributor import Contributor, Prepare, contributors
from pipeline.grid import Tile
from pipeline.ground import Cells, land
from pipeline.inputs import contributor_names, input_hashes
from pipeline.mosaic.fill import FILL, PROVENANCE
from pipeline.mosaic.seams import SeamScore
from pipeline.mosaic.shown import Fills, fills_of
from pipeline.parallel import in_order
from pipeline.ramps import Ramps
from pipeline.raster import (
    BANDS,
    EMPTY,
    QUANTIFICATION,
    encode,
    filled,
    opened,
    picture_writer,
    window_geobox,
    windows,
)
from pipeline.settings import CampaignSettings
from pipeline.smooth import SmoothCorrection
from pipeline.tone import Tone, load_tone

PRODUCTS = ("composite.tif", "balance.npz")
RANKS = ("provenance.tif", PROVENANCE)


@dataclass(frozen=True)
class Made:
    """A window of the mosaic.

    Attributes:
        picture: uint8 (4, h, w).
        valid: bool (h, w), where any composite has data.
        filled: bool (h, w), where none has and a fill shows.
        land: bool (h, w), where any of that is land.
        footprints: integers (h, w) that change where other tiles begin to have a say; None where none does.
    """

    picture: NDArray[np.uint8]
    valid: NDArray[np.bool_]
    filled: NDArray[np.bool_]
    land: NDArray[np.bool_]
    footprints: NDArray[np.int64] | None


@dataclass
class Seams:
    """The seam scores of a tile, of the borders of tiles and of scenes, and how many pixels are empty.

    A pixel that only a fill shows counts as empty, and as filled.
    """

    tiles: SeamScore = field(default_factory=SeamScore)
    scenes: SeamScore = field(default_factory=SeamScore)
    empty: int = 0
    filled: int = 0
    pixels: int = 0

    @classmethod
    def of(cls, made: Made, ranks: NDArray[np.uint8]) -> "Seams":
        """Those of one window of the mosaic, given the scene that each pixel comes from."""
        empty, filled_ = int((~made.valid).sum()), int(made.filled.sum())
        seams = cls(empty=empty, filled=filled_, pixels=made.valid.size)
        if made.footprints is not None:
            seams.tiles.add(made.picture, made.land, made.footprints)
        seams.scenes.add(made.picture, made.land & (ranks > 0), ranks)
        return seams

    def join(self, other: "Seams") -> None:
        """Add those of another window."""
        self.tiles.join(other.tiles)
        self.scenes.join(other.scenes)
        self.empty += other.empty
        self.filled += other.filled
        self.pixels += other.pixels

    def report(self) -> dict[str, Any]:
        """The scores; the common one counts each pair of pixels along any seam once."""
        pairs = self.tiles.pairs + self.scenes.pairs
        common = self.tiles.score * self.tiles.pairs + self.scenes.score * self.scenes.pairs
        return {
            "seam_score": common / pairs if pairs else 1.0,
            "seam_score_tiles": self.tiles.score,
            "seam_score_scenes": self.scenes.score,
            "seam_pairs": pairs,
            "coverage": 1 - self.empty / max(self.pixels, 1),
            "filled": self.filled / max(self.pixels, 1),
        }


def blend(tile: Tile, builds: Mapping[str, Path], settings: CampaignSettings, folder: Path) -> dict[str, Any]:
    """Write mosaic.tif of a revision.

    The composites of the tile and its neighbours, each with its own correction (see `Balance`), are blended
    in reflectance and toned once and last. Where none of them has data their fills show, if there are any.
    Neighbours of one zone agree bit for bit on their overlap if both are given the same builds there and in
    two rings around every contributor.

    Args:
        tile: whose mosaic it is.
        builds: folders of finished builds by tile name, the tile's own among them: what there is within
            three rings.
        settings: of the campaign.
        folder: of the revision.

    Returns:
        "seam_score" (and its parts), "coverage" (without fills), "filled" (share that only a fill shows),
        "filled_from" (names of the tiles whose fills show), "balance" (correction by tile name) and "inputs"
        (hashes).

    Raises:
        StorageError: the tile's own build, or a build's balance.npz, is missing.
        SourceError: a composite is missing or broken.
    """
    found = corrections(tile, builds)
    folders = {name: Path(builds[name]) for name in found}
    prepare = {name: corrected(correction, settings.resolution) for name, correction in found.items()}
    paths = {name: place / "composite.tif" for name, place in folders.items()}
    with ExitStack() as stack:
        sources = stack.enter_context(contributors(paths, prepare, Ramps()))
        fills = stack.enter_context(fills_of(folders, "composite.tif", prepare, Ramps()))
        own = folders[tile.name]
        ranks = [stack.enter_context(opened(own / name)) for name in RANKS if (own / name).exists()]
        with ThreadPoolExecutor(1) as beside:
            hashes = beside.submit(_hashes, folders)
            seams = _write(Shown(sources, fills), ranks, tile, settings, Path(folder))
    return seams.report() | {
        "filled_from": sorted(fills.used),
        "balance": {name: correction.to_json() for name, correction in found.items()},
        "inputs": hashes.result(),
    }


def corrections(tile: Tile, builds: Mapping[str, Path]) -> dict[str, SmoothCorrection]:
    """The rounded corrections of all that take part in a tile's mosaic, by name; arguments as `blend`.

    With the composites themselves, and their fills, they are all that the mosaic depends on.
    """
    balance = Balance({name: Cells.load(Path(place) / "balance.npz") for name, place in builds.items()})
    return {name: balance.of(Tile.parse(name)) for name in contributor_names(tile, builds)}


def _hashes(folders: Mapping[str, Path]) -> dict[str, dict[str, str]]:
    """Hashes of what the mosaic is made from; of the fills where there are any."""
    with_fill = {name: place for name, place in folders.items() if (place / FILL).exists()}
    hashes, fills = input_hashes(folders, PRODUCTS), input_hashes(with_fill, (FILL,))
    return {name: known | fills.get(name, {}) for name, known in hashes.items()}


def corrected(correction: SmoothCorrection, resolution: float) -> Prepare:
    """From stored reflectance to corrected reflectance in float64."""

    def values(stored: NDArray[np.uint16], window: Window) -> NDArray[np.float64]:
        south = (window.row_off + 0.5 + np.arange(window.height)) * resolution
        east = (window.col_off + 0.5 + np.arange(window.width)) * resolution
        return correction.apply((stored.astype(np.float64) - 1.0) / QUANTIFICATION, south, east)

    return Prepare(filled, values, decoded=not correction.changes, sharp=True)


@dataclass(frozen=True)
class Shown:
    """What a mosaic is made from: composites, and fills for their holes."""

    sources: Sequence[Contributor]
    fills: Fills

    def window(self, target: GeoBox, tone: Tone) -> Made:
        """A window; one composite alone, neither corrected nor filled, is looked up as stored."""
        fill = self.fills.of(target)
        found = alone(target, self.sources)
        if fill is None and found and found[0].prepare.decoded:
            return _looked_up(*found, tone)
        blended = blend_window(target, self.sources, len(BANDS))
        shown = self.fills.into(blended, fill, target) if fill is not None else blended
        return Made(
            toned(shown, tone),
            blended.valid,
            shown.valid & ~blended.valid,
            shown.valid & land(shown.values),
            shown.footprints,
        )


def _looked_up(source: Contributor, window: Window, tone: Tone) -> Made:
    stored = source.stored(window)
    valid = filled(stored)
    if not valid.all():
        stored[:, ~valid] = EMPTY
    return Made(tone.apply(stored), valid, np.zeros_like(valid), valid & land(stored), None)


def _write(
    shown: Shown, ranks: Sequence[DatasetReader], tile: Tile, settings: CampaignSettings, folder: Path
) -> Seams:
    geobox, tone, seams = tile.geobox(settings.resolution), load_tone(settings.tone), Seams()
    turn = Lock()
    with picture_writer(folder / "mosaic.tif", geobox, tone.tags()) as out:

        def work(window: Window) -> tuple[NDArray[np.uint8], Seams]:
            made = shown.window(window_geobox(geobox, window), tone)
            with turn:
                rank = _rank(ranks, window)
            return made.picture, Seams.of(made, rank)

        for window, (picture, found) in in_order(work, windows(geobox.shape.yx)):
            out.write(picture, window=window)
            seams.join(found)
    return seams


def _rank(provenances: Sequence[DatasetReader], window: Window) -> NDArray[np.uint8]:
    """The scene of each pixel: that of the composite, else that of the fill."""
    first, *others = (provenance.read(1, window=window) for provenance in provenances)
    for ranks in others:
        first = np.where(first > 0, first, ranks)
    return first


def toned(blended: Blended, tone: Tone) -> NDArray[np.uint8]:
    """The blended window in 8 bits, 0 where it is empty."""
    return tone.apply(encode(blended.values, blended.valid))
