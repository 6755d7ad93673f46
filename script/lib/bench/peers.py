"""The tools that people would use instead, on the same scenes and masks in the same run."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from script.lib.bench import machine, runs
from script.lib.bench.growth import prepared
from script.lib.bench.inputs import FULL_RESOLUTION, TILE, simulated
from script.lib.bench.measure import Bench
from script.lib.bench.report import Section, Table
from script.lib.bench.runs import Run
from script.lib.packages import last_line
from script.lib.places import LOCAL, ROOT
from script.lib.say import Trouble, say, step
from script.lib.setup import base_python, is_done, stamp

VENV = LOCAL / "bench-venv"
PYTHON = VENV / "bin" / "python"
REQUIREMENTS = ROOT / "requirements-bench.txt"
CHUNK = 2048
GIB = 1024
FASTER = 2.0
ALL, LISTED = "Earthquilt, all scenes laid", "Earthquilt, the scenes of its list"
ODC = "odc-stac, dask median"
MEAN, FIRST = "s2mosaic, mean", "s2mosaic, first"
NOTES = (
    "All tools are given the same COG files and the same cloud masks, the simulation's own, so that no "
    "network for clouds takes part, and write a compressed GeoTIFF of four bands. Earthquilt fetches onto "
    "the tile's grid and makes the composite with its provenance (scenes brought to one radiometry, soft "
    "transitions); where its list is used, making the list from the previews is counted. The others merge "
    "digital numbers as they are.",
    "odc-stac: `odc.stac.load` in chunks of 2048, masked, the median over time by numbagg, dask's threads "
    "(with numpy's median, which dask takes by itself, it is slower still). s2mosaic: "
    "its own mosaic step, `s2mosaic.mosaic_core.download_bands_pool` with its default method (mean) and with "
    "`first`, then its `export_tif`; only `get_masks` is replaced by reading the masks. Its size is fixed to "
    "10980 x 10980, so that it takes part at 10 m only.",
)


def measure(bench: Bench) -> Section:
    """Measure all tools by turns."""
    ensure_environment()
    inputs = simulated(bench.work, bench.resolution, bench.dates)
    with step("Reading the scenes and their true masks"):
        build = prepared(bench, inputs, bench.settings())
    masks = {path.parent.name: str(path) for path in sorted((build / "scenes").glob("*/cloud.tif"))}
    items = {"paths": [str(inputs.folder / name / f"{name}.json") for name in masks], "masks": masks}

    def own(laid: bool) -> Run:
        folder = bench.copy_of(build, "peers", ())
        return bench.task("from-sources", tile=TILE, settings=bench.settings(), folder=folder,
                          catalog=inputs.catalog, all_scenes=laid, masks=build)  # fmt: skip

    tasks: dict[str, Callable[[], Run]] = {
        ALL: lambda: own(True),
        LISTED: lambda: own(False),
        ODC: lambda: _peer(bench, "odc-median", **items, **_grid(bench, build)),
    }
    if bench.resolution == FULL_RESOLUTION:
        tasks[MEAN] = lambda: _peer(bench, "s2mosaic", **items, method="mean")
        tasks[FIRST] = lambda: _peer(bench, "s2mosaic", **items, method="first")
    with step("All tools by turns"):
        found = runs.paired(tasks, bench.count)
    return Section(
        title=f"Beside other tools, {bench.side} x {bench.side} pixels, {len(masks)} dates",
        tables=(_table(found),),
        figures=runs.in_json(found),
        notes=(*NOTES, f"The others' environment: {machine.versions(PYTHON)}."),
    )


def ensure_environment() -> None:
    """Make the environment of the other tools, unless it is there."""
    if is_done(REQUIREMENTS, VENV):
        return
    LOCAL.mkdir(exist_ok=True)
    with step("Installing requirements-bench.txt into an environment of its own"):
        for line in (
            [base_python(), "-m", "venv", "--clear", str(VENV)],
            [PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "--no-deps", "-r", REQUIREMENTS],
        ):
            done = subprocess.run(line, capture_output=True, text=True, check=False, cwd=ROOT)
            if done.returncode:
                raise Trouble(f"{VENV} could not be made: {last_line(done.stderr or done.stdout)}")
    (VENV / f"{REQUIREMENTS.stem}.stamp").write_text(stamp(REQUIREMENTS))


def _peer(bench: Bench, name: str, **arguments: object) -> Run:
    target = bench.work / "runs" / "peer.tif"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    words = json.dumps(arguments | {"target": str(target)})
    done = runs.run([PYTHON, "-m", "script.lib.bench.peer_tasks", name, words], bench.environment())
    say(f"    {name} wrote {os.path.getsize(target) >> 20} MiB")
    target.unlink()
    return done


def _grid(bench: Bench, build: Path) -> dict[str, object]:
    """The tile's grid as the other tools take it."""
    found = bench.task("grid", tile=TILE, resolution=bench.resolution).answer
    return found | {"resolution": bench.resolution, "chunk": CHUNK, "threads": bench.threads}


def _table(found: dict[str, list[Run]]) -> Table:
    rows = []
    for name, measured in found.items():
        row = [name, f"{runs.median_seconds(measured):.1f} s", f"{runs.peak_mib(measured) / GIB:.2f} GiB"]
        for own in (ALL, LISTED):
            row.append("" if name in (ALL, LISTED) else f"{runs.ratio(measured, found[own]):.1f}")
        row.append("" if name in (ALL, LISTED) else _held(found, name))
        rows.append(tuple(row))
    columns = ("tool", "time", "peak memory", "by all laid", "by its list", "held with all laid / its list")
    caption = (
        f"Rounds: {len(found[ALL])}. The claim: Earthquilt is at least {FASTER:g} times as fast "
        "with less memory."
    )
    return Table(caption, columns, tuple(rows))


def _held(found: dict[str, list[Run]], name: str) -> str:
    """Whether the claim holds, with all scenes laid and with those of the list."""
    answers = []
    for own in (ALL, LISTED):
        faster = runs.ratio(found[name], found[own]) >= FASTER
        smaller = runs.peak_mib(found[own]) < runs.peak_mib(found[name])
        answers.append("yes" if faster and smaller else "no")
    return " / ".join(answers)
