"""All scenes of one tile: computed block by block, written as products with their truth."""

from __future__ import annotations

import datetime as dt
import shutil
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from odc.geo.geobox import GeoBox
from rasterio.io import DatasetWriter
from rasterio.windows import Window

from pipeline.grid import Tile
from pipeline.raster import BANDS, encode
from pipeline.simulate import safe, stac
from pipeline.simulate.files import digital_numbers, to_geotiff, work_file
from pipeline.simulate.plan import Acquisition
from pipeline.simulate.scene import NO_DATA, Pass, SimulatedScene, make_pass, scene_block
from pipeline.simulate.surface import blocks, classes_of, ground_of
from pipeline.simulate.world import World
from pipeline.storage import write_json

# Pixel type and no-data value of each work file.
_KINDS: dict[str, tuple[str, int | None]] = {
    **dict.fromkeys(BANDS, ("uint16", 0)),
    "clear": ("uint16", 0),
    "cloud": ("uint8", NO_DATA),
    "haze": ("float32", None),
}


@dataclass(frozen=True)
class Job:
    """One tile's season: everything a worker process needs."""

    seed: int
    reference_tile: str
    tile: str
    resolution: float
    acquisitions: tuple[Acquisition, ...]
    format: str
    out: Path


@dataclass
class Counts:
    """Pixels of a scene by the truth's cloud codes."""

    clear: int = 0
    cloud: int = 0
    shadow: int = 0
    empty: int = 0

    def add(self, codes: np.ndarray) -> None:
        """Count a block's codes."""
        found = np.bincount(codes.ravel(), minlength=256)
        self.clear += int(found[0])
        self.cloud += int(found[1])
        self.shadow += int(found[2])
        self.empty += int(found[NO_DATA])

    def percent(self, name: str) -> float:
        """Percent of the seen pixels (of all pixels for `empty`)."""
        seen = self.clear + self.cloud + self.shadow
        whole = seen + self.empty if name == "empty" else max(seen, 1)
        return 100 * getattr(self, name) / whole


@dataclass
class Draft:
    """A scene being written: its pass, open work files and counts."""

    acquisition: Acquisition
    now: Pass
    folder: Path
    counts: Counts = field(default_factory=Counts)
    files: dict[str, DatasetWriter] = field(default_factory=dict)

    def path(self, kind: str) -> Path:
        """Path of a work file."""
        return self.folder / f"{self.acquisition.date:%Y%m%d}_{kind}.tif"


def make_tile(job: Job) -> list[str]:
    """Write all scenes of a tile and its truth; the ids of the scenes that saw any of it."""
    world, tile = World(job.seed, job.reference_tile), Tile.parse(job.tile)
    folder = job.out / f".work-{tile.name}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        drafts = _compute(world, tile, job, folder)
        written = [draft for draft in drafts if draft.counts.percent("empty") < 100]
        scenes = [_finish(world, tile, job, draft) for draft in written]
        to_geotiff(folder / "classes.tif", truth_folder(job.out, tile) / "classes.tif")
        content = {"tile": tile.name, "seed": job.seed, "resolution": job.resolution, "scenes": scenes}
        write_json(truth_folder(job.out, tile) / "truth.json", content)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return [scene["id"] for scene in scenes]


def truth_folder(out: Path, tile: Tile) -> Path:
    """Where the truth of a tile lies."""
    return out / "truth" / tile.name


def _compute(world: World, tile: Tile, job: Job, folder: Path) -> list[Draft]:
    geobox = tile.geobox(job.resolution)
    drafts = [Draft(a, _pass_of(world, a), folder) for a in job.acquisitions]
    with ExitStack() as stack:
        classes = stack.enter_context(work_file(folder / "classes.tif", geobox, "uint8"))
        for draft in drafts:
            _open(draft, geobox, job.format, stack)
        for rows, block in blocks(geobox):
            found = ground_of(world, block)
            window = Window(0, rows.start, geobox.shape[1], rows.stop - rows.start)
            classes.write(classes_of(found), 1, window=window)
            for draft in drafts:
                _write(draft, scene_block(world, block, draft.now, found, tile.name), window)
    return drafts


def _pass_of(world: World, a: Acquisition) -> Pass:
    return make_pass(world, a.date, cloud_cover=a.cloud_cover, hazy=a.hazy, orbit=a.orbit, level=a.level)


def _open(draft: Draft, geobox: GeoBox, format: str, stack: ExitStack) -> None:
    for kind, (dtype, nodata) in _KINDS.items():
        # JPEG 2000 cannot hold a no-data value: GDAL would put an .aux.xml file beside the image.
        kept = None if format == "safe" and kind in BANDS else nodata
        count = len(BANDS) if kind == "clear" else 1
        draft.files[kind] = stack.enter_context(work_file(draft.path(kind), geobox, dtype, count, kept))


def _write(draft: Draft, scene: SimulatedScene, window: Window) -> None:
    numbers = digital_numbers(scene.reflectance, draft.acquisition)
    for band, values in zip(BANDS, numbers, strict=True):
        draft.files[band].write(values, 1, window=window)
    draft.files["clear"].write(encode(scene.clear), window=window)
    draft.files["cloud"].write(scene.cloud, 1, window=window)
    draft.files["haze"].write(np.rint(scene.haze * 256) / np.float32(256), 1, window=window)
    draft.counts.add(scene.cloud)


def _finish(world: World, tile: Tile, job: Job, draft: Draft) -> dict:
    """Write a scene's product and truth; its entry in truth.json."""
    a, truth = draft.acquisition, truth_folder(job.out, tile)
    day = f"{a.date:%Y%m%d}"
    bands = {band: draft.path(band) for band in BANDS}
    writer = safe if job.format == "safe" else stac
    identity = writer.write(
        world, tile, job.resolution, a, bands, draft.counts, draft.now.weather.sun, job.out
    )
    for kind in ("clear", "cloud", "haze"):
        to_geotiff(draft.path(kind), truth / f"{kind}_{day}.tif")
    for kind in _KINDS:
        draft.path(kind).unlink()
    shares = {name: round(value, 4) for name, value in _shares(draft.counts).items()}
    drawn = {key: value for key, value in asdict(a).items() if not isinstance(value, dt.datetime)}
    return {"id": identity, "date": a.date.isoformat(), **drawn, **shares}


def _shares(counts: Counts) -> dict[str, float]:
    names = {"cloud": "cloud_percent", "shadow": "shadow_percent", "empty": "empty_percent"}
    return {label: counts.percent(name) for name, label in names.items()}
