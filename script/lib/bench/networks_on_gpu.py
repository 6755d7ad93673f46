"""How fast the networks are on a GPU, against two threads of the same machine's processor."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from script.lib.bench import gpu, runs
from script.lib.bench.measure import Bench
from script.lib.bench.report import Section, Table
from script.lib.bench.runs import Run
from script.lib.say import step

THREADS = 2
LEAST_EQUAL = 0.9999
SEEDS = (9000, 9001, 9002)


def measure(
    bench: Bench, shipped: tuple[str, ...], of_previews: tuple[str, ...], rows: int, previews: int
) -> Section:
    """Measure the networks that ship on whole tiles, and a row of windows of them on two threads.

    Raises:
        Trouble: there is no GPU.
    """
    card = gpu.card_of(bench)
    on_processor = replace(bench, device="cpu", threads=THREADS)
    tasks = {}
    for name in shipped:
        tasks[f"{name}, GPU"] = lambda name=name: bench.task(
            "network", network=name, width=None, rows=bench.side, cols=bench.side, back_end="torch"
        )
        tasks[f"{name}, processor"] = lambda name=name: on_processor.task(
            "network", network=name, width=None, rows=rows, cols=bench.side
        )
    for name in of_previews:
        tasks[f"{name}, GPU"] = lambda name=name: bench.task("previews", network=name, count=previews)
        tasks[f"{name}, processor"] = lambda name=name: on_processor.task(
            "previews", network=name, count=previews
        )
    with step(f"Networks on {card['name']}, and on {THREADS} threads"):
        found = runs.paired(tasks, bench.count)
    with step("Whether they tell the same"):
        same = bench.task("agreement", names=[*of_previews, *shipped], seeds=SEEDS).answer["networks"]
    return Section(
        title=f"Networks on a GPU, rasters of {bench.side} x {bench.side} pixels",
        tables=(_speeds(found, shipped, bench.side), _previews(found, of_previews, previews), _same(same)),
        figures={"gpu": card, "runs": runs.in_json(found), "same": same, "times": times(found, shipped)},
        notes=(
            f"{gpu.told(card)} Random pixels in memory, windows as the product makes them; the time is that "
            "of the clock for all windows of a tile, with what makes them ready on the processor and the "
            "copies to the GPU and back. The forward passes alone are those of as many windows of the same "
            f"shapes, on tensors in the GPU's memory and without softmax. {THREADS} threads are of the same "
            f"machine, OpenVINO, a row of {rows} pixels told as a tile by its number of pixels. Seconds are "
            "medians. Whether they tell the same is asked on simulated scenes that no network was trained on "
            f"(seeds {SEEDS[0]} to {SEEDS[-1]}).",
        ),
    )


def times(found: Mapping[str, list[Run]], shipped: tuple[str, ...]) -> float:
    """How many times as fast as two threads the GPU is for a tile of all the networks."""
    on_gpu = sum(_a_pixel(found[f"{name}, GPU"]) for name in shipped)
    return sum(_a_pixel(found[f"{name}, processor"]) for name in shipped) / on_gpu


def _a_pixel(measured: list[Run]) -> float:
    return runs.median_seconds(measured) / float(measured[0].answer["pixels"])


def _speeds(found: Mapping[str, list[Run]], shipped: tuple[str, ...], side: int) -> Table:
    pixels = side**2
    rows = []
    sums = [0.0, 0.0, 0.0]
    for name in shipped:
        on_gpu = found[f"{name}, GPU"]
        whole, processor = (_a_pixel(found[f"{name}, {kind}"]) * pixels for kind in ("GPU", "processor"))
        bare = sorted(run.answer["bare"] for run in on_gpu)[len(on_gpu) // 2]
        sums = [one + more for one, more in zip(sums, (whole, bare, processor), strict=True)]
        memory = max(run.answer["gpu_mib"] for run in on_gpu) / 1024
        peak = max(run.answer["peak_mib"] for run in on_gpu) / 1024
        rows.append((*_row(name, whole, bare, processor), f"{memory:.1f} GiB", f"{peak:.1f} GiB"))
    rows.append((*_row("together", *sums), "", ""))
    columns = (
        "network", "a tile", "of it the bare passes take", f"on {THREADS} threads", "times as fast",
        "memory of the GPU", "of the process",
    )  # fmt: skip
    return Table("A tile of each network:", columns, tuple(rows))


def _row(name: str, whole: float, bare: float, processor: float) -> tuple[str, ...]:
    return name, f"{whole:.2f} s", f"{bare:.2f} s", f"{processor:.1f} s", f"{processor / whole:.0f}"


def _previews(found: Mapping[str, list[Run]], of_previews: tuple[str, ...], count: int) -> Table:
    rows = []
    for name in of_previews:
        whole, processor = (
            runs.median_seconds(found[f"{name}, {kind}"]) / count * 1000 for kind in ("GPU", "processor")
        )
        rows.append((name, f"{whole:.1f} ms", f"{processor:.1f} ms", f"{processor / whole:.1f}"))
    columns = ("network", "a preview", f"on {THREADS} threads", "times as fast")
    return Table("Previews, one by one as in stage 1:", columns, tuple(rows))


def _same(found: Mapping[str, dict[str, Any]]) -> Table:
    rows = [
        (
            name,
            f"{one['pixels']:,}",
            f"{one['differ']:.2g}",
            f"{one['most']:.1g}",
            "yes" if one["differ"] <= 1 - LEAST_EQUAL else "no",
        )
        for name, one in found.items()
    ]
    columns = ("network", "pixels", "share of classes that differ", "most that a probability does", "held")
    caption = "Whether the GPU tells the same as the processor; at most one class in 10,000 may differ:"
    return Table(caption, columns, tuple(rows))
