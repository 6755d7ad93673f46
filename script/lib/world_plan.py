"""`script/world-plan`: hours, bytes, objects and money of a campaign of all land, from measured figures.

What was measured is read from `docs/benchmarks.json`; what was not is a parameter, and told as one.
"""

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from script.lib.places import ROOT
from script.lib.say import Trouble, say

MEASURED = ROOT / "docs" / "benchmarks.json"
PAGE = ROOT / "docs" / "scale.md"
BEGIN, END = "<!-- begin of script/world-plan -->", "<!-- end of script/world-plan -->"
# A tile at 10 m has so many times the pixels of one at 60 m, on which packing was measured.
FINER = 36
BANDS = 4
MIB, GB, TB = 2**20, 1e9, 1e12
HOURS_PER_DAY = 24
# Rasters of a tile's products, by how they are packed: bands of uint16 and of uint8, and other files.
BUILD_UINT16 = 4
BUILD_UINT8 = 2 + 6
BUILD_FILES = 7
SCENE_UINT8 = 4 + 1 + 2
SCENE_FILES = 3
REVISION_UINT8 = 4 + 1 + 1
REVISION_FILES = 6
COPY_UINT8, COPY_FILES = 6, 4


@dataclass(frozen=True)
class Assumed:
    """What is chosen, or was not measured; prices are in any one currency.

    Attributes:
        gpu_times: how many times as fast as two cores one GPU runs the networks; 0 = as measured.
        gpus: GPU workers.
        share_used: share of its time in which a worker has work.
        again: share of the tiles that are built a second time.
        gpu_hour: price of one GPU with its machine for an hour.
        core_hour: price of one core for an hour.
        gb_month: price of a GB in the object store for a month.
        puts_1000: price of a thousand writes of objects.
        reads_1000: price of a thousand reads of objects.
        months: how long the products are kept.
    """

    gpu_times: float = 0.0
    gpus: int = 4
    share_used: float = 0.9
    again: float = 0.1
    gpu_hour: float = 2.0
    core_hour: float = 0.05
    gb_month: float = 0.02
    puts_1000: float = 0.005
    reads_1000: float = 0.0004
    months: float = 12.0


@dataclass(frozen=True)
class PerTile:
    """What one tile at 10 m takes, as measured.

    Attributes:
        network_seconds: of all networks on two cores, wall clock.
        other_core_seconds: processor time of all else.
        fetched: bytes of its scenes.
        scenes: that were fetched.
        kept: bytes of the products that stay.
        work: bytes that go when its build has ended or is superseded.
        objects: files that stay.
        work_objects: files that go.
        gpu: name of the GPU that was measured.
        gpu_times: how many times as fast as two threads beside it that GPU ran the networks.
    """

    network_seconds: float
    other_core_seconds: float
    fetched: float
    scenes: int
    kept: float
    work: float
    objects: int
    work_objects: int
    gpu: str
    gpu_times: float


def main(arguments: list[str]) -> int:
    """Print the plan, or write it into the page."""
    parser = argparse.ArgumentParser(prog="script/world-plan", description=__doc__)
    for one in fields(Assumed):
        flag = f"--{one.name.replace('_', '-')}"
        parser.add_argument(flag, type=type(one.default), default=one.default, metavar="N")
    parser.add_argument("--write", action="store_true", help=f"put it into {PAGE.name}")
    asked = vars(parser.parse_args(arguments))
    is_written = asked.pop("write")
    text = plan(per_tile(json.loads(MEASURED.read_text(encoding="utf-8"))), Assumed(**asked))
    if is_written:
        PAGE.write_text(put_into(PAGE.read_text(encoding="utf-8"), text), encoding="utf-8")
    else:
        say(text)
    return 0


def per_tile(measured: Mapping[str, Any]) -> PerTile:
    """What a tile takes, from the figures of the benchmarks.

    Raises:
        Trouble: one of them was not measured.
    """
    try:
        one = measured["one-tile"]["figures"]["runs"][0]
        fetched = next(iter(measured["fetched"]["figures"].values()))["scenes"].values()
        packed = measured["packing-60m"]["figures"]["rounds"][0]
        alone = measured["stages"]["figures"]["stages 1 to 3"][0]
        neighbours = measured["neighbours"]["figures"]["eight"][0]
        on_gpu = measured["networks-cuda"]["figures"]
    except (KeyError, IndexError, StopIteration) as error:
        raise Trouble(f"{MEASURED} lacks {error}: run `script/bench` for it first.") from error
    networks = sum(one["answer"]["networks"].values())
    both_cores = 2 * one["seconds"]
    revision = neighbours["cpu"] - alone["answer"]["steps"]["mosaic"]
    scenes = len(one["answer"]["scenes"])
    uint16 = packed["uint16, deflate 1"]["mib"] * MIB * FINER / BANDS
    uint8 = packed["uint8 as COG, deflate 1"]["mib"] * MIB * FINER / BANDS
    return PerTile(
        network_seconds=networks,
        other_core_seconds=max(both_cores - 2 * networks, 0.0) + revision,
        fetched=sum(scene["bytes_fetched"] for scene in fetched),
        scenes=scenes,
        kept=BUILD_UINT16 * uint16 + (BUILD_UINT8 + REVISION_UINT8 + COPY_UINT8) * uint8,
        work=scenes * (BUILD_UINT16 * uint16 + SCENE_UINT8 * uint8),
        objects=BUILD_FILES + REVISION_FILES + COPY_FILES,
        work_objects=scenes * (SCENE_FILES + 1),
        gpu=on_gpu["gpu"]["name"],
        gpu_times=on_gpu["times"],
    )


def plan(tile: PerTile, assumed: Assumed) -> str:
    """The plan as tables in Markdown."""
    from pipeline.land import tiles_of_land

    land = tiles_of_land()
    km2 = sum(one.own_km2 for one in land)
    builds = len(land) * (1 + assumed.again)
    times = assumed.gpu_times or tile.gpu_times
    gpu_hours = builds * tile.network_seconds / times / 3600 / assumed.share_used
    core_hours = builds * tile.other_core_seconds / 3600 / assumed.share_used
    objects = len(land) * tile.objects
    puts = builds * (tile.objects + tile.work_objects)
    kept, work = len(land) * tile.kept, builds * tile.work
    # A revision reads the composites and probabilities of eight neighbours besides its own.
    reads = builds * 9 * BUILD_FILES
    gigabits = builds * tile.fetched * 8 / GB / (gpu_hours / assumed.gpus * 3600)
    money = {
        f"GPU, {assumed.gpu_hour:g} an hour": gpu_hours * assumed.gpu_hour,
        f"cores, {assumed.core_hour:g} an hour": core_hours * assumed.core_hour,
        f"products for {assumed.months:g} months, {assumed.gb_month:g} for a GB and month": kept
        / GB
        * assumed.gb_month
        * assumed.months,
        f"writes, {assumed.puts_1000:g} a thousand": puts / 1000 * assumed.puts_1000,
        f"reads, {assumed.reads_1000:g} a thousand": reads / 1000 * assumed.reads_1000,
    }
    needs = {
        "land": f"{km2 / 1e6:.1f} million km²",
        "tiles": f"{len(land):,}",
        f"builds, {assumed.again:.0%} of the tiles twice": f"{builds:,.0f}",
        f"hours of GPU, each {times:.3g} times as fast as two cores": f"{gpu_hours:,.0f}",
        f"days of {assumed.gpus} GPUs": f"{gpu_hours / assumed.gpus / HOURS_PER_DAY:,.1f}",
        "hours of two cores in place of a GPU": f"{gpu_hours * times:,.0f}",
        "hours of a core for all else": f"{core_hours:,.0f}",
        f"cores that keep up with {assumed.gpus} GPUs": f"{core_hours / (gpu_hours / assumed.gpus):,.0f}",
        "bytes fetched": f"{builds * tile.fetched / TB:,.0f} TB",
        "network while that many GPUs work": f"{gigabits:.1f} Gbit/s",
        "bytes of products that stay": f"{kept / TB:,.0f} TB",
        "bytes of work files over the whole run": f"{work / TB:,.0f} TB",
        "objects that stay": f"{objects / 1e6:,.2f} million",
        "objects written": f"{puts / 1e6:,.2f} million",
    }
    each = {
        "networks, on two cores": f"{tile.network_seconds:,.0f} s",
        _on_gpu(tile, assumed): f"{tile.network_seconds / times:,.0f} s",
        "all else, of one core": f"{tile.other_core_seconds:,.0f} s",
        "scenes fetched": f"{tile.scenes}",
        "bytes fetched": f"{tile.fetched / GB:.2f} GB",
        "bytes of products that stay": f"{tile.kept / GB:.2f} GB",
        "bytes of work files": f"{tile.work / GB:.2f} GB",
        "objects that stay, and that go": f"{tile.objects}, {tile.work_objects}",
    }
    costs = {name: f"{value:,.0f}" for name, value in (money | {"together": sum(money.values())}).items()}
    return "\n\n".join(
        [
            _table("of one tile at 10 m", "as measured", each),
            _table("of all land", "needed", needs),
            _table("money", "in the currency of the prices", costs),
        ]
    )


def _on_gpu(tile: PerTile, assumed: Assumed) -> str:
    asked = f"{assumed.gpu_times:g} times as fast as told"
    return f"networks, on a GPU ({asked if assumed.gpu_times else tile.gpu})"


def _table(what: str, how_much: str, rows: Mapping[str, str]) -> str:
    told = [f"| {name} | {value} |" for name, value in rows.items()]
    return "\n".join([f"| {what} | {how_much} |", "| --- | --- |", *told])


def put_into(page: str, text: str) -> str:
    """The page with the plan in its place.

    Raises:
        Trouble: the page has no such place.
    """
    if BEGIN not in page or END not in page:
        raise Trouble(f"{PAGE} has no place for the plan: it wants the lines {BEGIN} and {END}.")
    before, after = page.split(BEGIN)[0], page.split(END)[1]
    return f"{before}{BEGIN}\n\n{text}\n\n{END}{after}"
