"""`script/bench deliveries`: time and memory of a delivery of one whole tile, for several options."""

import argparse
import json
import os
import shutil
import statistics
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

from pipeline.delivery.deliver import Request, deliver
from pipeline.delivery.options import DeliveryOptions
from pipeline.delivery.source import TileSource
from pipeline.grid import Tile
from pipeline.landcover.classes import COLORMAP
from pipeline.raster import BANDS, raster_writer, windows
from script.lib import worker
from script.lib.bench import runs
from script.lib.places import LOCAL, PYTHON
from script.lib.say import say, step

TILE = "33TWL"
# Mirrored four times in both directions it fills 10980 pixels.
REPEATS = 4
OPTIONS: dict[str, dict[str, Any]] = {
    "mosaic": {"layers": ["mosaic"]},
    "landcover": {"layers": ["landcover"]},
    "mosaic and landcover (as by default)": {},
    "the same in Web Mercator": {"projection": "web-mercator"},
    "landcover, 1 ha": {"layers": ["landcover"], "mapping_unit": 1.0},
    "polygons of the landcover, 1 ha": {"layers": ["vectors"], "mapping_unit": 1.0},
    "mosaic as PNG": {"layers": ["mosaic"], "format": "png"},
    "all layers": {
        "layers": ["mosaic", "landcover", "vectors", "provenance", "confidence"],
        "mapping_unit": 1.0,
    },
}


def main(arguments: list[str]) -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="script/bench deliveries", description=__doc__)
    parser.add_argument("--resolution", type=int, default=10, metavar="M")
    parser.add_argument("--runs", type=int, default=3, metavar="N")
    parser.add_argument("--threads", type=int, default=2, metavar="N")
    parser.add_argument("--only", nargs="+", metavar="WHAT", choices=OPTIONS, default=list(OPTIONS))
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--work", type=Path, default=LOCAL / "bench-deliveries", metavar="DIR")
    asked = parser.parse_args(arguments)
    make_tile(asked.work / "tile", asked.resolution)
    environment = worker.environment(os.environ, asked.threads)
    found: dict[str, list[runs.Run]] = {}
    for name in asked.only:
        with step(name):
            found[name] = [one(asked.work, OPTIONS[name], environment) for _ in range(asked.runs)]
    for line in table(found):
        say(line)
    if asked.json:
        asked.json.write_text(json.dumps(runs.in_json(found), indent=1) + "\n")
    return 0


def one(work: Path, options: dict[str, Any], environment: dict[str, str]) -> runs.Run:
    """Make a delivery in a process of its own."""
    out = work / "delivery"
    shutil.rmtree(out, ignore_errors=True)
    given = json.dumps({"tile": str(work / "tile"), "out": str(out), "options": options})
    done = runs.run([PYTHON, "-m", "script.lib.bench_deliveries", given], environment)
    shutil.rmtree(out)
    return done


def table(found: dict[str, list[runs.Run]]) -> Iterator[str]:
    """Medians as Markdown."""
    yield "| delivery | time | processor time | peak memory | size |"
    yield "| --- | --- | --- | --- | --- |"
    for name, done in found.items():
        seconds, cpu = runs.median_seconds(done), statistics.median(run.cpu for run in done)
        size = done[0].answer["bytes"] / 2**20
        yield f"| {name} | {seconds:.0f} s | {cpu:.0f} s | {runs.peak_mib(done):.0f} MiB | {size:.0f} MiB |"


def make_tile(folder: Path, resolution: int) -> None:
    """Write the products of a made-up tile: patches of classes of all sizes, textured as ground is."""
    if (folder / "done").exists():
        return
    geobox = Tile.parse(TILE).geobox(resolution)
    side = geobox.shape[0] // REPEATS
    random = np.random.default_rng(8000)
    fields = [gaussian_filter(random.normal(size=(side, side)), size, mode="mirror") for size in (40, 8, 2)]
    ground = sum(field / field.std() * weight for field, weight in zip(fields, (1.0, 0.5, 0.25), strict=True))
    codes = np.digitize(ground, np.quantile(ground, [0.1, 0.4, 0.7, 0.8, 0.9])).astype(np.uint8) + 1
    light = np.array([[40, 60, 90, 30], [70, 95, 70, 170], [45, 65, 50, 140], [120, 115, 110, 120],
                      [150, 150, 150, 140], [170, 160, 140, 160]], np.float32)[codes - 1]  # fmt: skip
    noise = random.normal(size=(4, side, side)) * 6
    mosaic = np.clip(light.transpose(2, 0, 1) + noise, 1, 255).astype(np.uint8)
    confidence = np.clip(70 + 10 * fields[2] / fields[2].std(), 0, 100).astype(np.uint8)
    ranks = np.digitize(fields[0], np.quantile(fields[0], [0.5, 0.8])).astype(np.uint8) + 1
    layers = {
        "mosaic": (mosaic, {"nodata": 0, "picture": True, "descriptions": BANDS}),
        "landcover": (codes[None], {"nodata": 0, "colormap": COLORMAP}),
        "confidence": (confidence[None], {"nodata": 255}),
        "provenance": (np.stack([ranks, np.ones_like(ranks)]), {"nodata": 0}),
    }
    for name, (part, options) in layers.items():
        cog = name != "provenance"
        with raster_writer(folder / f"{name}.tif", geobox, len(part), "uint8", cog=cog, **options) as out:
            for window in windows(geobox.shape, 1024):
                rows, cols = (_mirrored(one, side) for one in window.toslices())
                out.write(part[:, rows][:, :, cols], window=window)
    (folder / "done").touch()


def _mirrored(part: slice, side: int) -> np.ndarray:
    """Rows of the pattern that fill rows of the tile."""
    at = np.arange(part.start, part.stop) % (2 * side)
    return np.where(at < side, at, 2 * side - 1 - at)


def task(tile: str, out: str, options: dict[str, Any]) -> dict[str, Any]:
    """Make one delivery; gives seconds and bytes."""
    scenes = {rank: (f"S2A_{TILE}_2023080{rank}", date(2023, 8, rank)) for rank in (1, 2, 3)}
    source = TileSource(TILE, 1, Path(tile), Path(tile), scenes, review="approved")
    request = Request("bench", Tile.parse(TILE).footprint, [source], DeliveryOptions.from_json(options))
    began = time.perf_counter()
    manifest = deliver(request, Path(out))
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "bytes": sum(file["bytes"] for file in manifest["files"])}


if __name__ == "__main__":
    print(json.dumps(task(**json.loads(sys.argv[1]))))
