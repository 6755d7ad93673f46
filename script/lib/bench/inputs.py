"""The simulated scenes that everything is measured on, made once and kept."""

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from script.lib.packages import last_line
from script.lib.places import PYTHON, ROOT
from script.lib.say import Trouble, say, step

TILE = "33TWL"
SEED = 7
SEEDS = (SEED, 7001, 7002)
FULL_RESOLUTION = 10
RESOLUTIONS = (10, 20, 30, 60)
DATES = 8


@dataclass(frozen=True)
class Inputs:
    """Simulated scenes of one tile.

    Attributes:
        folder: with `truth/` in it.
        format: "stac" or "safe".
    """

    folder: Path
    format: str

    @property
    def catalog(self) -> str:
        """What `--catalog` takes."""
        return str(self.folder / "catalog.json" if self.format == "stac" else self.folder)

    @property
    def truth(self) -> Path:
        return self.folder / "truth" / TILE


def safe_of(inputs: Inputs, make: Callable[[Path], None]) -> Inputs:
    """The same scenes as SAFE products, made by `make` unless they are there."""
    folder = inputs.folder.with_name(inputs.folder.name.replace("stac", "safe"))
    if not (folder / "whole").exists():
        shutil.rmtree(folder, ignore_errors=True)
        with step("Writing the same scenes as SAFE products"):
            make(folder)
        (folder / "whole").touch()
    return Inputs(folder, "safe")


def simulated(work: Path, resolution: int, dates: int = DATES, seed: int = SEED) -> Inputs:
    """The scenes of the tile, simulated unless they are there."""
    of_seed = "" if seed == SEED else f"-seed-{seed}"
    folder = work / "inputs" / f"stac-{resolution}m-{dates}{of_seed}"
    if (folder / "whole").exists():
        return Inputs(folder, "stac")
    shutil.rmtree(folder, ignore_errors=True)
    command = [PYTHON, "-m", "pipeline", "simulate", "--out", folder, "--tile", TILE, "--seed", seed,
               "--dates", dates, "--resolution", resolution, "--format", "stac", "--workers", 1]  # fmt: skip
    with step(f"Simulating {dates} dates at {resolution} m{of_seed}"):
        done = subprocess.run([str(word) for word in command], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise Trouble(f"The scenes could not be simulated: {last_line(done.stderr)}")
    (folder / "whole").touch()
    return Inputs(folder, "stac")


def linked(source: Path, target: Path, names: tuple[str, ...]) -> Path:
    """A folder with hard links to those files of another that have one of the names, in the same places."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for path in source.rglob("*"):
        if path.name in names:
            place = target / path.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            os.link(path, place)
    return target


def free_gib(folder: Path) -> float:
    folder.mkdir(parents=True, exist_ok=True)
    return shutil.disk_usage(folder).free / 2**30


def held_gib(folder: Path) -> float:
    """What the files of a folder take, each counted once however many names it has."""
    stats = [path.stat() for path in folder.rglob("*") if path.is_file()]
    return sum({stat.st_ino: stat.st_size for stat in stats}.values()) / 2**30


def require_gib(folder: Path, needed: float) -> None:
    """Refuse to begin what the disk cannot hold; what earlier runs left in the folder is used or replaced."""
    free, held = free_gib(folder), held_gib(folder)
    if free + held < needed:
        raise Trouble(
            f"{folder} has {free:.1f} GiB free beside the {held:.1f} GiB in it, and {needed:.1f} GiB are "
            f"needed: give another --work."
        )
    say(f"    working in {folder}, {free:.0f} GiB free beside the {held:.0f} GiB in it")
