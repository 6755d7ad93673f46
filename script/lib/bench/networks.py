"""How fast the networks are: tiled inference against its forward passes alone, by width and threads."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from pipeline.networks.card import BACK_ENDS
from script.lib.bench import networks_on_gpu, runs
from script.lib.bench.measure import Bench
from script.lib.bench.report import Section, Table
from script.lib.bench.runs import Run
from script.lib.say import step

SHIPPED = ("cloud", "water", "vegetation", "buildings")
OF_PREVIEWS = ("preview-cloud", "haze")
PREVIEWS = 64
LIKE = "buildings"
WIDTHS = (0.0625, 0.125, 0.25, 1.0)
WIDE = 1.0
ROWS, FEW_COLS = 1024, 2048
THREADS = (1, 2)
LEAST_SHARE = 0.9
TILE_PIXELS = 10_980**2

Tasks = Mapping[str, Callable[[], Run]]


def measure(bench: Bench) -> Section:
    """Measure the networks that ship, untrained ones of other widths, and other back ends; or a GPU."""
    if bench.device == "cuda":
        return networks_on_gpu.measure(bench, SHIPPED, OF_PREVIEWS, ROWS, PREVIEWS)
    found: dict[str, list[Run]] = {}
    with step("Networks that ship, and other widths"):
        for threads in THREADS:
            tasks = _tasks(replace(bench, threads=threads))
            found |= runs.paired({f"{name}, {threads}": task for name, task in tasks.items()}, bench.count)
    rows: dict[str, list[Run]] = {}
    with step("Back ends"):
        for threads in THREADS:
            tasks = _on_back_ends(replace(bench, threads=threads))
            rows |= runs.paired({f"{name}, {threads}": task for name, task in tasks.items()}, bench.count)
        others = [bench.task("back-ends", network=LIKE, threads=bench.threads) for _ in range(bench.count)]
    return Section(
        title=f"Networks, rasters of {ROWS} x {bench.side} pixels",
        tables=(_speeds(found), _rows_on_back_ends(rows), _back_ends(others)),
        figures=runs.in_json(found) | runs.in_json(rows) | {"back ends": [run.to_json() for run in others]},
        notes=(
            "A row of windows across a tile, random pixels in memory, float32 on the processor, as the "
            "product runs them; the forward passes alone are those of the same windows, on tensors in memory "
            "and without softmax. A tile is told by its number of pixels. Untrained networks are as "
            f"{LIKE!r}; that of width 1 runs on {FEW_COLS} columns. {' and '.join(OF_PREVIEWS)} look at "
            f"{PREVIEWS} previews instead. Seconds are medians; memory is that of the process after the "
            "tiled inference, Python, the pixels and the loading of the network included.",
            "ONNX Runtime is measured where it is installed beside (`pip install onnxruntime==1.32.0 "
            "onnx==1.23.2`): one window inside a tile, the fastest of five.",
        ),
    )


def _tasks(bench: Bench) -> Tasks:
    def of(name: str, width: float | None, cols: int) -> Callable[[], Run]:
        return lambda: bench.task("network", network=name, width=width, rows=ROWS, cols=cols)

    def of_previews(name: str) -> Callable[[], Run]:
        return lambda: bench.task("previews", network=name, count=PREVIEWS)

    shipped = {name: of(name, None, bench.side) for name in SHIPPED}
    small = {name: of_previews(name) for name in OF_PREVIEWS}
    widths = {
        f"width {width:g}": of(LIKE, width, FEW_COLS if width == WIDE else bench.side) for width in WIDTHS
    }
    return shipped | small | widths


def _on_back_ends(bench: Bench) -> Tasks:
    def of(back_end: str) -> Callable[[], Run]:
        return lambda: bench.task(
            "network", network=LIKE, width=None, rows=ROWS, cols=bench.side, back_end=back_end
        )

    return {back_end: of(back_end) for back_end in BACK_ENDS}


def _speeds(found: Mapping[str, list[Run]]) -> Table:
    rows = []
    for name, measured in found.items():
        seconds = runs.median_seconds(measured)
        bare = sorted(run.answer["bare"] for run in measured)[len(measured) // 2]
        pixels = measured[0].answer["pixels"]
        share = bare / seconds
        network, threads = name.rsplit(", ", 1)
        whole = "-" if network in OF_PREVIEWS else f"{seconds * TILE_PIXELS / pixels:.0f} s"
        rows.append(
            (
                network,
                threads,
                f"{pixels / seconds / 1e6:.2f} million",
                whole,
                f"{share:.2f}",
                "yes" if share >= LEAST_SHARE else "no",
                f"{_peak(measured) / 1024:.2f} GiB",
            )
        )
    columns = (
        "network",
        "threads",
        "pixels a second",
        "a tile",
        "speed of the bare passes",
        "held",
        "peak memory",
    )
    return Table("At least 0.9 of the speed of the bare forward passes is wanted:", columns, tuple(rows))


def _rows_on_back_ends(found: Mapping[str, list[Run]]) -> Table:
    rows = []
    for name, measured in found.items():
        back_end, threads = name.rsplit(", ", 1)
        seconds = runs.median_seconds(measured)
        times = runs.ratio(found[f"torch, {threads}"], measured)
        tile = seconds * TILE_PIXELS / measured[0].answer["pixels"]
        peak = f"{_peak(measured) / 1024:.2f} GiB"
        rows.append((back_end, threads, f"{tile:.0f} s", f"{times:.2f}", peak))
    columns = ("back end", "threads", "a tile", "times as fast as torch", "peak memory")
    return Table(f"Back ends, {LIKE!r}, the whole row of windows:", columns, tuple(rows))


def _peak(measured: list[Run]) -> float:
    return max(run.answer["peak_mib"] for run in measured)


def _back_ends(found: list[Run]) -> Table:
    rows = []
    for kind, one in found[0].answer["back_ends"].items():
        seconds = sorted(run.answer["back_ends"][kind]["seconds"] for run in found)[len(found) // 2]
        first = sorted(run.answer["back_ends"]["torch"]["seconds"] for run in found)[len(found) // 2]
        rows.append((kind, f"{seconds:.3f} s", f"{first / seconds:.2f}", f"{one['differ']:.2g}"))
    columns = ("back end", "a window", "times as fast as torch", "share of classes that differ")
    return Table("Back ends, one window with what it reads around it:", columns, tuple(rows))
