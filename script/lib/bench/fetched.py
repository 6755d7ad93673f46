"""What stage 2 fetches of the scenes it uses, from COGs that are served by ranges: bytes by scene."""

import json
import shutil
from pathlib import Path
from typing import Any

from script.lib.bench.inputs import FULL_RESOLUTION, Inputs, require_gib, simulated
from script.lib.bench.measure import Bench
from script.lib.bench.report import Section, Table
from script.lib.range_server import range_server
from script.lib.say import step

STEPS = ("scene list", "imagery")
MOST_SHARE = 0.5
GIB_PER_MEGAPIXEL = 0.25
FULL_BLOCK = 512
BANDS = ("red", "green", "blue", "nir")


def measure(bench: Bench) -> Section:
    """Run stages 1 and 2 over HTTP for each seed's stack: one clear date a pixel, a series of one."""
    require_gib(bench.work, GIB_PER_MEGAPIXEL * bench.megapixels * len(bench.seeds))
    figures = {str(seed): _fetched(bench, seed) for seed in bench.seeds}
    size = f"{bench.side} x {bench.side} pixels, {bench.dates} candidate dates"
    return Section(
        title=f"Bytes that stage 2 fetches, {size}",
        tables=(_together(figures), _by_scene(figures), _first(figures)),
        figures=figures,
        notes=(
            f"COGs in blocks of {block_of(bench.resolution)} pixels, which show as much ground as the "
            f"{FULL_BLOCK} pixels of a file of {FULL_RESOLUTION} m. What the scenes weigh is the length "
            "of all files of their four bands, overviews included.",
        ),
    )


def block_of(resolution: int) -> int:
    """Pixels of a block that shows as much ground as one of a file of 10 m, as near as blocks allow."""
    return max(round(FULL_BLOCK * FULL_RESOLUTION / resolution / 16) * 16, 16)


def _fetched(bench: Bench, seed: int) -> dict[str, Any]:
    inputs = simulated(bench.work, bench.resolution, bench.dates, seed)
    far = _served(bench, inputs)
    folder = bench.copy_of(inputs.folder, f"fetched-{seed}", ())
    settings = bench.settings(series=1, clear_dates=1)
    with range_server(far) as address, step(f"Stages 1 and 2 of seed {seed}"):
        catalog = served_catalog(inputs, bench.work / "runs" / f"catalog-{seed}", address)
        done = bench.chain(folder, catalog, STEPS, settings=settings)
    scenes = {}
    for path in sorted(folder.glob("scenes/*/fetched.json")):
        told = json.loads(path.read_text())
        scenes[path.parent.name] = {key: told[key] for key in ("share", "bytes_fetched", "bytes_of_scene")}
    first = done.answer["wanted"][0]
    true = inputs.truth / f"cloud_{first.split('_')[2]}.tif"
    with step("The first scene's mask against the truth"):
        block = block_of(bench.resolution)
        masked = bench.task("against-truth", folder=folder, scene=first, truth=true, block=block)
    return {"list": done.answer["scenes"], "scenes": scenes, "first": {"id": first, **masked.answer}}


def _served(bench: Bench, inputs: Inputs) -> Path:
    """The folder of the files in blocks of the right size, made unless it is there."""
    side = block_of(bench.resolution)
    if side == FULL_BLOCK:
        return inputs.folder
    far = inputs.folder.with_name(f"{inputs.folder.name}-blocks-{side}")
    if not (far / "whole").exists():
        with step(f"Laying the files out in blocks of {side} pixels"):
            bench.task("blocks", source=inputs.folder, target=far, side=side)
            (far / "whole").touch()
    return far


def served_catalog(inputs: Inputs, target: Path, address: str) -> Inputs:
    """A copy of a static catalog whose bands lie at an address, and whose previews are where they were."""
    shutil.rmtree(target, ignore_errors=True)
    for path in inputs.folder.glob("*/*.json"):
        if path.parent.name == "truth":
            continue
        item = json.loads(path.read_text())
        for name, asset in item["assets"].items():
            file = path.parent / asset["href"]
            far = f"{address}/{path.parent.name}/{file.name}"
            asset["href"] = far if name in BANDS else str(file.resolve())
        place = target / path.parent.name / path.name
        place.parent.mkdir(parents=True)
        place.write_text(json.dumps(item))
    shutil.copy(inputs.folder / "catalog.json", target)
    return Inputs(target, "stac")


def _together(figures: dict[str, dict[str, Any]]) -> Table:
    rows = []
    for seed, found in figures.items():
        scenes = found["scenes"].values()
        fetched = sum(one["bytes_fetched"] for one in scenes)
        weight = sum(one["bytes_of_scene"] for one in scenes)
        held = "yes" if fetched <= MOST_SHARE * weight else "no"
        least = _least(found) / weight
        rows.append(
            (
                seed,
                len(found["scenes"]),
                _mib(fetched),
                _mib(weight),
                f"{fetched / weight:.3f}",
                f"{least:.3f}",
                held,
            )
        )
    columns = (
        "seed",
        "scenes",
        "fetched",
        "the scenes weigh",
        "share",
        "with a true mask, no margins",
        "held",
    )
    caption = (
        "Together; at most half is wanted. With a true mask and no margins the second scene would come only "
        "in the blocks in which the first is truly under cloud or shadow, and no third at all:"
    )
    return Table(caption, columns, tuple(rows))


def _least(found: dict[str, Any]) -> float:
    """Bytes of the first scene, and of the second in the blocks that truly need it."""
    first, *others = (found["scenes"][name] for name in found["list"] if name in found["scenes"])
    second = others[0] if others else None
    needed = second["bytes_fetched"] / second["share"] * found["first"]["blocks"] if second else 0.0
    return float(first["bytes_fetched"] + needed)


def _by_scene(figures: dict[str, dict[str, Any]]) -> Table:
    rows = []
    for seed, found in figures.items():
        for name, one in found["scenes"].items():
            share = one["bytes_fetched"] / one["bytes_of_scene"]
            rank = found["list"].index(name) + 1 if name in found["list"] else "taken off again"
            rows.append(
                (seed, rank, name, f"{one['share']:.3f}", f"{share:.3f}", _mib(one["bytes_of_scene"]))
            )
    columns = ("seed", "rank", "scene", "share of the blocks", "share of the bytes", "it weighs")
    return Table("By scene; the first comes whole, as it is the landcover series:", columns, tuple(rows))


def _first(figures: dict[str, dict[str, Any]]) -> Table:
    rows = []
    for seed, found in figures.items():
        first = found["first"]
        kinds = (first["network"], first["mask"])
        shares = [one[name] for name in ("covered", "falsely", "missed") for one in kinds]
        rows.append((seed, f"{first['true']:.2%}", *(f"{share:.3%}" for share in shares)))
    told = ("covered", "falsely", "missed")
    columns = (
        "seed",
        "truly cloud or shadow",
        *(f"{name}, {by}" for name in told for by in ("network", "mask")),
    )
    caption = (
        "What the first scene leaves open, by the network alone and by the mask that is used, of the tile:"
    )
    return Table(caption, columns, tuple(rows))


def _mib(count: int) -> str:
    return f"{count / 2**20:.1f} MiB"
