"""What is measured, each in a process of its own: `python -m script.lib.bench.tasks NAME ARGUMENTS-AS-JSON`.

A task prints one line of JSON: "seconds" of its work, without starting and importing, and what else it found.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.enums import ColorInterp, Resampling

from pipeline import chain, imagery, mosaic
from pipeline.build import Build
from pipeline.catalog import open_catalog
from pipeline.catalog.gdal import SETTINGS
from pipeline.catalog.scene import Scene
from pipeline.evidence import NO_DATA, scene_folder
from pipeline.grid import Tile
from pipeline.raster import BANDS, Raster, geobox_of, opened, raster_writer, windows, write_raster
from pipeline.settings import CampaignSettings
from pipeline.storage import read_json, write_json
from script.lib.bench import balance_task, neighbours_task
from script.lib.bench.in_blocks import in_blocks
from script.lib.bench.make_safe import make_safe
from script.lib.bench.mask_truth import against_truth
from script.lib.bench.networks_task import previews, speed
from script.lib.bench.pack_task import pack
from script.lib.bench.scene_list_task import lists, region_lists

Figures = dict[str, Any]


class Clock:
    """Seconds spent in the blocks of each name."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def of(self, name: str):
        began = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - began

    @property
    def total(self) -> float:
        return sum(self.seconds.values())


def build_of(tile: str, settings: dict[str, Any], folder: str) -> Build:
    return Build(Tile.parse(tile), CampaignSettings.from_json(settings), Path(folder))


def run_chain(
    tile: str,
    settings: dict[str, Any],
    folder: str,
    catalog: str,
    steps: Sequence[str],
    force: bool = False,
    masks: str | None = None,
) -> Figures:
    """Steps of the chain for one tile alone, blended with no neighbour.

    `force` lays all candidates; `masks` is a build whose cloud masks stand for the network's.
    """
    build, clock = build_of(tile, settings, folder), Clock()
    builds = {tile: build.folder}
    works: dict[str, Callable[[], Any]] = {
        "scene list": lambda: _scene_list(build, catalog, force),
        "imagery": lambda: chain.fetch_and_mask(build),
        "composite": lambda: chain.compose(build),
        "landcover": lambda: chain.classify(build),
        "mosaic": lambda: chain.blend_mosaic(build, builds),
        "revision": lambda: chain.revise(build, builds),
    }
    with counted_networks(clock) as networks, known_masks(Path(masks)) if masks else nullcontext():
        for name in steps:
            with clock.of(name):
                works[name]()
    return {
        "seconds": clock.total,
        "steps": clock.seconds,
        "networks": networks.seconds,
        "scenes": [item.id for item in build.scene_list().chosen],
        "wanted": [scene.id for scene in build.wanted()],
    }


def _scene_list(build: Build, catalog: str, force: bool) -> None:
    listed = chain.make_scene_list(build, catalog)
    if force:
        chain.make_scene_list(build, catalog, overrides={"force": [item.id for item in listed.candidates]})


@contextmanager
def counted_networks(clock: Clock):
    """Count the seconds inside the networks, which the steps contain; those that run together as one."""
    from pipeline.networks.network import Network, Together

    inside, run, run_together = Clock(), Network.run, Together.run

    def counted(self: Network, *inputs: Any) -> Any:
        with inside.of(self.name):
            return run(self, *inputs)

    def counted_together(self: Together, *inputs: Any) -> Any:
        with replaced(run), inside.of(", ".join(one.name for one in self.networks)):
            return run_together(self, *inputs)

    @contextmanager
    def replaced(by: Any):
        before = Network.run
        Network.run = by  # type: ignore[method-assign]
        yield
        Network.run = before  # type: ignore[method-assign]

    Together.run = counted_together  # type: ignore[method-assign]
    try:
        with replaced(counted):
            yield inside
    finally:
        Network.run, Together.run = run, run_together  # type: ignore[method-assign]


@contextmanager
def known_masks(build: Path):
    """Give each scene, once it is fetched, its mask of another build, so that no network makes one."""
    fetch = imagery.fetch

    def fetched(
        scene: Scene, tile: Tile, settings: CampaignSettings, folder: Path, *more: Any, **named: Any
    ) -> Figures:
        told = fetch(scene, tile, settings, folder, *more, **named)
        target = scene_folder(folder, scene.id) / "cloud.tif"
        if not target.exists():
            link_mask(build, target)
        return told

    imagery.fetch = fetched  # type: ignore[assignment]
    try:
        yield
    finally:
        imagery.fetch = fetch


def link_mask(build: Path, target: Path) -> None:
    os.link(scene_folder(build, target.parent.name) / "cloud.tif", target)


def only_files(reads: Sequence[str], writes: Sequence[str], window: int, scratch: str) -> Figures:
    """Read rasters once and write others again, and nothing else: the least that a stage could take.

    Args:
        reads: rasters that are read window by window, all bands, and cells of scenes, which are plain arrays.
        writes: finished products whose pixels are written to `scratch` by the product's own writer; what it
            takes to read them is not counted.
        window: side in pixels.
        scratch: folder for what is written.
    """
    clock = Clock()
    for path in reads:
        with clock.of("read"):
            _read(Path(path), window)
    for path in writes:
        _write_again(Path(path), Path(scratch) / Path(path).name, window, clock)
    return {"seconds": clock.total, "steps": clock.seconds}


def _read(path: Path, window: int) -> None:
    if path.suffix == ".npy":
        np.load(path, allow_pickle=False)
        return
    with rasterio.Env(**SETTINGS), opened(path) as source:
        for part in windows(source.shape, window):
            source.read(window=part)


def _write_again(path: Path, target: Path, window: int, clock: Clock) -> None:
    """Write a product's pixels, which are all read first: GDAL packs in threads while others work."""
    with opened(path) as done:
        writer = raster_writer(target, geobox_of(done), done.count, done.dtypes[0], **_options(done))
        parts = list(windows(done.shape, window))
        pixels = [done.read(window=part) for part in parts]
    with clock.of("write"), writer as out:
        for part, values in zip(parts, pixels, strict=True):
            out.write(values, window=part)
    target.unlink()


OVERVIEWS = {"cloud": Resampling.mode, "rank": Resampling.nearest}


def _options(done: rasterio.DatasetReader) -> Figures:
    """How the writer made a product."""
    return {
        "nodata": done.nodata,
        "cog": done.tags(ns="IMAGE_STRUCTURE").get("LAYOUT") == "COG",
        "overviews": OVERVIEWS.get(done.descriptions[0], Resampling.average),
        "picture": done.colorinterp[0] == ColorInterp.red,
        "reflectance": done.scales[0] != 1,
    }


def sources(folder: str, ids: Sequence[str]) -> Figures:
    """The paths of the band files that scenes of a build were read from."""
    scenes = {item["id"]: item for item in read_json(Path(folder) / "candidates.json")["scenes"]}
    found = [Scene.from_json(scenes[name]) for name in ids]
    parts = [part for scene in found for part in scene.parts or (scene,)]
    return {"seconds": 0.0, "paths": [part.assets[band].href for part in parts for band in BANDS]}


def with_truth(tile: str, settings: dict[str, Any], folder: str, catalog: str, truth: str) -> Figures:
    """Put all candidates on the grid, with the simulation's own cloud masks, so that no network runs."""
    build, clock = build_of(tile, settings, folder), Clock()
    asked = build.settings
    found = open_catalog(catalog, asked.level).search(tile, asked.start, asked.end, asked.max_cloud)
    write_json(build.folder / "candidates.json", {"scenes": [scene.to_json() for scene in found]})
    for scene in found:
        with clock.of("fetch"):
            imagery.fetch(scene, build.tile, asked, build.folder)
        mask = Path(truth) / f"cloud_{scene.datetime:%Y%m%d}.tif"
        _true_mask(mask, build, scene_folder(build.folder, scene.id) / "cloud.tif")
    return {"seconds": clock.total, "steps": clock.seconds}


def _true_mask(truth: Path, build: Build, target: Path) -> None:
    """The simulation's mask on the build's grid, by the pixel next to each centre."""
    geobox = build.tile.geobox(build.settings.resolution)
    with opened(truth) as source:
        codes = source.read(out_shape=(1, *geobox.shape), resampling=Resampling.nearest)
    options = {"nodata": NO_DATA, "cog": True, "overviews": Resampling.mode, "descriptions": ("cloud",)}
    write_raster(target, Raster(codes, geobox), **options)


def lay(tile: str, settings: dict[str, Any], folder: str, count: int) -> Figures:
    """Stage 3 of the first `count` candidates, all laid, the clearest first."""
    build, clock = build_of(tile, settings, folder), Clock()
    scenes = sorted(build.candidates().values(), key=lambda scene: (scene.cloud_cover, scene.id))[:count]
    with clock.of("composite"):
        mosaic.compose(scenes, build.tile, build.settings, build.folder, ())
    with clock.of("mosaic"):
        mosaic.blend(build.tile, {tile: build.folder}, build.settings, build.folder)
    return {"seconds": clock.total, "steps": clock.seconds}


def from_sources(
    tile: str, settings: dict[str, Any], folder: str, catalog: str, all_scenes: bool, masks: str
) -> Figures:
    """Fetch and lay scenes with the masks of a build: all candidates, or those that the list chooses."""
    build, clock = build_of(tile, settings, folder), Clock()
    with clock.of("scene list"):
        if all_scenes:
            asked = build.settings
            scenes = open_catalog(catalog, asked.level).search(tile, asked.start, asked.end, asked.max_cloud)
        else:
            listed = chain.make_scene_list(build, catalog)
            scenes = [build.candidates()[item.id] for item in listed.chosen]
    with clock.of("imagery"):
        for scene in scenes:
            imagery.fetch(scene, build.tile, build.settings, build.folder)
            link_mask(Path(masks), scene_folder(build.folder, scene.id) / "cloud.tif")
    with clock.of("composite"):
        mosaic.compose(scenes, build.tile, build.settings, build.folder, ())
    return {"seconds": clock.total, "steps": clock.seconds, "scenes": [scene.id for scene in scenes]}


def grid(tile: str, resolution: int) -> Figures:
    """The grid of a tile in plain words."""
    geobox = Tile.parse(tile).geobox(resolution)
    return {"seconds": 0.0, "crs": str(geobox.crs), "bounds": list(geobox.boundingbox)}


def back_ends(**arguments: Any) -> Figures:
    """See `back_ends_task`, which loads torch and is therefore imported late."""
    from script.lib.bench import back_ends_task

    return back_ends_task.back_ends(**arguments)


def gpu() -> Figures:
    """See `gpu_task`, which loads torch and is therefore imported late."""
    from script.lib.bench import gpu_task

    return gpu_task.gpu()


def agreement(**arguments: Any) -> Figures:
    """See `gpu_task`."""
    from script.lib.bench import gpu_task

    return gpu_task.agreement(**arguments)


TASKS: dict[str, Callable[..., Figures]] = {
    "chain": run_chain,
    "only-files": only_files,
    "sources": sources,
    "with-truth": with_truth,
    "lay": lay,
    "mirrored": neighbours_task.mirrored,
    "mosaic": neighbours_task.mosaic_of,
    "safe": make_safe,
    "from-sources": from_sources,
    "grid": grid,
    "pack": pack,
    "network": speed,
    "previews": previews,
    "back-ends": back_ends,
    "gpu": gpu,
    "agreement": agreement,
    "balance-many": balance_task.many,
    "balance-square": balance_task.square,
    "scene-list": lists,
    "scene-lists": region_lists,
    "blocks": in_blocks,
    "against-truth": against_truth,
}


def main(name: str, arguments: str) -> None:
    print(json.dumps(TASKS[name](**json.loads(arguments))))


if __name__ == "__main__":
    main(*sys.argv[1:])
