"""Stages 1 to 3 of one tile: peak memory, time against only reading and writing the files."""

from collections.abc import Sequence
from pathlib import Path

from script.lib.bench import runs
from script.lib.bench.inputs import TILE, Inputs, require_gib
from script.lib.bench.measure import KEPT_OF_LIST, KEPT_OF_SCENES, Bench
from script.lib.bench.report import Section, Table
from script.lib.bench.runs import Run
from script.lib.say import step

WHOLE = ("scene list", "imagery", "composite", "mosaic")
STAGE_3 = ("composite", "mosaic")
GIB = 1024
MOST_MIB, MOST_STAGE_3, MOST_WHOLE = 2 * GIB, 1.3, 1.5
PRODUCTS = ("composite.tif", "provenance.tif", "mosaic.tif")
GIB_PER_MEGAPIXEL = 0.35
FORMATS = {"stac": "COGs", "safe": "JP2 in SAFE products"}
NOTES = (
    "Seconds are medians of the paired runs, without starting Python; a ratio is the median of the ratios of "
    "the pairs. Peak memory is the resident memory of the whole process tree.",
    '"Files only" reads what the work reads once and writes its products once, with the same library, '
    "windows and settings; the products' pixels are in memory before the clock runs. Without the networks, "
    "the cloud masks of an earlier run are there; the small networks that look at the previews do run. "
    "Scenes that were fetched and taken off the list again are read and written on both sides. "
    "Stage 3 is measured with COGs alone, as it reads the same whatever stage 2 has read.",
)
READ_BY_STAGE_3 = ("reflectance.tif", "cloud.tif", "sketch.npy")


def measure(bench: Bench) -> Section:
    """Measure the scenes as a static STAC catalog of COGs."""
    return of_sources(bench, bench.scenes()[0])


def of_sources(bench: Bench, inputs: Inputs) -> Section:
    """Measure a whole run and the pairs of scenes in one format."""
    require_gib(bench.work, GIB_PER_MEGAPIXEL * bench.megapixels)
    found = _of_format(bench, inputs)
    size = f"{bench.side} x {bench.side} pixels, {bench.dates} candidate dates"
    return Section(
        title=f"Stages 1 to 3 of one tile from {FORMATS[inputs.format]}, {size}",
        tables=(_whole(found), _pairs(found)),
        figures=runs.in_json(found),
        notes=NOTES,
    )  # fmt: skip


def _of_format(bench: Bench, inputs: Inputs) -> dict[str, list[Run]]:
    """One whole run, then the pairs on what it has left."""
    build = bench.work / "builds" / f"{inputs.folder.name}"
    with step(f"Stages 1 to 3, {inputs.format.upper()}, networks included"):
        fresh = bench.copy_of(build, build.name, ())
        whole = bench.chain(fresh, inputs, WHOLE)
    # What stage 3 reads does not tell from what stage 2 has read.
    stage_3 = _stage_3(bench, inputs, fresh, whole.answer["wanted"]) if inputs.format == "stac" else {}
    return {
        "whole": [whole],
        **stage_3,
        **_without_networks(bench, inputs, fresh),
    }


def _stage_3(bench: Bench, inputs: Inputs, done: Path, wanted: Sequence[str]) -> dict[str, list[Run]]:
    """The pairs of stage 3, whose inputs are the scenes of the list and those only asked what they show."""
    reads = [done / "scenes" / scene / name for scene in wanted for name in READ_BY_STAGE_3]

    def stage() -> Run:
        folder = bench.copy_of(done, "stage-3", KEPT_OF_LIST + KEPT_OF_SCENES)
        return bench.chain(folder, inputs, STAGE_3)

    with step(f"Stage 3 against its files, {inputs.format.upper()}"):
        return runs.paired(
            {"stage 3": stage, "stage 3, files only": lambda: bench.files_only(reads, _products(done))},
            bench.count,
        )


def _without_networks(bench: Bench, inputs: Inputs, done: Path) -> dict[str, list[Run]]:
    """The pairs of all stages; what is read are all scenes that were fetched, those in vain too."""
    names = sorted(path.name for path in (done / "scenes").iterdir())
    sources = bench.task("sources", folder=done, ids=names).answer["paths"]
    views = [done / "scenes" / name / "image.tif" for name in names]

    def whole() -> Run:
        return bench.chain(bench.copy_of(done, "without-networks", ()), inputs, WHOLE, masks=done)

    with step(f"Stages 1 to 3 without the networks against their files, {inputs.format.upper()}"):
        return runs.paired(
            {
                "stages 1 to 3": whole,
                "stages 1 to 3, files only": lambda: bench.files_only(sources, views + _products(done)),
            },
            bench.count,
        )


def _products(build: Path) -> list[Path]:
    return [build / name for name in PRODUCTS]


def _whole(found: dict[str, list[Run]]) -> Table:
    (one,) = found["whole"]
    steps = one.answer["steps"]
    row = (
        len(one.answer["scenes"]),
        *(f"{steps[step]:.0f} s" for step in WHOLE),
        f"{sum(one.answer['networks'].values()):.0f} s",
        f"{one.seconds:.0f} s",
        f"{one.peak_mib / GIB:.2f} GiB",
        "yes" if one.peak_mib <= MOST_MIB else "no",
    )
    return Table(
        f"From catalog to mosaic, networks included, one run of {TILE}; at most 2 GiB are wanted:",
        ("scenes of the list", *WHOLE, "of it networks", "together", "peak memory", "held"),
        (row,),
    )


def _pairs(found: dict[str, list[Run]]) -> Table:
    rows = []
    for work, most in (("stage 3", MOST_STAGE_3), ("stages 1 to 3", MOST_WHOLE)):
        if work in found:
            own, files = found[work], found[f"{work}, files only"]
            ratio = runs.ratio(own, files)
            rows.append(
                (
                    work,
                    f"{runs.median_seconds(own):.1f} s",
                    f"{runs.median_seconds(files):.1f} s",
                    f"{ratio:.2f}",
                    f"{most}",
                    f"{runs.peak_mib(own) / GIB:.2f} GiB",
                    "yes" if ratio <= most and runs.peak_mib(own) <= MOST_MIB else "no",
                )
            )
    return Table(
        "Against only reading the inputs and writing the products, without the networks:",
        ("work", "time", "files only", "ratio", "at most", "peak memory", "held"),
        tuple(rows),
    )
