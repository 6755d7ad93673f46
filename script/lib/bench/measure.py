"""What every subcommand is given: how to run the product's tasks, on which scenes, in which folder."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from script.lib import worker
from script.lib.bench import runs
from script.lib.bench.inputs import DATES, SEEDS, TILE, Inputs, linked, safe_of, simulated
from script.lib.places import PYTHON

SIDE_METRES = 109_800
FILE_WINDOW = 512
KEPT_OF_SCENES = ("reflectance.tif", "cloud.tif", "image.tif", "sketch.npy")
KEPT_OF_LIST = ("scene_list.json", "candidates.json", "previews.npz", "work.json")


@dataclass(frozen=True)
class Bench:
    """One call of `script/bench`.

    Attributes:
        work: folder of scenes and builds.
        resolution: metres.
        count: paired runs.
        threads: of the numeric libraries, as a worker has them.
        dates: candidates.
        seeds: of the stacks, where several are measured.
        device: "cpu", or "cuda" for a worker that has a GPU.
    """

    work: Path
    resolution: int
    count: int
    threads: int
    dates: int = DATES
    seeds: tuple[int, ...] = SEEDS
    device: str = "cpu"

    @property
    def side(self) -> int:
        """Pixels along a side of the tile."""
        return SIDE_METRES // self.resolution

    @property
    def megapixels(self) -> float:
        return self.side**2 / 1e6

    def settings(self, **changes: Any) -> dict[str, Any]:
        """The campaign's settings, as JSON."""
        range_ = {"start": "2023-06-01", "end": "2023-08-31", "max_cloud": 100.0}
        return range_ | {"resolution": self.resolution} | changes

    def environment(self) -> dict[str, str]:
        """That of a worker, which sees a GPU only where one is to be measured."""
        found = worker.environment(os.environ, self.threads)
        return found if self.device == "cuda" else found | {"CUDA_VISIBLE_DEVICES": ""}

    def task(self, name: str, **arguments: Any) -> runs.Run:
        """Run a task of `tasks.py` in a process of its own."""
        command = [PYTHON, "-m", "script.lib.bench.tasks", name, json.dumps(arguments, default=str)]
        return runs.run(command, self.environment())

    def chain(self, folder: Path, inputs: Inputs, steps: tuple[str, ...], **more: Any) -> runs.Run:
        """Run steps of the chain in a build's folder."""
        settings = more.pop("settings", self.settings())
        return self.task("chain", tile=TILE, settings=settings, folder=folder, catalog=inputs.catalog,
                         steps=steps, **more)  # fmt: skip

    def files_only(self, reads: Sequence[Path | str], writes: Sequence[Path]) -> runs.Run:
        """Only read rasters and write products again."""
        scratch = linked(self.work, self.work / "runs" / "files-only", ())
        return self.task("only-files", reads=reads, writes=writes, window=FILE_WINDOW, scratch=scratch)

    def scenes(self) -> tuple[Inputs, Inputs]:
        """The scenes as a static STAC catalog of COGs, and the same as SAFE products."""
        stac = simulated(self.work, self.resolution, self.dates)
        safe = safe_of(
            stac, lambda out: self.task("safe", source=stac.folder, target=out, tile=TILE, dates=self.dates)
        )
        return stac, safe

    def copy_of(self, build: Path, name: str, files: tuple[str, ...]) -> Path:
        """A build's folder as it was before a stage: those of its files alone."""
        return linked(build, self.work / "runs" / name, files)
